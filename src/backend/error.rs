//! Backend errors: why the output has ended early, or the input takes no more.

use std::io;

use crate::{framing::FramingError, message::Close, quantity::in_bytes};

/// Why there is no message, and how the session is to end, if the backend knows.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The way to it failed, a pipe or a socket. For input this is most often a program that has closed its
    /// stdin (EPIPE), and no end of the session.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It says a line or message that is too long.
    #[error("the message is longer than {} ({set_by})", in_bytes(*.bytes))]
    TooLong {
        /// The limit.
        bytes: usize,
        /// What sets it.
        set_by: &'static str,
    },
    /// What it says is no message, or a message cannot be said to it.
    #[error("{0}")]
    Framing(FramingError),
    /// A message cannot be said to it, and the client is told this.
    #[error("{}", .0.reason)]
    Refused(Close),
    /// It ends the session in order: once the client has all that it said, this is what the client is told.
    #[error("the session was closed with {}", .0.code)]
    Closed(Close),
    /// It ends the session at once, and this is what the client is told.
    #[error("{}", .0.reason)]
    Failed(Close),
}

impl From<FramingError> for BackendError {
    fn from(error: FramingError) -> Self {
        match error {
            FramingError::Io(error) => BackendError::Io(error),
            FramingError::Closed(close) => BackendError::Closed(close),
            error => BackendError::Framing(error),
        }
    }
}
