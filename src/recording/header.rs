//! The first line of a recording: which session it was.

use serde_json::{Value, json};

use super::entry::{self, quoted};

/// The framing of a terminal, by the name that it has for people: binary messages are bytes of it, texts are about it.
pub const TERMINAL: &str = "terminal";

/// What a session was joined to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A program, with its arguments, its own name first.
    Command(Vec<String>),
    /// A socket, as its flag names it.
    Target(String),
}

/// Which session it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its id.
    pub session: String,
    /// When it began (RFC 3339).
    pub start: String,
    /// What the client asked for; without secrets.
    pub uri: String,
    /// What it was joined to.
    pub source: Source,
    /// How the source tells messages apart: a name of [`Framing`](crate::framing::Framing), or [`TERMINAL`].
    pub framing: String,
}

impl Header {
    /// The line, its end too.
    pub(super) fn to_line(&self) -> String {
        let source = match &self.source {
            Source::Command(words) => format!(r#""command":{}"#, json!(words)),
            Source::Target(target) => format!(r#""target":{}"#, quoted(target)),
        };
        format!(
            "{{\"session\":{},\"start\":{},\"uri\":{},{source},\"framing\":{}}}\n",
            quoted(&self.session),
            quoted(&self.start),
            quoted(&self.uri),
            quoted(&self.framing),
        )
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let value = entry::json(line)?;
        let text = |key: &str| match value.get(key).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("expected \"{key}\" to be a string")),
        };
        let source = match value.get("command") {
            None => Source::Target(text("target").map_err(|_| {
                "expected \"command\" or \"target\", which the first line of a recording has"
                    .to_owned()
            })?),
            Some(command) => {
                let words = command.as_array().and_then(|words| {
                    words
                        .iter()
                        .map(|word| word.as_str().map(str::to_owned))
                        .collect()
                });
                Source::Command(words.ok_or("expected \"command\" to be an array of strings")?)
            }
        };
        Ok(Header {
            session: text("session")?,
            start: text("start")?,
            uri: text("uri")?,
            source,
            framing: text("framing")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(source: Source) -> Header {
        Header {
            session: "0190".to_owned(),
            start: "2026-11-21T12:07:16.363411Z".to_owned(),
            uri: "/a?b=\"c\"".to_owned(),
            source,
            framing: "lines".to_owned(),
        }
    }

    #[test]
    fn line_has_its_keys_in_order_and_is_read_again() {
        let program = header(Source::Command(vec!["sh".to_owned(), "-c".to_owned()]));
        assert_eq!(
            program.to_line(),
            "{\"session\":\"0190\",\"start\":\"2026-11-21T12:07:16.363411Z\",\"uri\":\"/a?b=\\\"c\\\"\",\
             \"command\":[\"sh\",\"-c\"],\"framing\":\"lines\"}\n"
        );
        let socket = header(Source::Target("tcp:localhost:5901".to_owned()));
        for header in [program, socket] {
            assert_eq!(Header::parse(header.to_line().trim_end()), Ok(header));
        }
    }

    #[test]
    fn line_that_is_no_header_says_what_is_missing() {
        for (line, part) in [
            ("", "EOF"),
            ("hello", "expected value"),
            ("{}", "\"command\" or \"target\""),
            (r#"{"t":1,"close":1000}"#, "first line"),
            (r#"{"command":"cat"}"#, "array of strings"),
            (r#"{"command":[1]}"#, "array of strings"),
            (r#"{"command":["cat"],"session":1}"#, "\"session\""),
        ] {
            let error = Header::parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
