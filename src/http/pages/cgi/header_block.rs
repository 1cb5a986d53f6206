//! The header block at the beginning of a script's output (RFC 3875 §6.2), in whatever pieces it comes; pure.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// The largest block in bytes. Larger ones are no script's intention, and clients take less.
pub(super) const MAX_HEADER: usize = 64 * 1024;

/// What is wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHeader {
    #[error("its header is larger than {MAX_HEADER} bytes")]
    TooLarge,
    #[error("it printed no header before the empty line")]
    Empty,
    #[error("line {0} of its header is no header field")]
    Line(usize),
    #[error("its header has a bad {0}")]
    Field(&'static str),
    #[error(
        "its first line is no HTTP status line, though it begins as one, or the script's name with nph-"
    )]
    StatusLine,
}

/// Collects output up to the empty line.
#[derive(Debug, Default)]
pub(super) struct HeaderBlock {
    bytes: BytesMut,
    /// Where the current line begins.
    line: usize,
    /// Up to where no end of a line is left to be seen.
    seen: usize,
}

impl HeaderBlock {
    /// Takes more output; returns the block and what follows it once the block is whole.
    ///
    /// # Errors
    /// [`BadHeader::TooLarge`].
    pub(super) fn push(&mut self, read: &[u8]) -> Result<Option<(Bytes, Bytes)>, BadHeader> {
        self.bytes.extend_from_slice(read);
        while let Some(length) = memchr(b'\n', &self.bytes[self.seen..]) {
            let end = self.seen + length;
            let is_empty = matches!(&self.bytes[self.line..end], b"" | b"\r");
            self.line = end + 1;
            self.seen = end + 1;
            if self.line > MAX_HEADER {
                return Err(BadHeader::TooLarge);
            }
            if is_empty {
                let block = self.bytes.split_to(self.line).freeze();
                return Ok(Some((block, self.bytes.split().freeze())));
            }
        }
        self.seen = self.bytes.len();
        match self.seen > MAX_HEADER {
            true => Err(BadHeader::TooLarge),
            false => Ok(None),
        }
    }

    /// Whether nothing has come at all.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_of_64_kib_is_taken_and_no_larger_one() {
        let block = |size: usize| [b"X: ", &vec![b'x'; size - 5][..], b"\n\n"].concat();
        let whole = HeaderBlock::default().push(&block(MAX_HEADER));
        assert_eq!(
            whole.expect("a block").expect("the end").0.len(),
            MAX_HEADER
        );
        let larger = HeaderBlock::default().push(&block(MAX_HEADER + 1));
        assert_eq!(larger, Err(BadHeader::TooLarge));
        let endless = HeaderBlock::default().push(&[b'x'; MAX_HEADER + 1]);
        assert_eq!(endless, Err(BadHeader::TooLarge));
    }
}
