//! A recording that is read again: [`Playback`].

use super::{entry::Entry, header::Header};

/// What is wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// A recording, all of which can be read.
#[derive(Debug)]
pub struct Playback<'a> {
    /// Which session it was.
    pub header: Header,
    /// The lines of its entries.
    lines: Vec<&'a str>,
    /// Whether its last line has no end: it was not written to its end.
    pub is_cut: bool,
}

impl<'a> Playback<'a> {
    /// Checks the text of a recording line by line. Half a line at its end is left out: who wrote it was killed, or had
    /// no more room.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn read(text: &'a [u8]) -> Result<Self, Malformed> {
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let is_cut = lines.pop().is_some_and(|rest| !rest.is_empty());
        let mut lines = lines.into_iter().zip(1..);
        let (first, _) = lines.next().ok_or_else(|| Malformed {
            line: 1,
            reason: "this is no recording: its first line is not there".to_owned(),
        })?;
        let header = Header::parse(text_of(first, 1)?);
        let header = header.map_err(|reason| Malformed { line: 1, reason })?;
        let mut playback = Playback {
            header,
            lines: Vec::new(),
            is_cut,
        };
        let mut last: Option<Entry> = None;
        for (line, number) in lines {
            let malformed = |reason: &str| Malformed {
                line: number,
                reason: reason.to_owned(),
            };
            let text = text_of(line, number)?;
            let entry = Entry::parse(text).map_err(|reason| malformed(&reason))?;
            match &last {
                Some(Entry::Close(..)) => return Err(malformed("nothing stands behind the Close")),
                Some(last) if last.time() > entry.time() => {
                    return Err(malformed("its time is before that of the line above"));
                }
                _ => {}
            }
            last = Some(entry);
            playback.lines.push(text);
        }
        Ok(playback)
    }

    /// What happened, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        // All of them were parsed once.
        self.lines.iter().filter_map(|line| Entry::parse(line).ok())
    }
}

fn text_of(line: &[u8], number: usize) -> Result<&str, Malformed> {
    std::str::from_utf8(line).map_err(|_| Malformed {
        line: number,
        reason: "it is not UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        r#"{"session":"s","start":"","uri":"/","command":["cat"],"framing":"lines"}"#;
    const HELLO: &str = r#"{"t":1.5,"dir":"out","type":"text","data":"hello"}"#;
    const CLOSE: &str = r#"{"t":2,"close":1000,"reason":""}"#;

    fn read(lines: &[&str]) -> Result<(usize, bool), Malformed> {
        let text = lines.join("\n");
        let playback = Playback::read(text.as_bytes())?;
        Ok((playback.entries().count(), playback.is_cut))
    }

    #[test]
    fn whole_recording_and_one_that_was_cut_are_read() {
        assert_eq!(read(&[HEADER, HELLO, CLOSE, ""]), Ok((2, false)));
        assert_eq!(read(&[HEADER, HELLO, ""]), Ok((1, false)));
        assert_eq!(read(&[HEADER, HELLO, "{\"t\":2,"]), Ok((1, true)));
        assert_eq!(read(&[HEADER, ""]), Ok((0, false)));
    }

    #[test]
    fn line_that_is_wrong_is_named() {
        for (lines, line, part) in [
            (&[""][..], 1, "no recording"),
            (&["hello", ""], 1, "expected value"),
            (&[HELLO, ""], 1, "first line"),
            (&[HEADER, HELLO, "x", ""], 3, "expected value"),
            (&[HEADER, CLOSE, HELLO, ""], 3, "behind the Close"),
            (&[HEADER, CLOSE, CLOSE, ""], 3, "behind the Close"),
            (&[HEADER, HELLO, r#"{"t":1,"close":1000}"#, ""], 3, "before"),
            (&[HEADER, "", ""], 2, "EOF"),
        ] {
            let error = read(lines).expect_err(part);
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
        let error = read(&[HEADER, HELLO, "nope", ""]).expect_err("no JSON");
        assert_eq!(
            error.to_string(),
            "line 3: it is no JSON at column 2: expected ident"
        );
        let error = Playback::read(b"\xff\n").expect_err("no text");
        assert_eq!(error.to_string(), "line 1: it is not UTF-8");
    }
}
