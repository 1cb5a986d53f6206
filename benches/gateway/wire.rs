//! What a client says, prepared in advance so that saying it costs nothing,
//! and what it must hear in return.

use std::net::SocketAddr;

use wsd::transport::websocket::frame::encode;

use crate::frames::Part;
use crate::outcome::Failure;

/// The sample nonce of RFC 6455 §1.3 and the answer that belongs to it, so
/// that the handshake is checked without computing a SHA-1.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Any mask other than zero makes the server do its work.
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Size of the smallest message: its batch's and its own number.
const NUMBERED: usize = 16;

/// A Close frame with code 1000.
pub(crate) fn close() -> Vec<u8> {
    encode(0x88, &1000_u16.to_be_bytes(), Some(MASK))
}

/// A text message in one frame.
pub(crate) fn text_frame(payload: &[u8]) -> Vec<u8> {
    encode(0x81, payload, Some(MASK))
}

/// A text message in one frame, its payload deflated (RFC 7692 §7.2.1).
pub(crate) fn deflated_frame(payload: &[u8]) -> Vec<u8> {
    encode(0xc1, payload, Some(MASK))
}

/// The opening request (RFC 6455 §4.1).
pub(crate) fn upgrade_request(address: SocketAddr) -> String {
    upgrade_request_of(address, "/bench", "")
}

/// The same, of a resource, with further lines.
pub(crate) fn upgrade_request_of(address: SocketAddr, resource: &str, headers: &str) -> String {
    format!(
        "GET {resource} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// Finds the end of the response head in `bytes` and checks it; gives its
/// length, or `None` while it is incomplete.
pub(crate) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(Failure::Cannot(format!("handshake refused: {status}")));
    }
    let accepted = head.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value.trim() == ACCEPT
        })
    });
    if !accepted {
        return Err(Failure::Wrong("Sec-WebSocket-Accept is not right".into()));
    }
    Ok(Some(end + 4))
}

/// Different text messages of one size, framed one after the other.
pub(crate) struct Batch {
    pub(crate) frames: Vec<u8>,
    payload: Vec<u8>,
    /// Bytes of a message.
    pub(crate) size: usize,
    /// Number of messages.
    pub(crate) count: usize,
}

impl Batch {
    /// Messages start with `number` and their own place in the batch, so an
    /// echo that is lost, doubled, out of order or another's is seen.
    pub(crate) fn new(number: usize, size: usize, count: usize) -> Self {
        assert!(size >= NUMBERED, "a message has room for its number");
        let mut payload = Vec::with_capacity(size * count);
        let mut frames = Vec::with_capacity((size + 14) * count);
        for place in 0..count {
            let start = payload.len();
            payload.extend_from_slice(format!("{number:06}.{place:09}").as_bytes());
            payload.extend(
                (NUMBERED..size).map(|at| b"abcdefghijklmnopqrstuvwxyz"[(at + place) % 26]),
            );
            frames.extend(text_frame(&payload[start..]));
        }
        Self {
            frames,
            payload,
            size,
            count,
        }
    }

    /// The messages.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        self.payload.chunks_exact(self.size)
    }

    /// The frame of the message at `place`, counted round and round.
    pub(crate) fn frame(&self, place: usize) -> &[u8] {
        let length = self.frames.len() / self.count;
        let start = place % self.count * length;
        &self.frames[start..start + length]
    }
}

/// Compares what comes back with a batch that is sent again and again.
#[derive(Default)]
pub(crate) struct Echoes {
    /// Complete echoes so far.
    pub(crate) received: u64,
    offset: usize,
}

impl Echoes {
    /// Takes the next piece of a message. One newline at the end of a message
    /// is let pass: some gateways strip it, some do not.
    pub(crate) fn take(&mut self, batch: &Batch, piece: &[u8], part: Part) -> Result<(), Failure> {
        let place = (self.received % batch.count as u64) as usize;
        let expected = &batch.payload[place * batch.size..][self.offset..batch.size];
        if part == Part::Last {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            if text != expected {
                return Err(self.wrong(text.len() + self.offset, batch.size));
            }
            self.offset = 0;
            self.received += 1;
        } else {
            // The newline may be all that is missing, so `piece` may end the text.
            if !expected.starts_with(piece) {
                return Err(self.wrong(piece.len() + self.offset, batch.size));
            }
            self.offset += piece.len();
        }
        Ok(())
    }

    fn wrong(&self, length: usize, size: usize) -> Failure {
        let place = self.received;
        Failure::Wrong(format!(
            "echo {place} is not what was sent (at byte {length} of {size})"
        ))
    }
}
