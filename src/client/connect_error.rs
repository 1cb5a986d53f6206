//! Connection failures: why there is no WebSocket, and whether trying again may help.

use std::{error::Error as _, io, time::Duration};

use hyper::header::HeaderValue;

use super::exchange::UnexpectedResponse;
use crate::{http::websocket::extensions::BadAnswer, quantity::duration, tls_failure::TlsFailure};

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no server: the name has no address, or no address lets us in.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The proxy of the environment is of no use.
    #[error("{reason}")]
    Proxy {
        /// What is wrong with it.
        reason: String,
        /// Whether it may be better the next time.
        may_pass: bool,
    },
    /// The connection broke in the TLS handshake, or the server is not whom we trust.
    #[error("TLS: {0}")]
    Tls(TlsFailure),
    /// The connection broke in the opening handshake, or what answers speaks no HTTP.
    #[error("no answer to the opening handshake: {}", cause(.0))]
    Http(hyper::Error),
    /// The same where no TLS was tried: servers that speak it answer in it, or not at all.
    #[error(
        "no answer to the opening handshake: {}; if the server speaks TLS, its URL begins with wss://",
        cause(.0)
    )]
    PlainHttp(hyper::Error),
    /// The server answers with another status than 101.
    #[error("the server refuses: {0}")]
    Refused(UnexpectedResponse),
    /// It answers 400 and no more where no TLS was tried, as those do that speak it.
    #[error("the server refuses: {0}; if it speaks TLS, its URL begins with wss://")]
    PlainRefused(UnexpectedResponse),
    /// An answer that RFC 6455 §4.1 has us fail on.
    #[error("the server's handshake is wrong: {0}")]
    Handshake(String),
    /// The server selects a subprotocol that was not offered (RFC 6455 §4.1).
    #[error(
        "the server's handshake is wrong: it selects the subprotocol {0:?}, which was not offered"
    )]
    Subprotocol(HeaderValue),
    /// The server selects extensions that cannot be (RFC 6455 §4.1, RFC 7692 §7.1).
    #[error("the server's handshake is wrong: {0}")]
    Extensions(BadAnswer),
    /// All of it took too long.
    #[error("{0} within {time}", time = duration(*.1))]
    TimedOut(&'static str, Duration),
    /// Our own program cannot be started.
    #[error("COMMAND cannot be started: {0}")]
    Program(io::Error),
    /// Our own stdin or stdout is of no use.
    #[error("stdin or stdout cannot be used: {0}")]
    Stdio(io::Error),
}

/// What broke the connection; that a request is canceled, since it had not begun to go out, says nothing.
fn cause(error: &hyper::Error) -> &hyper::Error {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.unwrap_or(error)
}

impl ConnectError {
    /// Whether the same may be well the next time.
    pub fn may_pass(&self) -> bool {
        match self {
            ConnectError::Connect(_)
            | ConnectError::Http(_)
            | ConnectError::PlainHttp(_)
            | ConnectError::TimedOut(..) => true,
            ConnectError::Proxy { may_pass, .. } => *may_pass,
            ConnectError::Tls(failure) => failure.may_pass(),
            ConnectError::Refused(refusal) | ConnectError::PlainRefused(refusal) => {
                refusal.may_pass()
            }
            ConnectError::Handshake(_)
            | ConnectError::Subprotocol(_)
            | ConnectError::Extensions(_)
            | ConnectError::Program(_)
            | ConnectError::Stdio(_) => false,
        }
    }
}
