//! The header block at the beginning of a program's output (RFC 3875 §6.2), in whatever pieces it comes; pure.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// The largest block of a script in bytes. Larger ones are no script's intention, and clients take less.
pub(super) const MAX_HEADER: usize = 64 * 1024;

/// What is wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum BadHeader {
    #[error("its header is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it printed no header before the empty line")]
    Empty,
    #[error("line {0} of its header is no header field")]
    Line(usize),
    #[error("its header has a bad {0}")]
    Field(&'static str),
    #[error("its header has {0}, which is the server's own business")]
    HopByHop(&'static str),
    #[error(
        "its first line is no HTTP status line, though it begins as one, or the script's name with nph-"
    )]
    StatusLine,
}

/// Collects output up to the empty line.
#[derive(Debug)]
pub(in crate::http) struct HeaderBlock {
    /// The largest that is taken, in bytes.
    largest: usize,
    bytes: BytesMut,
    /// Where the current line begins.
    line: usize,
    /// Up to where no end of a line is left to be seen.
    seen: usize,
}

impl Default for HeaderBlock {
    /// A script's.
    fn default() -> Self {
        HeaderBlock::with_limit(MAX_HEADER)
    }
}

impl HeaderBlock {
    /// One of so many bytes at most.
    pub(in crate::http) fn with_limit(largest: usize) -> Self {
        HeaderBlock {
            largest,
            bytes: BytesMut::new(),
            line: 0,
            seen: 0,
        }
    }

    /// Takes more output; returns the block and what follows it once the block is whole.
    ///
    /// # Errors
    /// [`BadHeader::TooLarge`].
    pub(in crate::http) fn push(
        &mut self,
        read: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>, BadHeader> {
        self.bytes.extend_from_slice(read);
        while let Some(length) = memchr(b'\n', &self.bytes[self.seen..]) {
            let end = self.seen + length;
            let is_empty = matches!(&self.bytes[self.line..end], b"" | b"\r");
            self.line = end + 1;
            self.seen = end + 1;
            if self.line > self.largest {
                return Err(BadHeader::TooLarge(self.largest));
            }
            if is_empty {
                let block = self.bytes.split_to(self.line).freeze();
                return Ok(Some((block, self.bytes.split().freeze())));
            }
        }
        self.seen = self.bytes.len();
        match self.seen > self.largest {
            true => Err(BadHeader::TooLarge(self.largest)),
            false => Ok(None),
        }
    }

    /// Whether nothing has come at all.
    pub(in crate::http) fn is_empty(&self) -> bool {
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
        assert_eq!(larger, Err(BadHeader::TooLarge(MAX_HEADER)));
        let endless = HeaderBlock::default().push(&[b'x'; MAX_HEADER + 1]);
        assert_eq!(endless, Err(BadHeader::TooLarge(MAX_HEADER)));
    }
}
