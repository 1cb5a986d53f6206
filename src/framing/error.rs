//! Framing errors: why bytes are no message, or a message cannot become bytes.

use std::io;

/// Why bytes could not become a message, or a message bytes.
#[derive(Debug, thiserror::Error)]
pub enum FramingError {
    /// The pipe failed; for input this is the program that closed its end.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line or message of the program is longer than the limit, in bytes.
    #[error("the message is longer than {0} bytes")]
    TooLong(usize),
    /// The program's `length` framing is broken.
    #[error("the length framing is broken: {0}")]
    Malformed(String),
    /// A message with a newline under [`Newline::Reject`](super::Newline::Reject).
    #[error("a message must be one line here")]
    NewlineInMessage,
    /// A binary message where the program reads lines.
    #[error("this program takes text messages only")]
    BinaryForLines,
}
