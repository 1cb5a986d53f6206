//! Protocol violations: why a message is refused before the WebSocket library has it.

use std::io;

use crate::{message::Close, quantity::in_bytes, room::NoRoom};

/// What is wrong with a message. It travels inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProtocolViolation {
    /// Text that is not UTF-8.
    #[error("a text message that is not UTF-8")]
    Text,
    /// More bytes than needed say how long a frame is, or the first bit is set (RFC 6455 §5.2).
    #[error("a frame whose length is not well-formed")]
    Length,
    /// A control frame is longer than those may be (§5.5).
    #[error("a control frame over 125 bytes")]
    Control,
    /// A Close says what no Close may say (§7.4.1).
    #[error("a Close with a status code that may not be sent")]
    CloseCode,
    /// A message, with what has been announced of it, is over so many bytes.
    #[error("a message over {0} bytes (maxframesize)")]
    TooLong(usize),
    /// A frame is, of a message that may be longer.
    #[error("a frame over {}", in_bytes(*.0))]
    FrameTooLong(usize),
    /// There is no memory for the message.
    #[error("{}", NoRoom)]
    NoRoom,
    /// Compressed data is no DEFLATE stream (RFC 1951), reaches back too far, or ends within a block.
    #[error("compressed data that cannot be inflated")]
    Data,
    /// Many times more bytes came than were in them.
    #[error("a compressed message that is mostly padding")]
    Padding,
}

impl ProtocolViolation {
    /// What the client is told. RFC 7692 names no code for data: what that is not what it claims to be is 1007
    /// (RFC 6455 §7.4.1), and a message that takes too much of us is 1009.
    pub(super) fn close(self) -> Close {
        let code = match self {
            ProtocolViolation::Length
            | ProtocolViolation::Control
            | ProtocolViolation::CloseCode => Close::PROTOCOL,
            ProtocolViolation::Text | ProtocolViolation::Data => Close::INVALID_DATA,
            ProtocolViolation::TooLong(_)
            | ProtocolViolation::FrameTooLong(_)
            | ProtocolViolation::NoRoom
            | ProtocolViolation::Padding => Close::TOO_BIG,
        };
        Close::new(code, self.to_string())
    }

    /// The one inside an error, if there is one.
    pub(super) fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<ProtocolViolation> for io::Error {
    fn from(bad: ProtocolViolation) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, bad)
    }
}
