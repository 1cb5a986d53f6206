//! Where the header block at the beginning of a script's output ends, in whatever pieces it comes; pure.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// The largest block in bytes. Larger ones are no script's intention, and clients take less.
pub(super) const LARGEST: usize = 64 * 1024;

/// What is wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadBlock {
    #[error("its header is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("it printed no header before the empty line")]
    Empty,
    #[error("line {0} of its header is no header field")]
    Line(usize),
    #[error("its header has a bad {0}")]
    Field(&'static str),
    #[error(
        "its first line is no HTTP status line, which the output of an nph- script begins with"
    )]
    StatusLine,
}

/// Collects output up to the empty line.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: BytesMut,
    /// Where the current line begins.
    line: usize,
    /// Up to where no end of a line is left to be seen.
    seen: usize,
}

impl Block {
    /// Takes more output; returns the block and what follows it once the block is whole.
    ///
    /// # Errors
    /// [`BadBlock::TooLarge`].
    pub(super) fn push(&mut self, read: &[u8]) -> Result<Option<(Bytes, Bytes)>, BadBlock> {
        self.bytes.extend_from_slice(read);
        while let Some(length) = memchr(b'\n', &self.bytes[self.seen..]) {
            let end = self.seen + length;
            let is_empty = matches!(&self.bytes[self.line..end], b"" | b"\r");
            self.line = end + 1;
            self.seen = end + 1;
            if self.line > LARGEST {
                return Err(BadBlock::TooLarge);
            }
            if is_empty {
                let block = self.bytes.split_to(self.line).freeze();
                return Ok(Some((block, self.bytes.split().freeze())));
            }
        }
        self.seen = self.bytes.len();
        match self.seen > LARGEST {
            true => Err(BadBlock::TooLarge),
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
        let whole = Block::default().push(&block(LARGEST));
        assert_eq!(whole.expect("a block").expect("the end").0.len(), LARGEST);
        let larger = Block::default().push(&block(LARGEST + 1));
        assert_eq!(larger, Err(BadBlock::TooLarge));
        let endless = Block::default().push(&[b'x'; LARGEST + 1]);
        assert_eq!(endless, Err(BadBlock::TooLarge));
    }
}
