//! A line of a recording: a message, or the Close.

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;

use crate::message::{Close, Message};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

/// What happened, and when, counted from the session's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Message(Duration, Direction, Message),
    /// The end; nothing stands behind it.
    Close(Duration, Close),
}

impl Entry {
    /// When.
    pub fn time(&self) -> Duration {
        match self {
            Entry::Message(time, ..) | Entry::Close(time, _) => *time,
        }
    }

    /// The line, its end too.
    pub(super) fn to_line(&self) -> String {
        match self {
            Entry::Message(time, direction, message) => {
                let direction = match direction {
                    Direction::In => "in",
                    Direction::Out => "out",
                };
                let (kind, data) = match message {
                    Message::Text(text) => ("text", quoted(text.as_str())),
                    Message::Binary(bytes) => ("binary", format!("\"{}\"", BASE64.encode(bytes))),
                };
                let time = seconds(*time);
                format!(
                    "{{\"t\":{time},\"dir\":\"{direction}\",\"type\":\"{kind}\",\"data\":{data}}}\n"
                )
            }
            Entry::Close(time, Close { code, reason }) => {
                let (time, reason) = (seconds(*time), quoted(reason.as_str()));
                format!("{{\"t\":{time},\"close\":{code},\"reason\":{reason}}}\n")
            }
        }
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let value = json(line)?;
        let time = value.get("t").and_then(Value::as_f64);
        let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let time = time.ok_or("expected \"t\" to be seconds, 0 or more")?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        if let Some(code) = value.get("close") {
            let code = code.as_u64().and_then(|code| u16::try_from(code).ok());
            let code = code.ok_or("expected \"close\" to be a status code")?;
            return Ok(Entry::Close(
                time,
                Close::new(code, text("reason").unwrap_or_default()),
            ));
        }
        let direction = match text("dir") {
            Some("in") => Direction::In,
            Some("out") => Direction::Out,
            _ => return Err("expected \"dir\" to be \"in\" or \"out\"".to_owned()),
        };
        let data = text("data").ok_or("expected \"data\" to be a string")?;
        let message = match text("type") {
            Some("text") => Message::Text(data.into()),
            Some("binary") => {
                let bytes = BASE64.decode(data.as_bytes());
                let bytes = bytes.map_err(|error| format!("\"data\" is no base64: {error}"))?;
                Message::Binary(bytes.into())
            }
            _ => return Err("expected \"type\" to be \"text\" or \"binary\"".to_owned()),
        };
        Ok(Entry::Message(time, direction, message))
    }
}

/// Seconds as a number with microseconds.
fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// A string of JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The value in a line, or where in it there is none: to the parser every line is the first of its own text.
pub(super) fn json(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        format!("it is no JSON at column {}: {reason}", error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_has_its_keys_in_order() {
        let time = Duration::from_micros(1_000_203);
        for (entry, line) in [
            (
                Entry::Message(time, Direction::In, Message::Text("a\n\"é\"".into())),
                "{\"t\":1.000203,\"dir\":\"in\",\"type\":\"text\",\"data\":\"a\\n\\\"é\\\"\"}\n",
            ),
            (
                Entry::Message(time, Direction::Out, Message::Binary(vec![0, 255].into())),
                "{\"t\":1.000203,\"dir\":\"out\",\"type\":\"binary\",\"data\":\"AP8=\"}\n",
            ),
            (
                Entry::Close(time, Close::new(4003, "the program exited with status 3")),
                "{\"t\":1.000203,\"close\":4003,\"reason\":\"the program exited with status 3\"}\n",
            ),
        ] {
            assert_eq!(entry.to_line(), line);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(micros in 0_u64..1 << 40, text in ".*", bytes: Vec<u8>, code: u16, is_in: bool) {
            let time = Duration::from_micros(micros);
            let direction = if is_in { Direction::In } else { Direction::Out };
            for entry in [
                Entry::Message(time, direction, Message::Text(text.as_str().into())),
                Entry::Message(time, direction, Message::Binary(bytes.into())),
                Entry::Close(time, Close::new(code, text.as_str())),
            ] {
                let line = entry.to_line();
                prop_assert_eq!(line.matches('\n').count(), 1);
                let read = Entry::parse(line.trim_end_matches('\n')).expect("it is one");
                // Seconds are a floating-point number, which has microseconds of a hundred years.
                prop_assert!(read.time().abs_diff(time) < Duration::from_micros(1));
                match (read, entry) {
                    (Entry::Message(_, d, m), Entry::Message(_, direction, message)) => prop_assert_eq!((d, m), (direction, message)),
                    (Entry::Close(_, c), Entry::Close(_, close)) => prop_assert_eq!(c, close),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    #[test]
    fn line_that_is_none_says_what_was_expected() {
        for (line, part) in [
            ("x", "expected value"),
            (r#"{"dir":"in"}"#, "\"t\""),
            (r#"{"t":-1,"dir":"in"}"#, "\"t\""),
            (r#"{"t":1e300,"dir":"in"}"#, "\"t\""),
            (r#"{"t":1,"dir":"up"}"#, "\"in\" or \"out\""),
            (r#"{"t":1,"dir":"in","type":"text"}"#, "\"data\""),
            (
                r#"{"t":1,"dir":"in","type":"image","data":""}"#,
                "\"text\" or \"binary\"",
            ),
            (r#"{"t":1,"dir":"in","type":"binary","data":"a"}"#, "base64"),
            (r#"{"t":1,"close":100000}"#, "status code"),
        ] {
            let error = Entry::parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
