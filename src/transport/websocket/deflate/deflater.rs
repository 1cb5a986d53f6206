//! Messages to compressed data.

use std::io;

use flate2::{Compress, Compression, FlushCompress};

use super::params::Direction;
use crate::room;

/// Ends each flushed message, and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Room for what is written about data, however little there is: zlib wants to find six bytes at least
/// when it flushes.
const ROOM: usize = 64;

/// Compresses one message after the other. Of the same shape as `Inflater`, and no more alike than that: each
/// has its own rule for when a block ends, what a message leaves behind, and when memory may go.
#[derive(Debug)]
pub(super) struct Deflater {
    /// A third of a megabyte, made for the first message.
    state: Option<Compress>,
    level: Compression,
    bits: u8,
    keeps_context: bool,
    was_used: bool,
}

impl Deflater {
    pub(super) fn new(level: u8, direction: Direction) -> Self {
        Deflater {
            state: None,
            level: Compression::new(level.into()),
            bits: direction.bits,
            keeps_context: direction.keeps_context,
            was_used: false,
        }
    }

    /// Appends more of a message to `output`, compressed; some of it may appear only later.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn deflate(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.run(input, output, FlushCompress::None)
    }

    /// Appends the last of a message, and all that was held back.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn end(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.run(input, output, FlushCompress::Sync)?;
        if output.ends_with(&TAIL) {
            output.truncate(output.len() - TAIL.len());
        }
        if let (Some(state), false) = (&mut self.state, self.keeps_context) {
            state.reset();
        }
        Ok(())
    }

    fn run(
        &mut self,
        mut input: &[u8],
        output: &mut Vec<u8>,
        flush: FlushCompress,
    ) -> io::Result<()> {
        let (level, bits) = (self.level, self.bits);
        let state = match &mut self.state {
            Some(state) => state,
            none => {
                room::check()?;
                none.insert(Compress::new_with_window_bits(level, false, bits))
            }
        };
        self.was_used = true;
        loop {
            room::reserve(output, input.len() + ROOM)?;
            let before = state.total_in();
            state
                .compress_vec(input, output, flush)
                .map_err(io::Error::other)?;
            input = &input[(state.total_in() - before) as usize..];
            if input.is_empty() && output.len() < output.capacity() {
                return Ok(());
            }
        }
    }

    /// Whether it was used since this was asked for last.
    pub(super) fn was_used(&mut self) -> bool {
        std::mem::take(&mut self.was_used)
    }

    #[cfg(test)]
    pub(super) fn holds_memory(&self) -> bool {
        self.state.is_some()
    }

    /// Gives the memory back between two messages. That is always allowed: a message need not refer
    /// to earlier ones, and the next is a little longer for it.
    pub(super) fn free(&mut self) {
        self.state = None;
    }
}
