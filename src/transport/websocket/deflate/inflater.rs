//! Compressed data to messages.

use flate2::{Decompress, FlushDecompress, Status};

use super::params::Direction;
use crate::{room, transport::websocket::protocol_violation::ProtocolViolation};

/// What the other end leaves out at the end of a message (RFC 7692 §7.2.2), and an empty block of our own.
/// Where a message ends properly, between two blocks, neither gives any output; within a block they
/// are taken for data.
const TAIL: [u8; 9] = [0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff];

/// Inflates one message after the other.
#[derive(Debug)]
pub(super) struct Inflater {
    /// Some fifty kilobytes, made for the first message.
    state: Option<Decompress>,
    bits: u8,
    keeps_context: bool,
    /// The last output was full, so there may be more without input.
    is_full: bool,
    /// Nothing has come since the last block's end.
    is_between_blocks: bool,
    was_used: bool,
}

impl Inflater {
    pub(super) fn new(direction: Direction) -> Self {
        Inflater {
            state: None,
            bits: direction.bits,
            keeps_context: direction.keeps_context,
            is_full: false,
            is_between_blocks: true,
            was_used: false,
        }
    }

    /// Inflates what fits into `output`, at least a byte long, from the front of `input`. Returns bytes
    /// taken and bytes given; all is taken unless the output is full.
    ///
    /// # Errors
    /// [`ProtocolViolation::Data`], [`ProtocolViolation::NoRoom`].
    pub(super) fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(usize, usize), ProtocolViolation> {
        let (mut taken, mut given) = (0, 0);
        while (taken < input.len() || self.is_full) && given < output.len() {
            let state = match &mut self.state {
                Some(state) => state,
                none => {
                    room::check().map_err(|room::NoRoom| ProtocolViolation::NoRoom)?;
                    none.insert(Decompress::new_with_window_bits(false, self.bits))
                }
            };
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status = state
                .decompress(&input[taken..], &mut output[given..], FlushDecompress::None)
                .map_err(|_| ProtocolViolation::Data)?;
            let more = (state.total_in() - before_in) as usize;
            taken += more;
            self.was_used = true;
            given += (state.total_out() - before_out) as usize;
            self.is_full = given == output.len();
            self.is_between_blocks &= more == 0;
            match status {
                // A block that calls itself the last one (RFC 7692 §7.2.3.4); others may follow it.
                Status::StreamEnd => self.begin_anew(),
                _ if more == 0 && taken < input.len() && !self.is_full => {
                    return Err(ProtocolViolation::Data);
                }
                _ => {}
            }
        }
        Ok((taken, given))
    }

    /// Ends a message, all of which has been inflated.
    ///
    /// # Errors
    /// [`ProtocolViolation::Data`] if it ends within a block. That cannot always be seen; then it is the next
    /// message that makes no sense.
    pub(super) fn end(&mut self) -> Result<(), ProtocolViolation> {
        if !self.is_between_blocks {
            let (_, given) = self.inflate(&TAIL, &mut [0; TAIL.len() * 2])?;
            if given > 0 {
                return Err(ProtocolViolation::Data);
            }
        }
        self.is_between_blocks = true;
        if let (Some(state), false) = (&mut self.state, self.keeps_context) {
            state.reset(false);
        }
        Ok(())
    }

    fn begin_anew(&mut self) {
        if let Some(state) = &mut self.state {
            state.reset(false);
        }
        self.is_full = false;
        self.is_between_blocks = true;
    }

    /// Whether it was used since this was asked for last.
    pub(super) fn was_used(&mut self) -> bool {
        std::mem::take(&mut self.was_used)
    }

    #[cfg(test)]
    pub(super) fn holds_memory(&self) -> bool {
        self.state.is_some()
    }

    /// Gives the memory back between two messages, if the next one cannot refer to what it holds.
    pub(super) fn free(&mut self) {
        if !self.keeps_context && self.is_between_blocks {
            self.state = None;
        }
    }

    /// The same when nothing more is to be inflated.
    pub(super) fn forget(&mut self) {
        self.state = None;
    }
}
