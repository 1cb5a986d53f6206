//! The client: wsd at the other end, as the client of a WebSocket server, with a program or our own stdin and stdout
//! joined to it.
//!
//! The session is the server's own ([`session::run`](crate::session::run)); who is its client there is the server that we
//! connect to here. What is left for this module is to find that server ([`Url`], the socket, a proxy,
//! [`Tls`], the opening handshake), to try again where that was asked for, and to make an exit status of
//! the end ([`Outcome`]).

mod backoff;
mod client_loop;
mod dial;
mod exchange;
mod failure;
mod handshake;
mod outcome;
mod proxy;
mod tls;
mod url;

pub use client_loop::{LocalEnd, Options, run};
pub use exchange::Refusal;
pub use failure::Failure;
pub use handshake::HandshakeOptions;
pub use outcome::Outcome;
pub use tls::{Tls, Trust};
pub use url::{Place, Url};
