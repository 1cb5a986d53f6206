//! CGI responses (RFC 3875 §6): how a program's output begins that answers a request, and what that asks for; pure.
//!
//! Scripts answer so, and programs that decide who may come in.

mod header_block;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod response;

pub(super) use header_block::{BadHeader, HeaderBlock};
pub(super) use response::{Dialect, Head, Reply, parse, parse_strictly};
