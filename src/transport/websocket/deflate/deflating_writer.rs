//! The deflating writer: frames that the WebSocket library sends, as the other end is to see them.

use std::{borrow::Cow, io};

use hyper_tungstenite::tungstenite::protocol::Role;

use super::{deflater::Deflater, params::Negotiated, send_buffer::SendBuffer};
use crate::{
    room,
    transport::websocket::frame::{FrameKind, Header, mask},
};

/// Bytes taken at once, so that a long message holds up other sessions for milliseconds at most.
const STEP: usize = 64 * 1024;
/// Room for a header.
const ROOM: usize = 14;

/// Turns the library's bytes into the other end's.
#[derive(Debug)]
pub(super) struct DeflatingWriter {
    header: Header,
    place: DeflatingPosition,
    threshold: u64,
    pub(super) deflater: Deflater,
}

/// Where in a frame; `payload` is what of it is to come.
#[derive(Debug, Clone, Copy)]
enum DeflatingPosition {
    Header,
    Passed {
        payload: u64,
    },
    Deflated {
        payload: u64,
        /// Where in the send buffer the frame begins, with room for a header of `room` bytes.
        start: usize,
        room: usize,
    },
}

impl DeflatingWriter {
    pub(super) fn new(negotiated: &Negotiated, role: Role) -> Self {
        DeflatingWriter {
            header: Header::default(),
            place: DeflatingPosition::Header,
            // An empty message has nothing to compress.
            threshold: negotiated.params.threshold.max(1) as u64,
            deflater: Deflater::new(negotiated.params.level, negotiated.outgoing(role)),
        }
    }

    /// Takes bytes from the front of `input`, at least one if there is one, and puts what they become
    /// into the send buffer. Returns the bytes taken.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn write(
        &mut self,
        input: &[u8],
        send_buffer: &mut SendBuffer,
    ) -> io::Result<usize> {
        let mut rest = &input[..input.len().min(STEP)];
        room::reserve(&mut send_buffer.bytes, rest.len() + ROOM)?;
        let most = rest.len();
        while !rest.is_empty() {
            match self.place {
                DeflatingPosition::Header => {
                    if self.header.take(&mut rest) {
                        self.begin_frame(send_buffer);
                    }
                }
                DeflatingPosition::Passed { payload } => {
                    let now = front(&mut rest, payload);
                    send_buffer.bytes.extend_from_slice(now);
                    self.go_on(DeflatingPosition::Passed {
                        payload: payload - now.len() as u64,
                    });
                }
                DeflatingPosition::Deflated {
                    payload,
                    start,
                    room,
                } => {
                    let now = front(&mut rest, payload);
                    let now = self.without_mask(now, payload);
                    let payload = payload - now.len() as u64;
                    if payload == 0 {
                        self.deflater.end(&now, &mut send_buffer.bytes)?;
                        self.seal(start, room, send_buffer);
                    } else {
                        self.deflater.deflate(&now, &mut send_buffer.bytes)?;
                    }
                    self.go_on(DeflatingPosition::Deflated {
                        payload,
                        start,
                        room,
                    });
                }
            }
        }
        if !self.is_deflating() {
            send_buffer.finish();
        }
        Ok(most)
    }

    /// Gives memory back, unless it holds half a message.
    pub(super) fn free(&mut self) {
        if !self.is_deflating() {
            self.deflater.free();
        }
    }

    fn is_deflating(&self) -> bool {
        matches!(self.place, DeflatingPosition::Deflated { .. })
    }

    fn begin_frame(&mut self, send_buffer: &mut SendBuffer) {
        let header = &self.header;
        let payload = header.payload();
        let is_whole_message = header.is_opener() && header.is_final() && header.is_plain();
        if is_whole_message && payload >= self.threshold {
            // What is compressed is seldom of another length of header.
            let (start, room) = (send_buffer.bytes.len(), header.bytes().len());
            send_buffer.bytes.extend_from_slice(header.bytes());
            self.place = DeflatingPosition::Deflated {
                payload,
                start,
                room,
            };
        } else {
            send_buffer.bytes.extend_from_slice(header.bytes());
            self.go_on(DeflatingPosition::Passed { payload });
        }
    }

    /// The next bytes of a payload of which so much is missing, as they were before the library, being a
    /// client's, put a mask on them.
    fn without_mask<'a>(&self, bytes: &'a [u8], missing: u64) -> Cow<'a, [u8]> {
        if !self.header.is_masked() {
            return Cow::Borrowed(bytes);
        }
        let mut clear = bytes.to_vec();
        mask(&mut clear, self.header.mask_before(missing));
        Cow::Owned(clear)
    }

    /// Puts the header of the compressed message in its place. The mask that the library chose at random
    /// for the message has not been seen by anybody: it is put on what is sent instead.
    fn seal(&mut self, start: usize, room: usize, send_buffer: &mut SendBuffer) {
        let payload = send_buffer.bytes.len() - start - room;
        let kind = FrameKind {
            opcode: self.header.opcode(),
            is_final: true,
            is_compressed: true,
        };
        let key = self.header.is_masked().then(|| self.header.mask());
        if let Some(key) = key {
            mask(&mut send_buffer.bytes[start + room..], key);
        }
        let header = Header::new(kind, payload, key);
        let place = start..start + room;
        send_buffer
            .bytes
            .splice(place, header.bytes().iter().copied());
        send_buffer.finish();
    }

    fn go_on(&mut self, place: DeflatingPosition) {
        self.place = match place {
            DeflatingPosition::Passed { payload: 0 }
            | DeflatingPosition::Deflated { payload: 0, .. } => {
                self.header = Header::default();
                DeflatingPosition::Header
            }
            place => place,
        };
    }
}

/// Takes as much of a payload of this length as there is.
fn front<'a>(input: &mut &'a [u8], payload: u64) -> &'a [u8] {
    let most = usize::try_from(payload).unwrap_or(usize::MAX);
    let (now, later) = input.split_at(most.min(input.len()));
    *input = later;
    now
}
