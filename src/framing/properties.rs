//! What holds for a codec, whatever a program prints or a client sends.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::{
    codec::{CAPACITY_IN_FLOOD, Codec, Framing, Newline},
    error::FramingError,
    headers::MAX_HEADER,
    length::LENGTH_HEADER,
};
use crate::{message::Message, pieces};

const LINES: Framing = Framing::Lines(Newline::Split);

/// All of it, of output with a limit in bytes.
pub(crate) fn framing(limit: usize, output: &[u8]) {
    for framing in [LINES, Framing::Length, Framing::Control, Framing::Headers] {
        any_split_gives_the_same_messages(framing, limit, output);
    }
    chunks_are_all_of_the_bytes(output);
    text_is_all_of_the_text(output);
    partial_lines_are_the_lines(output);
    messages_come_back(output);
    newlines_follow_the_policy(output);
}

/// Feeds pieces one after another, as reads would, and returns all that comes out, and how it ends.
pub(super) fn decode(
    framing: Framing,
    limit: usize,
    pieces: &[&[u8]],
) -> (Vec<Message>, Result<(), FramingError>) {
    let (mut codec, mut source) = (Codec::new(framing, limit), BytesMut::new());
    let mut messages = Vec::new();
    let mut feed = || -> Result<(), FramingError> {
        for piece in pieces {
            source.extend_from_slice(piece);
            while let Some(message) = codec.decode(&mut source)? {
                messages.push(message);
            }
            check_memory(&source, framing, limit, piece.len());
        }
        while let Some(message) = codec.decode_eof(&mut source)? {
            messages.push(message);
        }
        Ok(())
    };
    let end = feed();
    (messages, end)
}

/// What waits for more is bounded by the limit, not by what comes.
fn check_memory(source: &BytesMut, framing: Framing, limit: usize, piece: usize) {
    let most = match framing {
        Framing::Chunks => 0,
        // A UTF-8 sequence but for its last byte.
        Framing::Text => 3,
        // A `\r` that may be half of the line's end.
        Framing::Lines(_) => limit.saturating_add(1),
        Framing::Length | Framing::Control => limit.saturating_add(LENGTH_HEADER),
        Framing::Headers => limit.max(MAX_HEADER),
    };
    assert!(source.len() <= most, "{} bytes wait", source.len());
    let most = most.saturating_add(piece).saturating_add(CAPACITY_IN_FLOOD);
    let capacity = source.capacity();
    assert!(capacity <= most.saturating_mul(2), "room for {capacity}");
}

fn any_split_gives_the_same_messages(framing: Framing, limit: usize, output: &[u8]) {
    let told = |pieces: &[&[u8]]| {
        let (messages, end) = decode(framing, limit, pieces);
        (messages, end.map_err(|error| error.to_string()))
    };
    let whole = told(&[output]);
    for pieces in pieces::ways(output) {
        assert_eq!(told(&pieces), whole, "{framing:?} {pieces:?}");
    }
}

fn chunks_are_all_of_the_bytes(output: &[u8]) {
    for pieces in pieces::ways(output) {
        let (messages, end) = decode(Framing::Chunks, 0, &pieces);
        assert!(end.is_ok(), "{end:?}");
        let bytes = messages.into_iter().flat_map(|message| match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => panic!("a text: {text}"),
        });
        assert!(bytes.eq(output.iter().copied()), "{pieces:?}");
    }
}

/// Put together, the messages are the text of all the bytes, however they came.
fn text_is_all_of_the_text(output: &[u8]) {
    let whole = String::from_utf8_lossy(output);
    for pieces in pieces::ways(output) {
        let (messages, end) = decode(Framing::Text, 0, &pieces);
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(texts(messages).concat(), whole, "{pieces:?}");
    }
}

/// Each line is one message or several in its place, however often what has come of it is asked for.
fn partial_lines_are_the_lines(output: &[u8]) {
    let lines = texts(decode(LINES, usize::MAX, &[output]).0);
    for pieces in pieces::ways(output) {
        let mut parts = texts(decode_with_partials(&pieces)).into_iter();
        for line in &lines {
            let mut sum = parts.next().expect("a part of each line");
            while sum.len() < line.len() {
                let part = parts.next().expect("the rest of the line");
                assert!(!part.is_empty(), "{pieces:?}");
                sum += &part;
            }
            assert_eq!(&sum, line, "{pieces:?}");
        }
        assert_eq!(parts.next(), None, "{pieces:?}");
    }
}

/// Asks for the beginning of a line behind each piece.
fn decode_with_partials(pieces: &[&[u8]]) -> Vec<Message> {
    let (mut codec, mut source) = (Codec::new(LINES, usize::MAX), BytesMut::new());
    let mut messages = Vec::new();
    for piece in pieces {
        source.extend_from_slice(piece);
        while let Some(message) = codec.decode(&mut source).expect("no limit") {
            messages.push(message);
        }
        let partial = codec.decode_partial(&mut source);
        messages.extend(partial.expect("it is short"));
    }
    while let Some(message) = codec.decode_eof(&mut source).expect("no limit") {
        messages.push(message);
    }
    messages
}

fn texts(messages: Vec<Message>) -> Vec<String> {
    let text = |message| match message {
        Message::Text(text) => text.as_str().to_owned(),
        Message::Binary(bytes) => panic!("a binary message: {bytes:?}"),
    };
    messages.into_iter().map(text).collect()
}

/// What `length`, `control` and `headers` write they read, whatever is in it.
fn messages_come_back(bytes: &[u8]) {
    for framing in [Framing::Length, Framing::Control, Framing::Headers] {
        let mut messages = decode(framing, usize::MAX, &[bytes]).0;
        let text = String::from_utf8_lossy(bytes).into_owned();
        messages.push(Message::Text(text.into()));
        match framing {
            // Such a message is said to bring its own header.
            Framing::Headers => messages.retain(|message| !has_header(message)),
            _ => messages.push(Message::Binary(Bytes::copy_from_slice(bytes))),
        }
        let (mut codec, mut written) = (Codec::new(framing, 0), BytesMut::new());
        for message in &messages {
            let encoded = codec.encode(message.clone(), &mut written);
            encoded.expect("it is below 4 GiB");
        }
        let (read, end) = decode(framing, usize::MAX, &[&written]);
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(read, messages);
    }
}

fn has_header(message: &Message) -> bool {
    let text = texts(vec![message.clone()]).concat();
    text.to_ascii_lowercase().starts_with("content-length:")
}

/// A text message is lines, one line, or refused; a line loses one `\r` at its end on the way back.
fn newlines_follow_the_policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| line.strip_suffix('\r').unwrap_or(line).to_owned();
    let lines: Vec<String> = text.split('\n').map(line).collect();
    let spaced = line(&text.replace('\n', " "));
    let is_one = lines.len() == 1;
    for (newline, expected) in [
        (Newline::Split, Some(lines.clone())),
        (Newline::Space, Some(vec![spaced])),
        (Newline::Reject, is_one.then_some(lines)),
    ] {
        let mut written = BytesMut::new();
        let mut codec = Codec::new(Framing::Lines(newline), 0);
        let encoded = codec.encode(Message::Text((*text).into()), &mut written);
        assert_eq!(encoded.is_ok(), expected.is_some(), "{newline:?}");
        // Nothing of what is refused is written.
        let read = texts(decode(LINES, usize::MAX, &[&written]).0);
        assert_eq!(read, expected.unwrap_or_default(), "{newline:?}");
    }
}
