//! One [`Codec`] for all framings, over a buffer of bytes.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;
use tokio_util::codec::{Decoder, Encoder};

use super::{
    error::FramingError,
    headers::{self, Headers},
    length,
};
use crate::{
    message::{Close, Message, Utf8Bytes, utf8},
    room::{self, NoRoom},
};

/// How messages are told apart on stdin and stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A text message is a line: its bytes and `\n`.
    Lines(Newline),
    /// A binary message is whatever one read gives.
    Chunks,
    /// A text message is whatever one read gives, but for a UTF-8 sequence whose end has not come.
    Text,
    /// A message is `t` or `b`, four bytes of length (unsigned, big-endian), the payload.
    Length,
    /// As [`Framing::Length`], and a third kind, `c`, is a Close: two bytes of status code, then the reason.
    Control,
    /// A text message is the body behind a header with `Content-Length`.
    Headers,
}

impl Framing {
    /// Its name, as it is chosen by.
    pub fn name(self) -> &'static str {
        match self {
            Framing::Lines(_) => "lines",
            Framing::Chunks => "chunks",
            Framing::Text => "text",
            Framing::Length => "length",
            Framing::Control => "control",
            Framing::Headers => "headers",
        }
    }

    /// The one of that name; lines keep their newlines.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Framing::Lines(Newline::Split),
            Framing::Chunks,
            Framing::Text,
            Framing::Length,
            Framing::Control,
            Framing::Headers,
        ];
        all.into_iter().find(|framing| framing.name() == name)
    }

    /// Whether the program can be sent binary messages.
    pub fn takes_binary(self) -> bool {
        !matches!(self, Framing::Lines(_) | Framing::Headers)
    }

    /// Whether messages from the program are what reads give, so that the split is the framing.
    pub fn is_by_read(self) -> bool {
        matches!(self, Framing::Chunks | Framing::Text)
    }
}

/// What becomes of a newline inside a message that is to be a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newline {
    /// It stays, so that the program reads two lines.
    Split,
    /// The message is refused.
    Reject,
    /// A space stands in its place.
    Space,
}

impl Newline {
    /// Its name, as it is chosen by.
    pub fn name(self) -> &'static str {
        match self {
            Newline::Split => "split",
            Newline::Reject => "reject",
            Newline::Space => "space",
        }
    }
}

/// The codec for one program's streams.
#[derive(Debug)]
pub struct Codec {
    framing: Framing,
    /// Longest line or message of the program in bytes.
    limit: usize,
    /// How much of the source is known to hold no newline, so that a long line is searched once.
    searched: usize,
    /// The line's beginning was handed out by [`Codec::decode_partial`].
    continued: bool,
    /// Room in bytes that the source was given when it was full last; 0 at rest.
    room: usize,
    /// How far a message of [`Framing::Headers`] has come.
    headers: Headers,
}

/// Capacity of a source outside of a flood, in bytes: most programs print a short line now and then. While there is
/// nothing to read it may have none.
pub(crate) const CAPACITY_AT_REST: usize = 512;
/// Room that a source gets when it was full, and how that grows, up to [`CAPACITY_IN_FLOOD`].
const FIRST_ROOM: usize = 4 * 1024;
const GROWTH: usize = 16;
/// Room for what stands before or behind a message, in bytes.
const HEADER_ROOM: usize = 64;
/// Capacity of a source in a flood: what a Linux pipe holds (pipe(7)).
pub(super) const CAPACITY_IN_FLOOD: usize = 64 * 1024;

impl Codec {
    /// A codec; `limit` is the longest line or message of the program in bytes.
    pub fn new(framing: Framing, limit: usize) -> Self {
        Codec {
            framing,
            limit,
            searched: 0,
            continued: false,
            room: 0,
            headers: Headers::default(),
        }
    }

    /// How messages are told apart.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The beginning of a line whose newline has not come: a prompt. Holds back what may be half of
    /// something, a trailing `\r` or an incomplete UTF-8 sequence. A newline that follows at once
    /// ends what was handed out here and is no empty message of its own.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn decode_partial(
        &mut self,
        source: &mut BytesMut,
    ) -> Result<Option<Message>, FramingError> {
        if !matches!(self.framing, Framing::Lines(_)) {
            return Ok(None);
        }
        let carriage_return = usize::from(source.last() == Some(&b'\r'));
        let whole = source.len() - carriage_return;
        let ready = whole - incomplete_suffix(&source[..whole]);
        if ready == 0 {
            return Ok(None);
        }
        self.continued = true;
        self.searched = 0;
        Ok(Some(text(source.split_to(ready).freeze())?))
    }

    /// All there is but what may be half of something.
    fn decode_text(&self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        let ready = source.len() - incomplete_suffix(source);
        let whole = (ready > 0).then(|| text(source.split_to(ready).freeze()));
        Ok(whole.transpose()?)
    }

    /// Makes room for the next read: more after a read that took all there was room for, little again
    /// when all has been handed out.
    fn fit(&mut self, source: &mut BytesMut) -> Result<(), NoRoom> {
        if source.len() == source.capacity() {
            self.room = (self.room * GROWTH).clamp(FIRST_ROOM, CAPACITY_IN_FLOOD);
            // Of what a flood's reads are put into, the beginning of a line takes its part.
            let begun = source.len().min(self.room / 2);
            room::reserve_bytes(source, self.room - begun)?;
        } else if self.room > 0 && source.is_empty() {
            *source = BytesMut::with_capacity(CAPACITY_AT_REST);
            self.room = 0;
        }
        Ok(())
    }

    #[inline]
    fn decode_line(&mut self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        while let Some(offset) = memchr(b'\n', &source[self.searched..]) {
            let mut line = source.split_to(self.searched + offset + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.len() > self.limit {
                return Err(FramingError::TooLong(self.limit));
            }
            let continued = std::mem::take(&mut self.continued);
            if !(continued && line.is_empty()) {
                return Ok(Some(text(line.freeze())?));
            }
        }
        self.searched = source.len();
        // A `\r` may be half of the line's end and is not counted.
        if source.len() > self.limit.saturating_add(1) {
            return Err(FramingError::TooLong(self.limit));
        }
        Ok(None)
    }

    fn decode_length(&self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        let decoded = length::decode(source, b"tb", self.limit, "length")?;
        let message = decoded.map(|(kind, payload)| message_of(kind, payload));
        Ok(message.transpose()?)
    }

    fn decode_control(&self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        match length::decode(source, b"tbc", self.limit, "control")? {
            Some((b'c', payload)) => Err(FramingError::Closed(length::close(&payload)?)),
            Some((kind, payload)) => Ok(Some(message_of(kind, payload)?)),
            None => Ok(None),
        }
    }

    /// Tells the program how the client has gone, if it is told such things.
    pub fn encode_close(&self, close: &Close, target: &mut BytesMut) -> Result<(), FramingError> {
        match self.framing {
            Framing::Control => length::encode_close(close, target),
            _ => Ok(()),
        }
    }

    /// What the end of the output leaves unfinished, by the framing's name.
    fn unfinished(&self, source: &BytesMut) -> Option<&'static str> {
        match self.framing {
            Framing::Length if !source.is_empty() => Some("length"),
            Framing::Control if !source.is_empty() => Some("control"),
            Framing::Headers if !source.is_empty() || self.headers.is_inside_message() => {
                Some("headers")
            }
            _ => None,
        }
    }
}

fn message_of(kind: u8, payload: Bytes) -> Result<Message, NoRoom> {
    match kind {
        b't' => text(payload),
        _ => Ok(Message::Binary(payload)),
    }
}

impl Decoder for Codec {
    type Item = Message;
    type Error = FramingError;

    #[inline]
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        let message = match self.framing {
            Framing::Lines(_) => self.decode_line(source)?,
            Framing::Length => self.decode_length(source)?,
            Framing::Control => self.decode_control(source)?,
            Framing::Headers => {
                let body = self.headers.decode(source, self.limit)?;
                body.map(text).transpose()?
            }
            Framing::Text => self.decode_text(source)?,
            Framing::Chunks if source.is_empty() => None,
            Framing::Chunks => Some(Message::Binary(std::mem::take(source).freeze())),
        };
        if message.is_none() && !self.framing.is_by_read() {
            self.fit(source)?;
        }
        Ok(message)
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Message>, FramingError> {
        if let Some(message) = self.decode(source)? {
            return Ok(Some(message));
        }
        if let Some(framing) = self.unfinished(source) {
            let reason = "the output ended inside a message".to_owned();
            return Err(FramingError::Malformed { framing, reason });
        }
        match self.framing {
            _ if source.is_empty() => Ok(None),
            Framing::Lines(_) if source.len() > self.limit => {
                Err(FramingError::TooLong(self.limit))
            }
            // The last line of a program that prints no newline at its end; half a UTF-8 sequence.
            _ => {
                self.searched = 0;
                Ok(Some(text(source.split().freeze())?))
            }
        }
    }
}

impl Encoder<Message> for Codec {
    type Error = FramingError;

    #[inline]
    fn encode(&mut self, message: Message, target: &mut BytesMut) -> Result<(), FramingError> {
        if target.is_empty() && target.capacity() > CAPACITY_IN_FLOOD {
            // A long message has come and gone.
            *target = BytesMut::new();
        }
        room::reserve_bytes(target, message.len() + HEADER_ROOM)?;
        match (self.framing, message) {
            (framing, Message::Binary(_)) if !framing.takes_binary() => {
                return Err(FramingError::BinaryForLines);
            }
            (Framing::Headers, Message::Text(body)) => {
                headers::encode(body.as_str().as_bytes(), target);
            }
            (Framing::Lines(newline), Message::Text(line)) => {
                encode_line(line.as_str().as_bytes(), newline, target)?;
            }
            (Framing::Chunks | Framing::Text, Message::Text(text)) => {
                target.extend_from_slice(text.as_ref());
            }
            (Framing::Chunks | Framing::Text, Message::Binary(bytes)) => {
                target.extend_from_slice(&bytes);
            }
            (Framing::Length | Framing::Control, Message::Text(text)) => {
                length::encode(b't', text.as_str().as_bytes(), target)?;
            }
            (_, Message::Binary(bytes)) => {
                length::encode(b'b', &bytes, target)?;
            }
        }
        Ok(())
    }
}

#[inline]
fn encode_line(line: &[u8], newline: Newline, target: &mut BytesMut) -> Result<(), FramingError> {
    let start = target.len();
    match newline {
        Newline::Reject if memchr(b'\n', line).is_some() => {
            return Err(FramingError::NewlineInMessage);
        }
        Newline::Split | Newline::Reject => target.put_slice(line),
        Newline::Space => {
            target.put_slice(line);
            for byte in &mut target[start..] {
                if *byte == b'\n' {
                    *byte = b' ';
                }
            }
        }
    }
    target.put_u8(b'\n');
    Ok(())
}

/// Text as it may stand in a frame: U+FFFD replaces what is not UTF-8 (RFC 6455 §5.6).
#[inline]
fn text(bytes: Bytes) -> Result<Message, NoRoom> {
    utf8(bytes).or_else(|bytes| {
        let text = Utf8Bytes::try_from(Bytes::from(replaced(&bytes)?));
        Ok(Message::Text(text.unwrap_or_default()))
    })
}

/// What [`String::from_utf8_lossy`] makes of bytes, where there is room for it.
fn replaced(bytes: &[u8]) -> Result<Vec<u8>, NoRoom> {
    let mut text = Vec::new();
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid().as_bytes(), !chunk.invalid().is_empty());
        let replacement = if invalid { "\u{fffd}" } else { "" };
        room::reserve(&mut text, valid.len() + replacement.len())?;
        text.extend_from_slice(valid);
        text.extend_from_slice(replacement.as_bytes());
    }
    Ok(text)
}

/// How many bytes at the end begin a UTF-8 sequence that more bytes could complete.
fn incomplete_suffix(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    (from..bytes.len())
        .find(|&start| {
            matches!(std::str::from_utf8(&bytes[start..]),
                Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .map_or(0, |start| bytes.len() - start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::properties;
    use proptest::prelude::*;

    const LINES: Framing = Framing::Lines(Newline::Split);

    fn text_message(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn decode_all(
        framing: Framing,
        limit: usize,
        pieces: &[&[u8]],
    ) -> Result<Vec<Message>, FramingError> {
        let (messages, end) = properties::decode(framing, limit, pieces);
        end.map(|()| messages)
    }

    fn encode(framing: Framing, message: Message) -> Result<BytesMut, FramingError> {
        let mut target = BytesMut::new();
        Codec::new(framing, usize::MAX).encode(message, &mut target)?;
        Ok(target)
    }

    #[test]
    fn line_loses_its_newline_and_carriage_return() {
        let messages = decode_all(LINES, 100, &[b"a\r\n\nb\n"]).expect("three lines");
        assert_eq!(messages, ["a", "", "b"].map(text_message));
    }

    #[test]
    fn last_line_without_newline_is_delivered() {
        let messages = decode_all(LINES, 100, &[b"a\nb"]).expect("two lines");
        assert_eq!(messages, ["a", "b"].map(text_message));
    }

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        let messages = decode_all(LINES, 100, &[b"\xe2\x82", b"\xac \xff\n"]).expect("one line");
        assert_eq!(messages, [text_message("€ \u{fffd}")]);
    }

    #[test]
    fn line_at_the_limit_passes_and_one_byte_more_does_not() {
        assert!(decode_all(LINES, 3, &[b"abc\r\n"]).is_ok());
        assert!(matches!(
            decode_all(LINES, 3, &[b"abcd\n"]),
            Err(FramingError::TooLong(3))
        ));
        assert!(matches!(
            decode_all(LINES, 3, &[b"abcde"]),
            Err(FramingError::TooLong(3))
        ));
    }

    #[test]
    fn newline_in_a_message_follows_the_policy() {
        let two = || text_message("a\nb");
        assert_eq!(encode(LINES, two()).expect("split"), "a\nb\n");
        assert_eq!(
            encode(Framing::Lines(Newline::Space), two()).expect("space"),
            "a b\n"
        );
        assert!(matches!(
            encode(Framing::Lines(Newline::Reject), two()),
            Err(FramingError::NewlineInMessage)
        ));
    }

    #[test]
    fn binary_message_is_refused_where_lines_are_read() {
        let message = Message::Binary(Bytes::from_static(b"x"));
        assert!(matches!(
            encode(LINES, message),
            Err(FramingError::BinaryForLines)
        ));
    }

    #[test]
    fn text_passes_through_chunks_as_bytes() {
        assert_eq!(
            encode(Framing::Chunks, text_message("a\n")).expect("bytes"),
            "a\n"
        );
    }

    #[test]
    fn text_keeps_newlines_and_holds_back_half_a_character() {
        let messages = decode_all(Framing::Text, 0, &[b"a\r\n\xe2", b"\x82", b"\xac\n", b"\n"]);
        let expected = ["a\r\n", "€\n", "\n"].map(text_message);
        assert_eq!(messages.expect("no limit"), expected);
    }

    #[test]
    fn half_a_character_at_the_end_of_text_is_replaced() {
        let messages = decode_all(Framing::Text, 0, &[b"\xff\xe2\x82"]).expect("no limit");
        assert_eq!(messages, ["\u{fffd}", "\u{fffd}"].map(text_message));
    }

    #[test]
    fn what_comes_for_text_goes_in_as_it_is() {
        assert_eq!(
            encode(Framing::Text, text_message("a")).expect("bytes"),
            "a"
        );
        let binary = Message::Binary(Bytes::from_static(b"\xff"));
        let encoded = encode(Framing::Text, binary).expect("bytes");
        assert_eq!(encoded, &b"\xff"[..]);
    }

    #[test]
    fn length_framing_names_the_byte_that_is_wrong() {
        let error = decode_all(Framing::Length, 100, &[b"x"]).expect_err("no type byte");
        assert!(error.to_string().contains("0x78"), "{error}");
    }

    #[test]
    fn length_framing_refuses_a_message_over_the_limit_by_its_header() {
        let result = decode_all(Framing::Length, 100, &[b"b\xff\xff\xff\xff"]);
        assert!(matches!(result, Err(FramingError::TooLong(100))));
    }

    #[test]
    fn length_framing_that_ends_early_is_malformed() {
        let result = decode_all(Framing::Length, 100, &[b"t\0\0\0\x02a"]);
        assert!(matches!(result, Err(FramingError::Malformed { .. })));
    }

    #[test]
    fn close_of_the_program_ends_its_output() {
        let output = b"t\0\0\0\x01ac\0\0\0\x05\x0f\xa0bye";
        let (messages, end) = properties::decode(Framing::Control, 100, &[output]);
        assert_eq!(messages, [text_message("a")]);
        let expected = Close::new(4000, "bye");
        assert!(matches!(end, Err(FramingError::Closed(close)) if close == expected));
    }

    #[test]
    fn close_that_may_not_be_sent_is_malformed() {
        let long = [&[0x0f, 0xa0][..], &[b'x'; 124]].concat();
        for payload in [
            &b""[..],
            b"\x03",
            b"\x03\xed",
            b"\x03\xee",
            b"\x03\xf7",
            b"\x07\xd0",
            b"\x13\x88",
            b"\x03\xe8\xff",
            &long,
        ] {
            let length = u8::try_from(payload.len()).expect("short");
            let output = [&[b'c', 0, 0, 0, length][..], payload].concat();
            let result = decode_all(Framing::Control, 200, &[&output]);
            assert!(
                matches!(result, Err(FramingError::Malformed { .. })),
                "{payload:?}"
            );
        }
    }

    #[test]
    fn close_of_the_client_is_told_under_control_alone() {
        let told = |framing| {
            let mut target = BytesMut::new();
            let close = Close::new(Close::ABNORMAL, "gone");
            let encoded = Codec::new(framing, 0).encode_close(&close, &mut target);
            encoded.map(|()| target).expect("it is short")
        };
        assert_eq!(told(Framing::Control), &b"c\0\0\0\x06\x03\xeegone"[..]);
        assert_eq!(told(Framing::Length), "");
    }

    #[test]
    fn headers_are_dropped_and_bodies_are_messages() {
        let output =
            b"content-LENGTH:  3 \r\nContent-Type: x\r\n\r\n\xe2\x82\xacContent-Length: 0\r\n\r\n";
        let messages = decode_all(Framing::Headers, 3, &[output]).expect("two messages");
        assert_eq!(messages, ["\u{20ac}", ""].map(text_message));
    }

    #[test]
    fn header_that_breaks_the_rules_is_refused_as_soon_as_it_does() {
        let long = "x: y\r\n".repeat(3000);
        for (output, reason) in [
            ("Traceback (most recent call last):\n", "\\r\\n"),
            ("no colon\r\n", "colon"),
            ("X: y\r\n\r\n", "without"),
            ("Content-Length: +1\r\n", "number"),
            ("Content-Length:\r\n", "number"),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", "twice"),
            (&long, "8192"),
            (&long.replace("\r\n", ""), "8192"),
            ("Content-Length: 4\r\n", "longer than 3"),
            (
                "Content-Length: 99999999999999999999999\r\n",
                "longer than 3",
            ),
        ] {
            let mut codec = Codec::new(Framing::Headers, 3);
            let error = codec.decode(&mut BytesMut::from(output)).expect_err(output);
            assert!(error.to_string().contains(reason), "{output}: {error}");
        }
    }

    #[test]
    fn output_that_ends_inside_a_message_with_a_header_is_malformed() {
        let whole = b"Content-Length: 1\r\n\r\n{";
        assert!(decode_all(Framing::Headers, 3, &[whole]).is_ok());
        assert!(decode_all(Framing::Headers, 3, &[]).is_ok());
        for end in 1..whole.len() {
            let error = decode_all(Framing::Headers, 3, &[&whole[..end]]).expect_err("cut");
            assert!(error.to_string().contains("ended inside"), "{end}: {error}");
        }
    }

    #[test]
    fn message_gets_a_header_unless_it_has_one() {
        let own = "content-length: 2\r\n\r\n{}";
        for (message, expected) in [
            ("\u{20ac}\n", "Content-Length: 4\r\n\r\n\u{20ac}\n"),
            ("", "Content-Length: 0\r\n\r\n"),
            (own, own),
        ] {
            let encoded = encode(Framing::Headers, text_message(message));
            assert_eq!(encoded.expect("text"), expected);
        }
        let binary = encode(Framing::Headers, Message::Binary(Bytes::new()));
        assert!(matches!(binary, Err(FramingError::BinaryForLines)));
    }

    #[test]
    fn partial_line_holds_back_what_may_be_half_of_something() {
        let mut codec = Codec::new(LINES, 100);
        let mut source = BytesMut::from(&b"name? \xe2\x82"[..]);
        let partial = |codec: &mut Codec, source: &mut BytesMut| {
            let partial = codec.decode_partial(source);
            partial.expect("it is short")
        };
        let prompt = Some(text_message("name? "));
        assert_eq!(partial(&mut codec, &mut source), prompt);
        assert_eq!(partial(&mut codec, &mut source), None);
        source.extend_from_slice(b"\xac\r");
        let rest = Some(text_message("€"));
        assert_eq!(partial(&mut codec, &mut source), rest);
        source.extend_from_slice(b"\nnext\n");
        assert_eq!(
            codec.decode(&mut source).expect("line"),
            Some(text_message("next"))
        );
    }

    #[test]
    fn searching_a_long_line_goes_on_where_it_stopped() {
        let mut codec = Codec::new(LINES, 100);
        let mut source = BytesMut::from(&b"abc"[..]);
        assert_eq!(codec.decode(&mut source).expect("no line yet"), None);
        assert_eq!(codec.searched, 3);
    }

    proptest! {
        #[test]
        fn all_that_holds_for_framing_does(
            limit in prop_oneof![0..20_usize, Just(usize::MAX)],
            pieces in prop::collection::vec(prop_oneof![
                "[a-z\u{e9}\u{20ac}\r\n]{0,9}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..9),
                (prop_oneof![Just(b't'), Just(b'b')], 0..9_u8).prop_map(|(kind, length)| {
                    [&[kind, 0, 0, 0, length][..], &vec![b'x'; length.into()]].concat()
                }),
                (0..9_usize).prop_map(|length| {
                    let body = "x".repeat(length);
                    format!("Content-Length: {length}\r\n\r\n{body}").into_bytes()
                }),
            ], 0..20),
        ) {
            properties::framing(limit, &pieces.concat());
        }
    }
}
