//! Why a compressed message is refused.

use std::io;

use crate::message::Close;

/// What is wrong with a compressed message. It travels inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::transport) enum BadMessage {
    /// The data is no DEFLATE stream (RFC 1951), reaches back too far, or ends within a block.
    #[error("compressed data that cannot be inflated")]
    Data,
    /// Many times more bytes came than were in them.
    #[error("a compressed message that is mostly padding")]
    Padding,
}

impl BadMessage {
    /// What the client is told. RFC 7692 names no code: data that is not what it claims to be is 1007
    /// (RFC 6455 §7.4.1), and a message that takes too much of us is 1009.
    pub(in crate::transport) fn close(self) -> Close {
        let code = match self {
            BadMessage::Data => Close::INVALID_DATA,
            BadMessage::Padding => Close::TOO_BIG,
        };
        Close::new(code, self.to_string())
    }

    /// The one inside an error, if there is one.
    pub(in crate::transport) fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<BadMessage> for io::Error {
    fn from(bad: BadMessage) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, bad)
    }
}
