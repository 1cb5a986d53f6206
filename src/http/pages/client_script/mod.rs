//! The client script: a WebSocket for pages that goes on by plain HTTP where a network lets no WebSocket through.
//!
//! `wsd.mjs` is its source and `built/` what `scripts/page` makes of that, without comments and with short names, so that
//! cargo needs no node. It is there in two forms, as a module and as a classic script, for everybody and for pages of any
//! origin: nothing in it is of the server that has it.

mod answer;
mod script;

pub(super) use answer::answer;
pub use script::ClientScript;
