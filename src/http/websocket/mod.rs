//! WebSockets, as far as they are HTTP: the opening handshake (RFC 6455 §4.2, RFC 8441 §5), and what the
//! connection becomes.
//!
//! What a WebSocket carries is `transport`'s business, what a session does is `session`'s.

mod detach;
pub mod extensions;
pub(crate) mod handshake;
mod subprotocol;
mod tunnel;

pub use detach::Detach;
pub(in crate::http) use handshake::Handshake;
pub use subprotocol::Subprotocols;
pub(in crate::http) use tunnel::Tunnel;
