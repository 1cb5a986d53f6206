//! The texts of the terminal's protocol (`wsd.terminal`); pure. What is typed and drawn is binary.

use std::{ffi::OsStr, os::unix::process::ExitStatusExt, process::ExitStatus};

use serde_json::{Value, json};

use super::size::{BadSize, TerminalSize};
use crate::message::Message;

/// The longest text that can be meant; none of the two needs 64 bytes.
const LONGEST: usize = 256;

/// What a client says in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientText {
    /// `{"resize":[cols,rows]}`.
    Resize(TerminalSize),
    /// `{"ack":N}`: bytes drawn, all in all.
    Acknowledge(u64),
}

/// Why a text is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadText {
    #[error(r#"a terminal takes binary messages, {{"resize":[cols,rows]}} and {{"ack":N}}"#)]
    Unknown,
    #[error("{0}")]
    Size(#[from] BadSize),
}

impl ClientText {
    /// # Errors
    /// What is no such text.
    pub(super) fn parse(text: &str) -> Result<Self, BadText> {
        if text.len() > LONGEST {
            return Err(BadText::Unknown);
        }
        let Ok(Value::Object(object)) = serde_json::from_str(text) else {
            return Err(BadText::Unknown);
        };
        let mut members = object.iter();
        match (members.next(), members.next()) {
            (Some((key, value)), None) if key == "resize" => match value.as_array().map(|v| &v[..])
            {
                Some([columns, rows]) => {
                    let number = |value: &Value| value.as_u64().ok_or(BadSize);
                    let size = TerminalSize::new(number(columns)?, number(rows)?)?;
                    Ok(ClientText::Resize(size))
                }
                _ => Err(BadText::Unknown),
            },
            (Some((key, value)), None) if key == "ack" => {
                let drawn = value.as_u64().ok_or(BadText::Unknown)?;
                Ok(ClientText::Acknowledge(drawn))
            }
            _ => Err(BadText::Unknown),
        }
    }
}

/// What a client is told first: the program's name, without arguments, which may be secrets, and whether what is typed
/// reaches nobody.
pub(super) fn greeting(program: Option<&OsStr>, is_readonly: bool) -> Vec<Message> {
    let name = program.unwrap_or_default().to_string_lossy();
    // A title that moves the cursor of whoever prints it is none.
    let title: String = name
        .chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    let mut greeting = vec![text(&json!({ "title": title }))];
    if is_readonly {
        greeting.push(text(&json!({ "readonly": true })));
    }
    greeting
}

/// What a client is told last, if its program has ended.
pub(in crate::backend) fn farewell(status: ExitStatus) -> Option<Message> {
    match (status.code(), status.signal()) {
        (Some(code), _) => Some(text(&json!({ "exit": code }))),
        (None, Some(signal)) => Some(text(&json!({ "signal": signal }))),
        (None, None) => None,
    }
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn texts_of_a_client_are_two() {
        let size = TerminalSize::new(132, 50).expect("a size");
        let resize = Ok(ClientText::Resize(size));
        assert_eq!(ClientText::parse(r#"{"resize":[132,50]}"#), resize);
        assert_eq!(ClientText::parse(" { \"resize\" : [132, 50] } "), resize);
        let acknowledge = Ok(ClientText::Acknowledge(12_345_678_901));
        assert_eq!(ClientText::parse(r#"{"ack":12345678901}"#), acknowledge);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "ls\n",
            "{}",
            "[]",
            r#"{"resize":[132,50],"ack":1}"#,
            r#"{"resize":[132]}"#,
            r#"{"resize":[132,50,1]}"#,
            r#"{"resize":"132x50"}"#,
            r#"{"ack":-1}"#,
            r#"{"ack":1.5}"#,
            r#"{"ack":"1"}"#,
            r#"{"title":"x"}"#,
            r#"{"ack":1}{"ack":1}"#,
        ] {
            assert_eq!(ClientText::parse(text), Err(BadText::Unknown), "{text}");
        }
        let long = format!(r#"{{"ack":1{}}}"#, " ".repeat(LONGEST));
        assert_eq!(ClientText::parse(&long), Err(BadText::Unknown));
        for size in [
            "[0,5]",
            "[5,1001]",
            "[5.0,5]",
            "[\"5\",5]",
            "[-5,5]",
            "[null,5]",
        ] {
            let text = format!(r#"{{"resize":{size}}}"#);
            assert_eq!(
                ClientText::parse(&text),
                Err(BadText::Size(BadSize)),
                "{text}"
            );
        }
    }

    #[test]
    fn title_has_no_control_characters() {
        let name = OsStr::from_bytes(b"a\x1b]0;x\x07\xc2\x9b\xffb\"");
        let expected = "{\"title\":\"a\u{fffd}]0;x\u{fffd}\u{fffd}\u{fffd}b\\\"\"}";
        let expected = Message::Text(expected.to_owned().into());
        assert_eq!(greeting(Some(name), false), [expected]);
    }

    #[test]
    fn end_says_exit_or_signal() {
        let said = |raw| farewell(ExitStatus::from_raw(raw));
        let text = |text: &str| Some(Message::Text(text.to_owned().into()));
        assert_eq!(said(0), text(r#"{"exit":0}"#));
        assert_eq!(said(7 << 8), text(r#"{"exit":7}"#));
        assert_eq!(said(9), text(r#"{"signal":9}"#));
    }
}
