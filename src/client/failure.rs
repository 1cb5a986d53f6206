//! Why there is no WebSocket, and whether trying again may help.

use std::io;

use super::exchange::Refusal;

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is there: the name has no address, or no address lets us in.
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
    Tls(io::Error),
    /// The connection broke in the opening handshake, or what answers speaks no HTTP.
    #[error("no answer to the opening handshake: {0}")]
    Http(#[from] hyper::Error),
    /// The server answers with another status than 101.
    #[error("the server refuses: {0}")]
    Refused(Refusal),
    /// An answer that RFC 6455 §4.1 has us fail on.
    #[error("the server's handshake is wrong: {0}")]
    Handshake(String),
    /// All of it took too long.
    #[error("{0} within {1} s")]
    TimedOut(&'static str, u64),
    /// Our own program cannot be started.
    #[error("COMMAND cannot be started: {0}")]
    Program(io::Error),
    /// Our own stdin or stdout is of no use.
    #[error("stdin or stdout cannot be used: {0}")]
    Stdio(io::Error),
}

impl Failure {
    /// Whether the same may be well the next time.
    pub fn may_pass(&self) -> bool {
        match self {
            Failure::Connect(_) | Failure::Http(_) | Failure::TimedOut(..) => true,
            Failure::Proxy { may_pass, .. } => *may_pass,
            // A certificate is not going to be another.
            Failure::Tls(error) => error.kind() != io::ErrorKind::InvalidData,
            Failure::Refused(refusal) => refusal.may_pass(),
            Failure::Handshake(_) | Failure::Program(_) | Failure::Stdio(_) => false,
        }
    }
}
