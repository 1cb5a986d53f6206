//! Framing errors: why bytes are no message, or a message cannot become bytes.

use std::io;

use crate::{message::Close, quantity::in_bytes, room::NoRoom};

/// Why bytes could not become a message, or a message bytes.
#[derive(Debug, thiserror::Error)]
pub enum FramingError {
    /// The pipe failed; for input this is the program that closed its end.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line or message of the program is longer than the limit, in bytes.
    #[error("the message is longer than {}", in_bytes(*.0))]
    TooLong(usize),
    /// What the program writes breaks the rules of its framing.
    #[error("the {framing} framing is broken: {reason}")]
    Malformed {
        /// Which framing.
        framing: &'static str,
        /// Which rule.
        reason: String,
    },
    /// There is no memory for it.
    #[error("{0}")]
    NoRoom(#[from] NoRoom),
    /// The program ends the session with this.
    #[error("the program closes with {}", .0.code)]
    Closed(Close),
    /// A message with a newline under [`Newline::Reject`](super::Newline::Reject).
    #[error("a message must be one line here")]
    NewlineInMessage,
    /// A binary message where the program reads text.
    #[error("this program takes text messages only")]
    BinaryForLines,
}
