//! The inflating reader: frames from the other end, as the WebSocket library is to see them.

use hyper_tungstenite::tungstenite::protocol::Role;

use super::{inflater::Inflater, params::Negotiated};
use crate::transport::websocket::{
    frame::{FrameKind, Header, copy, mask, saturated},
    protocol_violation::ProtocolViolation,
};

/// The least room in which frames are made: the longest header of ours, and a piece of payload.
pub(super) const LEAST_ROOM: usize = 64;
/// The longest header of a fragment below 64 KiB, with its mask.
const FRAGMENT_HEADER: usize = 8;
/// The most payload of a fragment, however large the output is: a header of eight bytes can say it.
const LARGEST_FRAGMENT: usize = 0xffff;

/// Bytes unmasked at a time: a message of some kilobytes, compressed.
const CHUNK: usize = 1024;

/// Bytes of a compressed message that may come for nothing.
const PADDING: u64 = 64 * 1024;
/// Bytes that may come beyond that for each byte of the message. One byte a flush, which is the most
/// wasteful that a client may have a reason for, makes eight.
const PADDING_A_BYTE: u64 = 16;

/// Payload that never ends: of a frame that the library refuses.
const ENDLESS: u64 = u64::MAX;

/// Turns the other end's bytes into the library's. Holds no bytes but those of a header, and the state of
/// its inflater.
#[derive(Debug)]
pub(super) struct InflatingReader {
    header: Header,
    place: InflatingPosition,
    message: InflatingMessage,
    /// A client's frames have a mask, a server's have none (RFC 6455 §5.1).
    are_masked: bool,
    pub(super) inflater: Inflater,
    failure: Option<ProtocolViolation>,
}

/// Where in a frame.
#[derive(Debug, Clone, Copy)]
enum InflatingPosition {
    Header,
    /// In one that goes up as it is: bytes of its header and of its payload to come.
    Passed {
        header: usize,
        payload: u64,
    },
    /// In one of a compressed message: bytes of payload to come.
    Inflated {
        payload: u64,
    },
}

/// Whose frames come.
#[derive(Debug, Clone, Copy)]
enum InflatingMessage {
    None,
    /// One that goes up as it is.
    Plain,
    Compressed(Fragments),
}

/// A compressed message on its way up.
#[derive(Debug, Clone, Copy)]
struct Fragments {
    /// Of the next one.
    opcode: u8,
    taken: u64,
    given: u64,
}

/// What a step came to.
enum Step {
    Done {
        written: usize,
    },
    /// More input or more room is needed.
    Waits,
}

impl InflatingReader {
    pub(super) fn new(negotiated: &Negotiated, role: Role) -> Self {
        InflatingReader {
            header: Header::default(),
            place: InflatingPosition::Header,
            message: InflatingMessage::None,
            are_masked: role == Role::Server,
            inflater: Inflater::new(negotiated.incoming(role)),
            failure: None,
        }
    }

    /// Writes to `output`, which has [`LEAST_ROOM`], what can be made from the front of `input`. Takes
    /// all of that unless less than that room is left. Returns the bytes written.
    ///
    /// # Errors
    /// A message that is refused, once all that came before it has been written.
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        output: &mut [u8],
    ) -> Result<usize, ProtocolViolation> {
        let mut written = 0;
        while self.failure.is_none() {
            match self.step(input, &mut output[written..]) {
                Ok(Step::Done { written: more }) => written += more,
                Ok(Step::Waits) => break,
                Err(bad) => self.failure = Some(bad),
            }
        }
        match self.failure {
            Some(bad) if written == 0 => Err(bad),
            _ => Ok(written),
        }
    }

    /// Gives memory back, unless it holds something.
    pub(super) fn free(&mut self) {
        if !matches!(self.message, InflatingMessage::Compressed(_)) {
            self.inflater.free();
        }
    }

    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, ProtocolViolation> {
        match (self.place, self.message) {
            (InflatingPosition::Header, _) => self.begin_frame(input),
            (InflatingPosition::Inflated { payload }, InflatingMessage::Compressed(fragments)) => {
                self.inflate(payload, fragments, input, output)
            }
            (InflatingPosition::Passed { header, payload }, _) => {
                Ok(self.pass(header, payload, input, output))
            }
            (InflatingPosition::Inflated { .. }, _) => Ok(Step::Waits),
        }
    }

    fn begin_frame(&mut self, input: &mut &[u8]) -> Result<Step, ProtocolViolation> {
        if !self.header.take(input) {
            return Ok(Step::Waits);
        }
        let header = &self.header;
        if !header.is_length_well_formed() {
            return Err(ProtocolViolation::Length);
        }
        let (size, payload) = (header.bytes().len(), header.payload());
        let passed = |payload| InflatingPosition::Passed {
            header: size,
            payload,
        };
        self.place = match (self.message, self.is_in_order()) {
            (_, false) => {
                // Nothing behind it is looked at any more.
                self.message = InflatingMessage::Plain;
                passed(ENDLESS)
            }
            (_, true) if header.is_control() => passed(payload),
            (InflatingMessage::None, true) if header.is_compressed() => {
                self.message = InflatingMessage::Compressed(Fragments {
                    opcode: header.opcode(),
                    taken: 0,
                    given: 0,
                });
                InflatingPosition::Inflated { payload }
            }
            (InflatingMessage::Compressed(_), true) => InflatingPosition::Inflated { payload },
            (InflatingMessage::None, true) => {
                self.message = InflatingMessage::Plain;
                passed(payload)
            }
            (InflatingMessage::Plain, true) => passed(payload),
        };
        Ok(Step::Done { written: 0 })
    }

    /// Whether a frame with this header may come here (RFC 6455 §5.4, RFC 7692 §6). Where it may not,
    /// the library knows as well: RSV1 tells it, or the fragments that it has been given.
    fn is_in_order(&self) -> bool {
        let header = &self.header;
        let is_expected = match self.message {
            _ if header.is_control() => header.is_plain(),
            InflatingMessage::None => {
                header.is_opener() && (header.is_plain() || header.is_compressed())
            }
            InflatingMessage::Plain | InflatingMessage::Compressed(_) => {
                header.is_continuation() && header.is_plain()
            }
        };
        is_expected && header.is_masked() == self.are_masked
    }

    fn end_frame(&mut self) {
        if self.header.is_final() && !self.header.is_control() {
            self.message = InflatingMessage::None;
        }
        self.header = Header::default();
        self.place = InflatingPosition::Header;
    }

    fn pass(&mut self, header: usize, payload: u64, input: &mut &[u8], output: &mut [u8]) -> Step {
        let whole = self.header.bytes();
        let unsent = copy(&whole[whole.len() - header..], output);
        let most = input.len().min(saturated(payload));
        let more = copy(&input[..most], &mut output[unsent..]);
        *input = &input[more..];
        let (header, payload) = (header - unsent, payload - more as u64);
        self.place = InflatingPosition::Passed { header, payload };
        let written = unsent + more;
        if header == 0 && payload == 0 {
            self.end_frame();
        } else if written == 0 {
            return Step::Waits;
        }
        Step::Done { written }
    }

    /// Makes one fragment of what is there, and of the frame's end if that has come.
    fn inflate(
        &mut self,
        mut payload: u64,
        mut fragments: Fragments,
        input: &mut &[u8],
        output: &mut [u8],
    ) -> Result<Step, ProtocolViolation> {
        if output.len() < LEAST_ROOM {
            return Ok(Step::Waits);
        }
        let before = payload;
        let most = output.len().min(FRAGMENT_HEADER + LARGEST_FRAGMENT);
        let room = &mut output[FRAGMENT_HEADER..most];
        let mut given = 0;
        loop {
            let mut clear = [0; CHUNK];
            let chunk = self.unmask(payload, input, &mut clear);
            let (taken, more) = self.inflater.inflate(chunk, &mut room[given..])?;
            *input = &input[taken..];
            payload -= taken as u64;
            given += more;
            if given == room.len() || taken == 0 {
                break;
            }
        }
        // With a full output there may be more, which no input brings.
        let is_full = given == room.len();
        let ends_frame = payload == 0 && !is_full;
        let ends_message = ends_frame && self.header.is_final();
        if ends_message {
            self.inflater.end()?;
        }
        fragments.taken += before - payload;
        fragments.given += given as u64;
        fragments.check()?;
        // The library hears of the message at its first frame's end at last: it is to refuse what may
        // not come within one.
        let is_due = given > 0 || ends_message || ends_frame && fragments.opcode != 0;
        let mut written = 0;
        if is_due {
            let kind = fragments.next(ends_message);
            written = self.begin_fragment(kind, given, output);
        }
        self.message = InflatingMessage::Compressed(fragments);
        self.place = InflatingPosition::Inflated { payload };
        if ends_frame {
            self.end_frame();
        } else if !is_full {
            // What is left of the input is of the next call.
            return Ok(match written {
                0 => Step::Waits,
                written => Step::Done { written },
            });
        }
        Ok(Step::Done { written })
    }

    /// Puts a header before the payload that begins at [`FRAGMENT_HEADER`]; returns the bytes of both.
    fn begin_fragment(&self, kind: FrameKind, payload: usize, output: &mut [u8]) -> usize {
        // A mask of zeros leaves the payload as it is.
        let mask = self.are_masked.then_some([0; 4]);
        let header = Header::new(kind, payload, mask);
        let header = header.bytes();
        if header.len() < FRAGMENT_HEADER {
            output.copy_within(FRAGMENT_HEADER..FRAGMENT_HEADER + payload, header.len());
        }
        output[..header.len()].copy_from_slice(header);
        header.len() + payload
    }

    /// The next bytes of a payload of which so much is missing, without the mask (RFC 6455 §5.3).
    fn unmask<'a>(&self, payload: u64, input: &[u8], clear: &'a mut [u8; CHUNK]) -> &'a [u8] {
        let most = CHUNK.min(saturated(payload)).min(input.len());
        clear[..most].copy_from_slice(&input[..most]);
        mask(&mut clear[..most], self.header.mask_before(payload));
        &clear[..most]
    }
}

impl Fragments {
    /// What the next one is; those behind it are continuations.
    fn next(&mut self, is_final: bool) -> FrameKind {
        FrameKind {
            opcode: std::mem::take(&mut self.opcode),
            is_final,
            is_compressed: false,
        }
    }

    /// A message's length bounds what it inflates to; this bounds what may come to no end.
    fn check(&self) -> Result<(), ProtocolViolation> {
        match self.taken > PADDING + PADDING_A_BYTE.saturating_mul(self.given) {
            true => Err(ProtocolViolation::Padding),
            false => Ok(()),
        }
    }
}
