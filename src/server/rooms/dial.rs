//! The other end of the rooms' socket: who connects to a wsd that runs, without an event loop.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::{
    peer,
    protocol::{NONE, Purpose, TAKEN, Terms},
};
use crate::{
    framing::{Codec, Framing, FramingError},
    message::Message,
};

/// How long a wsd is waited for that is not there yet: programs are started beside it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// What is read at once.
const READ: usize = 64 * 1024;

/// Why nobody can be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// There is no room of that path.
    #[error("there are no rooms at '{0}'")]
    NoRoom(String),
    /// Who listens there is somebody else.
    #[error("the process at the rooms' socket belongs to another user")]
    Stranger,
    /// Nobody listens, or does not any more.
    #[error("no wsd can be reached by the rooms' socket: {0}")]
    Io(#[from] io::Error),
}

/// A connection to a room.
#[derive(Debug)]
pub struct Dialled {
    reader: BufReader<UnixStream>,
    writer: BufWriter<UnixStream>,
    codec: Codec,
    unread: BytesMut,
    /// What the room carries.
    pub terms: Terms,
}

/// Connects to the room of a path.
///
/// # Errors
/// There is none, or nobody who has it.
pub fn dial(socket: &Path, purpose: Purpose, room: &str) -> Result<Dialled, DialError> {
    let stream = connect(socket)?;
    if !peer::is_own(&stream)? {
        return Err(DialError::Stranger);
    }
    let mut writer = BufWriter::new(stream.try_clone()?);
    let mut reader = BufReader::with_capacity(READ, stream);
    writer.write_all(purpose.line(room).as_bytes())?;
    writer.flush()?;
    let mut answer = String::new();
    reader.read_line(&mut answer)?;
    let terms = match answer.trim_end_matches('\n') {
        NONE => return Err(DialError::NoRoom(room.to_owned())),
        answer => Terms::parse(answer).ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?,
    };
    Ok(Dialled {
        reader,
        writer,
        codec: Codec::new(Framing::Length, usize::MAX),
        unread: BytesMut::new(),
        terms,
    })
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(socket) {
            Err(error) if is_not_there_yet(&error) && Instant::now() < deadline => {
                thread::sleep(LOOK);
            }
            connected => return connected,
        }
    }
}

fn is_not_there_yet(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), ConnectionRefused | NotFound)
}

impl Dialled {
    /// Says something, which goes out by [`Dialled::flush`].
    ///
    /// # Errors
    /// The other end has gone.
    pub fn say(&mut self, message: Message) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        self.codec.encode(message, &mut bytes).map_err(io_error)?;
        self.writer.write_all(&bytes)
    }

    /// Sends what was said.
    ///
    /// # Errors
    /// The other end has gone.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Says no more, and waits until all was taken.
    ///
    /// # Errors
    /// The other end has gone, and may not have taken all.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.writer.get_ref().shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        self.reader.read_to_string(&mut answer)?;
        match answer == TAKEN {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The next that is said; `None` when the other end has gone.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn hear(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.codec.decode(&mut self.unread).map_err(io_error)? {
                return Ok(Some(message));
            }
            let read = self.reader.fill_buf()?;
            let length = read.len();
            if length == 0 {
                return Ok(None);
            }
            self.unread.extend_from_slice(read);
            self.reader.consume(length);
        }
    }
}

fn io_error(error: FramingError) -> io::Error {
    match error {
        FramingError::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}
