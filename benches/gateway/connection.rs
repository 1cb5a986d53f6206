//! One connection to a server under test, blocking or not.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::frames::{Frames, Part};
use crate::outcome::Failure;
use crate::poll;
use crate::stream::Stream;
use crate::wire::{Batch, Echoes, upgrade_request, upgrade_request_of, upgraded};

/// How long a server may stay silent while an answer is due. A storm of
/// connects may wait seconds for retransmitted SYNs; beyond this it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Room to read into, for one connection that is read as fast as it can be.
pub(crate) const WIDE: usize = 256 * 1024;

/// Room for a response head and small messages: there may be a thousand.
pub(crate) const NARROW: usize = 2 * 1024;

/// What a look at a connection brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    Something,
    /// The server has ended the TCP connection.
    End,
}

/// A WebSocket connection: its request is sent, its answers are checked.
pub(crate) struct Connection<S = TcpStream> {
    pub(crate) stream: S,
    pub(crate) is_upgraded: bool,
    buffer: Box<[u8]>,
    filled: usize,
    frames: Frames,
}

impl Connection {
    /// Connects and asks for the upgrade; reads and writes then block.
    pub(crate) fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self::new(stream, WIDE);
        connection.ask("/bench")?;
        Ok(connection)
    }

    /// The same up to and including a first echo.
    pub(crate) fn open_and_greet(port: u16) -> Result<Self, Failure> {
        let mut connection = Self::open(port)?;
        connection.greet()?;
        Ok(connection)
    }

    /// Starts to connect; `ask` is due when the connection is made.
    pub(crate) fn dial(port: u16) -> Result<Self, Failure> {
        Ok(Self::new(poll::dial(port)?, NARROW))
    }

    /// Asks for the upgrade of a resource.
    pub(crate) fn ask(&mut self, resource: &str) -> Result<(), Failure> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error.into());
        }
        let address = self.stream.peer_addr()?;
        self.send(upgrade_request_of(address, resource, "").as_bytes())
    }
}

impl Connection<Stream> {
    /// Connects and has the upgrade of a resource, with further lines in the request and so much room to read into;
    /// what is said first goes to `early`.
    pub(crate) fn upgrade(
        stream: Stream,
        room: usize,
        asked: (&str, &str),
        early: impl FnMut(&[u8], Part) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut connection = Self::request(stream, room, asked)?;
        connection.wait_for_upgrade(early)?;
        Ok(connection)
    }

    /// Only asks for it; `wait_for_upgrade` is due.
    pub(crate) fn request(
        stream: Stream,
        room: usize,
        (resource, headers): (&str, &str),
    ) -> Result<Self, Failure> {
        let address = stream.socket().peer_addr()?;
        let mut connection = Self::new(stream, room);
        let request = upgrade_request_of(address, resource, headers);
        connection.send(request.as_bytes())?;
        Ok(connection)
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S, room: usize) -> Self {
        Self {
            stream,
            is_upgraded: false,
            buffer: vec![0; room].into(),
            filled: 0,
            frames: Frames::default(),
        }
    }

    /// Asks for the upgrade at an address.
    pub(crate) fn ask_at(&mut self, address: SocketAddr) -> Result<(), Failure> {
        self.send(upgrade_request(address).as_bytes())
    }

    /// Waits for the upgrade; what is said first goes to `early`.
    pub(crate) fn wait_for_upgrade(
        &mut self,
        mut early: impl FnMut(&[u8], Part) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while !self.is_upgraded {
            self.listen(&mut early)?;
        }
        Ok(())
    }

    /// Waits for the upgrade, and for a first echo.
    pub(crate) fn greet(&mut self) -> Result<(), Failure> {
        self.wait_for_upgrade(|_, _| Err(Failure::Wrong("an echo of nothing".into())))?;
        let greeting = Batch::new(999_999, 16, 1);
        self.echo(&greeting, &mut Echoes::default())
    }

    /// Sends a few bytes, for which a connection that waits for its answer has room.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Sends the next message of `batch` and waits for its echo.
    pub(crate) fn echo(&mut self, batch: &Batch, echoes: &mut Echoes) -> Result<(), Failure> {
        let sent = echoes.received;
        let frame = batch.frame((sent % batch.count as u64) as usize);
        self.send(frame).map_err(Failure::of_session)?;
        while echoes.received == sent {
            if self.listen(|piece, part| echoes.take(batch, piece, part))? == Heard::End {
                return Err(Failure::Wrong(format!(
                    "connection ended before echo {sent}"
                )));
            }
        }
        Ok(())
    }

    /// Reads once, waiting as long as patience lasts, and passes on what came.
    pub(crate) fn listen(
        &mut self,
        piece: impl FnMut(&[u8], Part) -> Result<(), Failure>,
    ) -> Result<Heard, Failure> {
        let heard = match self.receive(piece) {
            Ok(Heard::Nothing) => Err(Failure::Cannot(format!("no answer within {PATIENCE:?}"))),
            Ok(Heard::End) if !self.is_upgraded => {
                Err(Failure::Cannot("connection ended in the handshake".into()))
            }
            heard => heard,
        };
        match heard {
            Err(failure) if self.is_upgraded => Err(failure.of_session()),
            heard => heard,
        }
    }

    /// Reads once and passes on what came.
    pub(crate) fn receive(
        &mut self,
        piece: impl FnMut(&[u8], Part) -> Result<(), Failure>,
    ) -> Result<Heard, Failure> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Ok(Heard::End),
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::Nothing),
            // Whoever stops this process for a while and lets it go on interrupts it (signal(7)).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Heard::Something);
            }
            Err(error) => return Err(error.into()),
        }
        let mut done = 0;
        if !self.is_upgraded {
            let Some(head) = upgraded(&self.buffer[..self.filled])? else {
                if self.filled == self.buffer.len() {
                    return Err(Failure::Cannot("response head without end".into()));
                }
                return Ok(Heard::Something);
            };
            self.is_upgraded = true;
            done = head;
        }
        done += self.frames.take(&self.buffer[done..self.filled], piece)?;
        self.buffer.copy_within(done..self.filled, 0);
        self.filled -= done;
        Ok(Heard::Something)
    }

    /// Messages may be compressed, and come as they are (RFC 7692).
    pub(crate) fn expect_compressed(&mut self) {
        self.frames.may_be_compressed = true;
    }

    /// The server has said goodbye with a Close frame.
    pub(crate) fn is_closed(&self) -> bool {
        self.frames.closed
    }
}
