//! The base protocol of LSP, DAP and BSP: a header with `Content-Length`, an empty line, the body
//! (Language Server Protocol 3.17, "Base Protocol").

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;

use super::error::FramingError;

/// Bytes of a header, its empty line too. Real ones have below a hundred; what prints lines instead of the
/// protocol is found out long before.
pub(super) const MAX_HEADER: usize = 8 * 1024;

const CONTENT_LENGTH: &[u8] = b"Content-Length";

/// How far a message has come. A line of the header leaves the source as soon as it is whole.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// Bytes of the header's lines that are done with.
    header: usize,
    /// What `Content-Length` says.
    length: Option<usize>,
    /// The header has ended.
    in_body: bool,
}

impl Headers {
    /// The next body; `limit` is its longest in bytes.
    pub(super) fn decode(
        &mut self,
        source: &mut BytesMut,
        limit: usize,
    ) -> Result<Option<Bytes>, FramingError> {
        while !self.in_body {
            let end = memchr(b'\n', source);
            let line = end.map_or(source.len(), |end| end + 1);
            if self.header + line > MAX_HEADER {
                let reason = format!("a header of more than {MAX_HEADER} bytes");
                return Err(malformed(reason));
            }
            if end.is_none() {
                return Ok(None);
            }
            self.header += line;
            self.take_line(&source.split_to(line), limit)?;
        }
        let length = self.length.unwrap_or_default();
        if source.len() < length {
            return Ok(None);
        }
        *self = Headers::default();
        Ok(Some(source.split_to(length).freeze()))
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_inside_message(&self) -> bool {
        self.header > 0
    }

    fn take_line(&mut self, line: &[u8], limit: usize) -> Result<(), FramingError> {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err(malformed("a line of the header does not end with \\r\\n"));
        };
        if line.is_empty() {
            self.in_body = true;
            return match self.length {
                Some(_) => Ok(()),
                None => Err(malformed("a header without Content-Length")),
            };
        }
        let Some(colon) = memchr(b':', line) else {
            return Err(malformed("a line of the header has no colon"));
        };
        if !line[..colon].eq_ignore_ascii_case(CONTENT_LENGTH) {
            return Ok(());
        }
        if self.length.is_some() {
            return Err(malformed("Content-Length stands in a header twice"));
        }
        self.length = Some(content_length(line[colon + 1..].trim_ascii(), limit)?);
        Ok(())
    }
}

/// The value of the field, digits alone.
fn content_length(value: &[u8], limit: usize) -> Result<usize, FramingError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(malformed("Content-Length is not a number"));
    }
    let text = std::str::from_utf8(value).unwrap_or_default();
    match text.parse() {
        Ok(length) if length <= limit => Ok(length),
        _ => Err(FramingError::TooLong(limit)),
    }
}

/// Writes a message, with a header unless it brings its own.
pub(super) fn encode(body: &[u8], target: &mut BytesMut) {
    let name = body.get(..CONTENT_LENGTH.len() + 1).unwrap_or_default();
    if !name.eq_ignore_ascii_case(b"Content-Length:") {
        target.put_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    }
    target.put_slice(body);
}

fn malformed(reason: impl Into<String>) -> FramingError {
    FramingError::Malformed {
        framing: "headers",
        reason: reason.into(),
    }
}
