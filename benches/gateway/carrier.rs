//! A connection that carries bytes to a target and back, in binary messages or as they are.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use wsd::transport::websocket::frame::encode;

use crate::connection::{NARROW, PATIENCE, WIDE};
use crate::frames::Frames;
use crate::outcome::Failure;
use crate::socket_server::{PATTERN_LENGTH, pattern};
use crate::wire::{MASK, close, upgrade_request, upgraded};

/// What lies around the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    WebSocket,
    Raw,
}

impl Wire {
    fn wrap(self, payload: &[u8]) -> Vec<u8> {
        match self {
            Wire::WebSocket => encode(0x82, payload, Some(MASK)),
            Wire::Raw => payload.to_vec(),
        }
    }
}

pub(crate) struct Carrier {
    stream: TcpStream,
    wire: Wire,
    buffer: Box<[u8]>,
    filled: usize,
    frames: Frames,
}

impl Carrier {
    /// Connects, and has the 101 where there is one.
    pub(crate) fn open(port: u16, wire: Wire) -> Result<Self, Failure> {
        Self::with_room(port, wire, WIDE, "")
    }

    /// The same by a WebSocket with further lines in the request.
    pub(crate) fn open_with(port: u16, headers: &str) -> Result<Self, Failure> {
        Self::with_room(port, Wire::WebSocket, NARROW, headers)
    }

    /// The same for one of a thousand.
    pub(crate) fn open_narrow(port: u16, wire: Wire) -> Result<Self, Failure> {
        Self::with_room(port, wire, NARROW, "")
    }

    fn with_room(port: u16, wire: Wire, room: usize, headers: &str) -> Result<Self, Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut carrier = Carrier {
            stream,
            wire,
            buffer: vec![0; room].into(),
            filled: 0,
            frames: Frames::default(),
        };
        if wire == Wire::WebSocket {
            let request = upgrade_request(address);
            let (request, end) = request.split_at(request.len() - 2);
            let request = [request, headers, end].concat();
            carrier.stream.write_all(request.as_bytes())?;
            carrier.shake_hands()?;
        }
        Ok(carrier)
    }

    fn shake_hands(&mut self) -> Result<(), Failure> {
        loop {
            self.fill()?;
            if let Some(head) = upgraded(&self.buffer[..self.filled])? {
                self.buffer.copy_within(head..self.filled, 0);
                self.filled -= head;
                return Ok(());
            }
        }
    }

    fn fill(&mut self) -> Result<(), Failure> {
        match self.stream.read(&mut self.buffer[self.filled..])? {
            0 => Err(Failure::Wrong("the connection ended early".into())),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }

    pub(crate) fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(&self.wire.wrap(payload))?)
    }

    /// Sends the pattern again and again, a message each.
    pub(crate) fn send_pattern(&mut self, length: u64) -> Result<(), Failure> {
        let pattern = pattern();
        let whole = self.wire.wrap(&pattern);
        for _ in 0..length / PATTERN_LENGTH {
            self.stream.write_all(&whole)?;
        }
        let rest = (length % PATTERN_LENGTH) as usize;
        self.send(&pattern[..rest])
    }

    /// Waits for so much of the pattern.
    pub(crate) fn receive_pattern(&mut self, length: u64) -> Result<(), Failure> {
        let pattern = pattern();
        self.receive_all(length, |place, piece| {
            let start = (place % PATTERN_LENGTH) as usize;
            let (first, second) = piece.split_at(piece.len().min(pattern.len() - start));
            // A piece is a read, which may be as long as several patterns.
            pattern[start..].starts_with(first)
                && second
                    .chunks(pattern.len())
                    .all(|rest| pattern.starts_with(rest))
        })
    }

    /// Waits for exactly this.
    pub(crate) fn receive(&mut self, expected: &[u8]) -> Result<(), Failure> {
        self.receive_all(expected.len() as u64, |place, piece| {
            expected[place as usize..].starts_with(piece)
        })
    }

    /// Sends a message and waits for it to come back.
    pub(crate) fn echo(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.send(message)?;
        self.receive(message)
    }

    /// Reads so many bytes of payload, each of which has to be right at its place.
    fn receive_all(
        &mut self,
        length: u64,
        is_right: impl Fn(u64, &[u8]) -> bool,
    ) -> Result<(), Failure> {
        let mut place = 0;
        loop {
            let mut check = |piece: &[u8]| {
                if !is_right(place, piece) {
                    return Err(Failure::Wrong(format!(
                        "not what was sent, behind byte {place}"
                    )));
                }
                place += piece.len() as u64;
                Ok(())
            };
            let bytes = &self.buffer[..self.filled];
            let done = match self.wire {
                Wire::WebSocket => self.frames.take(bytes, |piece, _| check(piece))?,
                Wire::Raw => check(bytes).map(|()| bytes.len())?,
            };
            self.buffer.copy_within(done..self.filled, 0);
            self.filled -= done;
            if place >= length {
                return match place == length {
                    true => Ok(()),
                    false => Err(Failure::Wrong("more than was sent".into())),
                };
            }
            self.fill()?;
        }
    }

    /// Ends it in order, and waits for the other end.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        match self.wire {
            Wire::WebSocket => self.stream.write_all(&close())?,
            Wire::Raw => self.stream.shutdown(Shutdown::Write)?,
        }
        // Whatever comes now is a Close at most.
        while self.stream.read(&mut self.buffer)? > 0 {}
        Ok(())
    }
}
