//! What crosses the middle: a whole [`Message`], and the [`Close`] that ends a session.
//!
//! Neither side of a session knows anything else about the other.

use bytes::Bytes;
/// Bytes that are known to be UTF-8. The WebSocket library's type, so that text checked on one side
/// is not checked again on the other.
pub use hyper_tungstenite::tungstenite::Utf8Bytes;

/// One whole message (RFC 6455 §5.6), never a fragment of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message: UTF-8.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// The payload's length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the payload is empty, as an empty line is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why a session ended, as a Close frame says it (RFC 6455 §7.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The status code; see the constants of this type and, for programs, [`Close::PROGRAM`].
    pub code: u16,
    /// The reason: UTF-8, at most [`Close::MAX_REASON`] bytes.
    pub reason: Utf8Bytes,
}

impl Close {
    /// The purpose was fulfilled: the program exited with status 0.
    pub const NORMAL: u16 = 1000;
    /// The server is going down.
    pub const GOING_AWAY: u16 = 1001;
    /// The client broke RFC 6455.
    pub const PROTOCOL: u16 = 1002;
    /// A type of message that this program cannot take.
    pub const UNSUPPORTED: u16 = 1003;
    /// Stands for a Close frame without a code; never sent (RFC 6455 §7.4.1).
    pub const NO_STATUS: u16 = 1005;
    /// Stands for a connection lost without a Close frame; never sent (RFC 6455 §7.4.1).
    pub const ABNORMAL: u16 = 1006;
    /// A text message that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// A message that the policy forbids, such as one with a newline where a message has to be one line.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The program's output could not be turned into messages.
    pub const INTERNAL: u16 = 1011;
    /// What may go well at another time (IANA's registry of close codes): the client takes too little.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// What we are a gateway to has failed (IANA's registry of close codes): its connection was lost.
    pub const BAD_GATEWAY: u16 = 1014;
    /// First code of the private range (RFC 6455 §7.4.2): 4000+n says exit status n, 4128+s signal s.
    pub const PROGRAM: u16 = 4000;
    /// A control frame holds 125 bytes, two of which are the code (RFC 6455 §5.5).
    pub const MAX_REASON: usize = 123;

    /// A close with a reason, cut at a character's end to fit a control frame.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason: String = reason.into();
        reason.truncate(reason.floor_char_boundary(Self::MAX_REASON));
        Close {
            code,
            reason: reason.into(),
        }
    }

    /// Whether the code may stand in a frame (RFC 6455 §7.4.1: 1005, 1006 and 1015 may not).
    pub fn is_sendable(&self) -> bool {
        matches!(self.code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_cut_between_characters() {
        let close = Close::new(Close::POLICY, "é".repeat(100));
        assert_eq!(close.reason.as_str(), "é".repeat(61));
    }

    #[test]
    fn reserved_codes_are_never_sendable() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert!(!Close::new(code, "").is_sendable(), "{code}");
        }
    }
}
