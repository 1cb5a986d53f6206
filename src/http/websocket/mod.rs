//! WebSockets, as far as they are HTTP: the opening handshake (RFC 6455 §4.2, RFC 8441 §5), and the session
//! that a request opens.
//!
//! What a WebSocket carries is `transport`'s business, what a session does is `session`'s.

pub mod extensions;
pub(crate) mod handshake;
pub(in crate::http) mod open;
mod registry;
mod subprotocol;
mod tunnel;

pub(in crate::http) use registry::Registry;
pub use subprotocol::Subprotocols;
