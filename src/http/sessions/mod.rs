//! Sessions, as a server sees them: how one is opened for a request, and which are open.
//!
//! How the client's messages travel is not known here: whoever opens a session hands over a future of its
//! `Client` and the answer that the client waits for.

mod open;
mod registry;

pub(super) use open::{SessionRequest, open};
pub(super) use registry::Registry;
