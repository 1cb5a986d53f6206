//! Tagging: what a tagged program is told, each line with the number of the member that it is about.

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::Encoder;

use super::{grammar::MemberId, line_end};
use crate::{
    framing::{Codec, Framing, FramingError, Newline},
    message::{Close, Message},
    room,
};

/// How lines are made for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tagging {
    /// Each is a line; this becomes of line ends in what a member says.
    Lines(Newline),
    /// Each is a frame of the `length` framing, in which line ends are data.
    Length,
}

impl Tagging {
    /// For programs of this framing: there are two that have room for an address.
    pub(super) fn of(framing: Framing) -> Self {
        match framing {
            Framing::Lines(newline) => Tagging::Lines(newline),
            _ => Tagging::Length,
        }
    }

    /// What a member says. Every line of it has the member's address, so that nobody can speak for another.
    ///
    /// # Errors
    /// A message that this program cannot be told.
    pub(super) fn message(self, id: MemberId, message: &Message) -> Result<Bytes, FramingError> {
        let newline = match self {
            Tagging::Lines(newline) => newline,
            Tagging::Length => return frame(&format!("{id}\t"), message),
        };
        let Message::Text(text) = message else {
            return Err(FramingError::BinaryForLines);
        };
        let text = text.as_str();
        let mut lines = Vec::new();
        match newline {
            Newline::Reject if line_end::find(text).is_some() => {
                return Err(FramingError::NewlineInMessage);
            }
            Newline::Split | Newline::Reject => {
                let address = format!("{id}\t");
                for line in line_end::split(text) {
                    room::reserve(&mut lines, address.len() + line.len() + 1)?;
                    lines.put_slice(address.as_bytes());
                    lines.put_slice(line.as_bytes());
                    lines.put_u8(b'\n');
                }
            }
            Newline::Space => {
                room::reserve(&mut lines, text.len() + ADDRESS_ROOM)?;
                lines.put_slice(format!("{id}\t").as_bytes());
                for (index, line) in line_end::split(text).enumerate() {
                    lines.put_slice(if index > 0 { b" " } else { b"" });
                    lines.put_slice(line.as_bytes());
                }
                lines.put_u8(b'\n');
            }
        }
        lines.shrink_to_fit();
        Ok(lines.into())
    }

    /// Who has joined, with what is known of the request; what is empty is left out.
    pub(super) fn join(self, id: MemberId, variables: &[(String, String)]) -> Bytes {
        let mut line = format!("+{id}");
        let told = variables.iter().filter(|(_, value)| !value.is_empty());
        for (name, value) in told {
            line.push('\t');
            line.push_str(&field(name));
            line.push('=');
            line.push_str(&field(value));
        }
        self.event(line)
    }

    /// Who has left, and how.
    pub(super) fn leave(self, id: MemberId, close: &Close) -> Bytes {
        let mut line = format!("-{id}\t{}", close.code);
        if !close.reason.is_empty() {
            line.push(' ');
            line.push_str(&field(close.reason.as_str()));
        }
        self.event(line)
    }

    /// That time has passed.
    pub(super) fn tick(self) -> Bytes {
        self.event(".".to_owned())
    }

    fn event(self, mut line: String) -> Bytes {
        match self {
            Tagging::Lines(_) => {
                line.push('\n');
                line.into()
            }
            // Events are far from the 4 GiB that a frame holds.
            Tagging::Length => frame("", &Message::Text(line.into())).unwrap_or_default(),
        }
    }
}

/// Room for an address before a message, and the newline behind it.
const ADDRESS_ROOM: usize = 24;

/// A frame of the `length` framing, with an address before what is in the message.
fn frame(address: &str, message: &Message) -> Result<Bytes, FramingError> {
    let mut payload = Vec::new();
    room::reserve(&mut payload, address.len() + message.len())?;
    payload.put_slice(address.as_bytes());
    let message = match message {
        Message::Text(text) => {
            payload.put_slice(text.as_str().as_bytes());
            let text = Bytes::from(payload).try_into();
            Message::Text(text.expect("text behind text is text"))
        }
        Message::Binary(bytes) => {
            payload.put_slice(bytes);
            Message::Binary(payload.into())
        }
    };
    let mut framed = BytesMut::new();
    Codec::new(Framing::Length, usize::MAX).encode(message, &mut framed)?;
    Ok(framed.freeze())
}

/// A value as it may stand in a line of an event: a space stands for what would end the field, or the line.
fn field(value: &str) -> String {
    let is_end = |character| matches!(character, '\t' | '\0') || line_end::is_end(character);
    value.replace(is_end, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn lines(newline: Newline, message: &str) -> String {
        let told = Tagging::Lines(newline).message(7, &text(message));
        String::from_utf8(told.expect("it is told").to_vec()).expect("text")
    }

    #[test]
    fn every_line_of_a_message_has_its_address() {
        assert_eq!(lines(Newline::Split, "hi"), "7\thi\n");
        assert_eq!(lines(Newline::Split, ""), "7\t\n");
        assert_eq!(
            lines(Newline::Split, "a\n8\tb\r9\tc\u{2028}"),
            "7\ta\n7\t8\tb\n7\t9\tc\n7\t\n"
        );
    }

    #[test]
    fn line_ends_become_spaces_or_are_refused() {
        assert_eq!(lines(Newline::Space, "a\nb\r\nc\rd"), "7\ta b c d\n");
        assert_eq!(lines(Newline::Reject, "a\tb"), "7\ta\tb\n");
        let refused = Tagging::Lines(Newline::Reject).message(7, &text("a\u{85}b"));
        assert!(matches!(refused, Err(FramingError::NewlineInMessage)));
    }

    #[test]
    fn binary_messages_need_frames() {
        let binary = Message::Binary(Bytes::from_static(b"\xff\n"));
        let refused = Tagging::Lines(Newline::Split).message(7, &binary);
        assert!(matches!(refused, Err(FramingError::BinaryForLines)));
        let framed = Tagging::Length.message(7, &binary).expect("a frame");
        assert_eq!(&framed[..], b"b\0\0\0\x047\t\xff\n");
        let framed = Tagging::Length.message(7, &text("a\n")).expect("a frame");
        assert_eq!(&framed[..], b"t\0\0\0\x047\ta\n");
    }

    #[test]
    fn events_are_one_line_whatever_clients_have_sent() {
        let tagging = Tagging::Lines(Newline::Split);
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [
            variable("PATH_INFO", "/a\tb\nc\0"),
            variable("REMOTE_USER", ""),
            variable("X", "1"),
        ];
        assert_eq!(
            &tagging.join(7, &variables)[..],
            b"+7\tPATH_INFO=/a b c \tX=1\n"
        );
        assert_eq!(&tagging.join(7, &[])[..], b"+7\n");
        let close = |code, reason| tagging.leave(7, &Close::new(code, reason));
        assert_eq!(&close(1000, "")[..], b"-7\t1000\n");
        assert_eq!(&close(4000, "a\r\n+8\tb")[..], b"-7\t4000 a  +8 b\n");
        assert_eq!(&tagging.tick()[..], b".\n");
        assert_eq!(&Tagging::Length.tick()[..], b"t\0\0\0\x01.");
    }
}
