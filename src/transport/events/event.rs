//! Server-sent events as bytes (HTML Standard §9.2.5, "Parsing an event stream"); pure.

use bytes::{BufMut, Bytes, BytesMut};
use data_encoding::BASE64;
use serde_json::json;

use crate::message::{Close, Message};

/// A comment, which says nothing but that the stream is there.
pub(super) const COMMENT: &[u8] = b":\n\n";

/// How messages lie in what a client hands in, by the names that the framings have for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputForm {
    /// As lines, or as bytes.
    pub framing: &'static str,
    /// What becomes of a newline within a message, where messages are lines.
    pub newline: Option<&'static str>,
}

/// What a stream begins with: which session it is, how something is said to it, and the number of the last message
/// before it.
pub(super) fn open(session: &str, form: InputForm, last: u64) -> Bytes {
    // In the order in which a person reads them; nothing in them is to be escaped.
    let mut data = format!(
        "{{\"session\":\"{session}\",\"framing\":\"{}\"",
        form.framing
    );
    if let Some(newline) = form.newline {
        data.push_str(&format!(",\"newline\":\"{newline}\""));
    }
    data.push('}');
    format!("event: open\nid: {session}.{last}\ndata: {data}\n\n").into()
}

/// What it ends with.
pub(super) fn close(close: &Close) -> Bytes {
    let code = match close.is_sendable() {
        true => close.code,
        // As in a Close frame, which then has none.
        false => Close::NO_STATUS,
    };
    let data = json!({ "code": code, "reason": close.reason.as_str() });
    format!("event: close\ndata: {data}\n\n").into()
}

/// A message. One that is no text, and one in which a carriage return would end a field, is in base64.
pub(super) fn message(session: &str, number: u64, message: &Message) -> Bytes {
    match message {
        Message::Binary(bytes) => encoded(session, number, "binary", bytes),
        Message::Text(text) if text.contains('\r') => {
            encoded(session, number, "text", text.as_bytes())
        }
        Message::Text(text) => {
            let mut event = begin(session, number, text.len());
            for line in text.split('\n') {
                put_data(&mut event, line.as_bytes());
            }
            event.put_u8(b'\n');
            event.freeze()
        }
    }
}

fn encoded(session: &str, number: u64, kind: &str, payload: &[u8]) -> Bytes {
    let mut event = begin(session, number, payload.len() / 3 * 4 + 4);
    for part in ["event: ", kind, "\n"] {
        event.put_slice(part.as_bytes());
    }
    put_data(&mut event, BASE64.encode(payload).as_bytes());
    event.put_u8(b'\n');
    event.freeze()
}

/// An event with its id, and room for so many bytes of data.
fn begin(session: &str, number: u64, data: usize) -> BytesMut {
    /// The names of the fields, a number, line ends.
    const FIELDS: usize = 48;
    let mut event = BytesMut::with_capacity(session.len() + data + FIELDS);
    event.put_slice(format!("id: {session}.{number}\n").as_bytes());
    event
}

fn put_data(event: &mut BytesMut, line: &[u8]) {
    event.put_slice(b"data: ");
    event.put_slice(line);
    event.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: InputForm = InputForm {
        framing: "lines",
        newline: Some("split"),
    };

    fn text(text: &str) -> Bytes {
        message("s", 7, &Message::Text(text.into()))
    }

    #[test]
    fn each_line_of_a_text_is_a_field_of_its_own() {
        for (said, event) in [
            ("a", "id: s.7\ndata: a\n\n"),
            ("", "id: s.7\ndata: \n\n"),
            (" a", "id: s.7\ndata:  a\n\n"),
            ("a\nb\n", "id: s.7\ndata: a\ndata: b\ndata: \n\n"),
            ("\n\nid: x", "id: s.7\ndata: \ndata: \ndata: id: x\n\n"),
        ] {
            assert_eq!(text(said), event, "{said:?}");
        }
    }

    #[test]
    fn what_could_forge_a_field_is_encoded() {
        assert_eq!(
            text("a\rid: x"),
            "id: s.7\nevent: text\ndata: YQ1pZDogeA==\n\n"
        );
        let binary = message("s", 1, &Message::Binary(Bytes::from_static(b"\n\xff")));
        assert_eq!(binary, "id: s.1\nevent: binary\ndata: Cv8=\n\n");
    }

    #[test]
    fn stream_begins_and_ends_with_json() {
        assert_eq!(
            open("s", LINES, 3),
            "event: open\nid: s.3\ndata: {\"session\":\"s\",\"framing\":\"lines\",\"newline\":\"split\"}\n\n"
        );
        let chunks = InputForm {
            framing: "chunks",
            newline: None,
        };
        assert_eq!(
            open("s", chunks, 0),
            "event: open\nid: s.0\ndata: {\"session\":\"s\",\"framing\":\"chunks\"}\n\n"
        );
        assert_eq!(
            close(&Close::new(4003, "a\n\"b\"")),
            "event: close\ndata: {\"code\":4003,\"reason\":\"a\\n\\\"b\\\"\"}\n\n"
        );
        let lost = close(&Close::new(Close::ABNORMAL, ""));
        assert_eq!(
            lost,
            "event: close\ndata: {\"code\":1005,\"reason\":\"\"}\n\n"
        );
    }
}
