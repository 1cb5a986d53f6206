//! A room of nats-server by its WebSocket: the lines of its protocol (docs.nats.io, "Client protocol") within
//! binary messages, which need not begin where lines do.

use crate::outcome::Failure;
use crate::wire::{Batch, MASK};
use wsd::transport::websocket::frame::encode;

/// The subject that all members have subscribed to.
const SUBJECT: &str = "room";
/// The longest line that is looked at; INFO is longer and is let pass.
const LONGEST: usize = 64;

/// What a member says first.
pub(crate) fn greeting() -> Vec<u8> {
    said(
        format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {SUBJECT} 1\r\nPING\r\n")
            .as_bytes(),
    )
}

/// The answer to a PING of the server.
pub(crate) fn pong() -> Vec<u8> {
    said(b"PONG\r\n")
}

/// A batch's messages, each published by itself.
pub(crate) fn publish(batch: &Batch) -> Vec<u8> {
    let payloads = batch.payloads();
    payloads
        .flat_map(|payload| {
            let head = format!("PUB {SUBJECT} {}\r\n", payload.len());
            said(&[head.as_bytes(), payload, b"\r\n"].concat())
        })
        .collect()
}

fn said(lines: &[u8]) -> Vec<u8> {
    encode(0x82, lines, Some(MASK))
}

/// Where a member is in what the server says.
#[derive(Default)]
pub(crate) struct Stream {
    line: Vec<u8>,
    /// Bytes of a message and its line end that are still to come.
    missing: usize,
    /// Messages heard.
    pub(crate) received: u64,
    /// The server waits for a PONG.
    pub(crate) is_asked: bool,
    /// The server has answered the PING of the greeting.
    pub(crate) is_greeted: bool,
}

impl Stream {
    /// Takes what came, of which each message must be the batch's next.
    pub(crate) fn take(&mut self, batch: &Batch, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            if self.missing == 0 {
                bytes = self.take_line(batch, bytes)?;
                continue;
            }
            let (now, later) = bytes.split_at(self.missing.min(bytes.len()));
            let place = (self.received % batch.count as u64) as usize;
            let done = batch.size + 2 - self.missing;
            let expected = batch
                .payloads()
                .nth(place)
                .into_iter()
                .flatten()
                .chain(b"\r\n");
            if !now.iter().eq(expected.skip(done).take(now.len())) {
                let place = self.received;
                return Err(Failure::Wrong(format!(
                    "message {place} is not what was said"
                )));
            }
            self.missing -= now.len();
            self.received += u64::from(self.missing == 0);
            bytes = later;
        }
        Ok(())
    }

    /// Takes bytes up to the end of a line; gives the rest.
    fn take_line<'a>(&mut self, batch: &Batch, bytes: &'a [u8]) -> Result<&'a [u8], Failure> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend(&now[..now.len().min(room)]);
        if end.is_none() {
            return Ok(later);
        }
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        match line.split_whitespace().next() {
            Some("MSG") if line.trim_end().ends_with(&format!(" {}", batch.size)) => {
                self.missing = batch.size + 2;
            }
            Some("PING") => self.is_asked = true,
            Some("PONG") => self.is_greeted = true,
            Some("INFO") => {}
            _ => return Err(Failure::Wrong(format!("it said: {}", line.trim_end()))),
        }
        Ok(later)
    }
}
