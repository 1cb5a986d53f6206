//! The client: wsd at the other end, as the client of a WebSocket server, with a program or our own stdin and stdout
//! joined to it.
//!
//! The session is the server's own ([`session::run`](crate::session::run)); who is its client there is the server that we
//! connect to here. What is left for this module is to find that server ([`Url`], the socket, a proxy,
//! [`ClientTls`], the opening handshake), to try again where that was asked for, and to make an exit status of
//! the end ([`Outcome`]).

mod backoff;
mod client_loop;
mod connect_error;
mod dial;
mod exchange;
mod handshake;
mod leaf_verifier;
mod outcome;
mod proxy;
mod related_option;
mod tls;
mod url;

pub use client_loop::{LocalEnd, Options, run};
pub use connect_error::ConnectError;
pub use exchange::UnexpectedResponse;
pub use handshake::HandshakeOptions;
pub use outcome::Outcome;
pub use related_option::RelatedOption;
pub use tls::{ClientTls, Trust};
pub use url::{ServerAddress, Url};
