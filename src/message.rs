//! What crosses the middle: a whole [`Message`], and the [`Close`] that ends a session.
//!
//! Neither side of a session knows anything else about the other.

use std::sync::OnceLock;

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
    #[inline]
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

/// Bytes as a text message; U+FFFD stands for what is not UTF-8.
pub fn text(bytes: Bytes) -> Message {
    utf8(bytes).unwrap_or_else(|bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Message::Text(text.into())
    })
}

/// Bytes as a text message, if they are UTF-8; else they are given back.
#[inline]
pub(crate) fn utf8(bytes: Bytes) -> Result<Message, Bytes> {
    // Looked at twice, which costs less than a second handle: that is counted for all threads.
    match str::from_utf8(&bytes) {
        Ok(_) => Ok(Message::Text(bytes.try_into().unwrap_or_default())),
        Err(_) => Err(bytes),
    }
}

/// A message that many clients are sent: held once, and what it becomes for their wires is made once for all.
#[derive(Debug)]
pub struct Shared {
    message: Message,
    /// What it is where it is sent as it is.
    plain: OnceLock<Bytes>,
    /// What it is where it is compressed, by the window in which that was done. Most are not, and have no room for it.
    compressed: OnceLock<Box<[OnceLock<Bytes>; WINDOWS]>>,
}

/// What a message to many becomes for a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireForm {
    /// It is sent as it is.
    Plain,
    /// It is compressed with a window of so many bits.
    Compressed(u8),
}

/// Windows that DEFLATE has, as powers of two: 8 to 15 (RFC 7692 §7.1.2).
const WINDOWS: usize = 8;
const SMALLEST_WINDOW: u8 = 8;

impl Shared {
    /// A message for many.
    pub fn new(message: Message) -> Self {
        Shared {
            message,
            plain: OnceLock::new(),
            compressed: OnceLock::new(),
        }
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// What it is on a wire; `make` makes that of it, for the first who asks.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn form<E>(
        &self,
        form: WireForm,
        make: impl FnOnce(&Message) -> Result<Bytes, E>,
    ) -> Result<&Bytes, E> {
        let form = match form {
            WireForm::Plain => &self.plain,
            WireForm::Compressed(bits) => {
                let index = usize::from(bits.saturating_sub(SMALLEST_WINDOW)).min(WINDOWS - 1);
                &self.compressed.get_or_init(Box::default)[index]
            }
        };
        match form.get() {
            Some(made) => Ok(made),
            // Two who ask in the same moment both make it, and one of them in vain.
            None => make(&self.message).map(|made| form.get_or_init(|| made)),
        }
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

impl Eq for Shared {}

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
    /// What served it starts again, and may be connected to at once (IANA's registry of close codes).
    pub const SERVICE_RESTART: u16 = 1012;
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

    /// What clients of a program are told whose file is another one by now.
    pub fn program_changed() -> Self {
        Close::new(Self::SERVICE_RESTART, "the program has changed")
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
    fn form_is_made_once_for_each_wire() {
        use WireForm::{Compressed, Plain};
        let shared = Shared::new(Message::Text("x".into()));
        let mut made = 0;
        let forms = [Compressed(15), Plain, Compressed(9), Plain, Compressed(15)];
        for form in forms {
            let expected = Bytes::from(format!("{form:?}"));
            let found = shared.form(form, |_| {
                made += 1;
                Ok::<_, ()>(expected.clone())
            });
            assert_eq!(found, Ok(&expected));
        }
        assert_eq!(made, 3);
        let failed = shared.form(Compressed(10), |_| Err("no room"));
        assert_eq!(failed, Err("no room"));
    }

    #[test]
    fn reserved_codes_are_never_sendable() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert!(!Close::new(code, "").is_sendable(), "{code}");
        }
    }
}
