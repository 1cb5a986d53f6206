//! Which backend a route names, and how it is opened.

use std::{io, sync::Arc};

use super::{
    group::{NotJoined, RoomOptions, Rooms},
    interface::{Backend, Environment},
    program::Program,
    pty::{Pty, TerminalSize},
    script::FirstLine,
    socket::{ConnectError, ConnectResources, Socket},
    spawn::Spawner,
    started::StderrTo,
    stderr::StderrCopy,
    stream_options::StreamOptions,
};
use crate::{connection::ConnectionInfo, framing::Framing};

/// Which backend a client gets.
#[derive(Debug, Clone)]
pub enum Target {
    /// A program, one process a session.
    Program(Program, StreamOptions, StderrTo),
    /// A socket, one connection a session.
    Socket(Socket),
    /// A room, of which each session is a member.
    Room(RoomTarget),
}

/// A room, which is there as long as it has members.
#[derive(Debug, Clone)]
pub struct RoomTarget {
    /// Its path.
    pub name: String,
    /// Its terms.
    pub options: Arc<RoomOptions>,
}

/// What opening a backend takes at run time; one for all targets.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Starts processes.
    pub spawner: Spawner,
    /// Connects to sockets.
    pub connect: ConnectResources,
    /// The rooms that are there.
    pub rooms: Arc<Rooms>,
    /// Who gets what a program says on stderr beside the log, where that goes to the log.
    pub stderr_copy: Option<StderrCopy>,
}

/// Why a backend could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system's, when a program cannot be started: `EAGAIN`, `ENOMEM` and `EMFILE` pass with time,
    /// `ENOENT`, `EACCES` and `ENOEXEC` do not (execve(2)).
    #[error(transparent)]
    Start(#[from] io::Error),
    /// A socket that cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A room that nobody can join.
    #[error(transparent)]
    Join(#[from] NotJoined),
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Start(error) => error,
            OpenError::Connect(error) => io::Error::other(error),
            OpenError::Join(error) => io::Error::other(error),
        }
    }
}

impl Resources {
    /// Those of a process.
    pub fn new(spawner: Spawner) -> Self {
        Resources {
            spawner,
            connect: ConnectResources::default(),
            rooms: Arc::default(),
            stderr_copy: None,
        }
    }
}

impl Target {
    /// How it tells messages apart.
    pub fn framing(&self) -> Framing {
        match self {
            Target::Program(_, streams, _) => streams.framing,
            Target::Socket(socket) => socket.options.streams.framing,
            // Which both kinds of messages can be told apart by.
            Target::Room(_) => Framing::Length,
        }
    }

    /// Opens the backend for a client. Only a program has an environment. Cancel safe: yes; a process that was
    /// started meanwhile is killed.
    ///
    /// # Errors
    /// Why the program cannot be started, the socket not be reached, or the room not be joined.
    pub async fn open(
        &self,
        resources: &Resources,
        environment: &Environment,
        client: &ConnectionInfo,
    ) -> Result<Backend, OpenError> {
        match self {
            Target::Program(program, streams, stderr) => {
                let spawner = &resources.spawner;
                let stderr = (*stderr, resources.stderr_copy.clone());
                let opening = program.open(streams, stderr, spawner, environment);
                Ok(opening.await?)
            }
            Target::Socket(socket) => Ok(socket.open(&resources.connect, client).await?),
            Target::Room(room) => Ok(resources.rooms.join(&room.name, &room.options)?),
        }
    }

    /// The same with a terminal of that size, where it has one.
    pub fn with_size(&self, size: TerminalSize) -> Target {
        let mut target = self.clone();
        if let Target::Program(program, ..) = &mut target {
            program.size = size;
        }
        target
    }

    /// The same program on pipes alone.
    pub fn on_pipes(&self) -> Target {
        let mut target = self.clone();
        if let Target::Program(program, ..) = &mut target {
            program.pty = Pty::None;
        }
        target
    }

    /// The same with its output as bytes in place of text.
    pub fn with_text_as_bytes(&self) -> Target {
        let mut target = self.clone();
        let streams = match &mut target {
            Target::Program(_, streams, _) => Some(streams),
            Target::Socket(socket) => Some(&mut Arc::make_mut(&mut socket.options).streams),
            Target::Room(_) => None,
        };
        if let Some(streams) = streams.filter(|streams| streams.framing == Framing::Text) {
            streams.framing = Framing::Chunks;
        }
        target
    }

    /// Which of a program's streams are a pty.
    pub fn pty(&self) -> Pty {
        match self {
            Target::Program(program, ..) => program.pty,
            Target::Socket(_) | Target::Room(_) => Pty::None,
        }
    }

    /// Whether it is a program of whom nobody has asked to send its output at once.
    pub fn may_hold_back_output(&self) -> bool {
        matches!(self, Target::Program(program, ..) if program.may_hold_back_output())
    }

    /// The first line of a program that nobody has looked into at the start: see [`Program::unexamined_line`].
    pub fn unexamined_line(&self, environment: &Environment) -> Option<FirstLine> {
        match self {
            Target::Program(program, ..) => program.unexamined_line(environment),
            Target::Socket(_) | Target::Room(_) => None,
        }
    }
}
