//! In which pieces bytes may come: what holds for any of them is tried with many, the same ones for the
//! same bytes.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

/// Up to this length every cut in two is tried: more would be many.
const SHORT: usize = 16;
/// Largest pieces of the cuts that are drawn: within a header, within a line, within what is read at once.
const LARGEST: [u64; 3] = [4, 64, 4096];

/// Ways to cut: byte by byte, in two at every place of what is short, and by sizes that are drawn.
pub(crate) fn ways(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut ways = vec![bytes.chunks(1).collect()];
    if bytes.len() <= SHORT {
        let halves = (0..=bytes.len()).map(|cut| bytes.split_at(cut));
        ways.extend(halves.map(|(now, later)| vec![now, later]));
    }
    ways.extend(LARGEST.map(|largest| of_sizes(bytes, drawn(bytes, largest))));
    ways
}

/// Pieces of these sizes, of one byte at least; behind the last size all that is left.
pub(crate) fn of_sizes(mut bytes: &[u8], sizes: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    for size in sizes {
        if bytes.is_empty() {
            return pieces;
        }
        let (now, later) = bytes.split_at(size.clamp(1, bytes.len()));
        pieces.push(now);
        bytes = later;
    }
    pieces.push(bytes);
    pieces
}

/// Numbers from 1 to the largest, without end.
pub(crate) fn drawn(bytes: &[u8], largest: u64) -> impl Iterator<Item = usize> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    std::iter::repeat_with(move || {
        largest.hash(&mut hasher);
        1 + (hasher.finish() % largest) as usize
    })
}

/// A stream that gives a piece at each read.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pieces: Vec<&'a [u8]>,
}

impl<'a> Source<'a> {
    /// Empty pieces, which would be its end, are left out.
    pub(crate) fn new(pieces: &[&'a [u8]]) -> Self {
        let pieces = pieces.iter().rev().filter(|piece| !piece.is_empty());
        Source {
            pieces: pieces.copied().collect(),
        }
    }

    /// What has not been read.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        self.pieces.reverse();
        self.pieces.concat()
    }
}

impl AsyncRead for Source<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(piece) = self.pieces.pop() {
            let (now, later) = piece.split_at(piece.len().min(buffer.remaining()));
            buffer.put_slice(now);
            if !later.is_empty() {
                self.pieces.push(later);
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_the_same_bytes() {
        for length in [0, 1, SHORT, 10_000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            for pieces in ways(&bytes) {
                assert_eq!(pieces.concat(), bytes);
            }
        }
    }
}
