//! What a client is joined to: a [`Target`] names it, a [`Backend`] is the live thing it opened.
//!
//! A backend is two streams of messages and, where it is a program, the [`Process`] behind them.
//! It knows nothing of HTTP or WebSocket.

mod confinement;
mod output;
pub mod process;
mod program;
mod spawn;
mod stderr;
mod stdio;

use std::{ffi::OsString, io, pin::Pin};

use futures_util::{Sink, Stream};

use crate::{framing::FramingError, message::Message};
pub use confinement::{Confinement, Credentials, Limit};
pub use process::{Patience, Process};
pub use program::{Errors, Program, Started, Streams};
pub use spawn::Spawner;
pub use stdio::{Failure, Stdio};

/// A program's output: its messages, and at most one error, which is the last item.
pub type Output = Pin<Box<dyn Stream<Item = Result<Message, FramingError>> + Send>>;

/// A program's input. Dropping it gives the program end-of-file.
pub type Input = Pin<Box<dyn Sink<Message, Error = FramingError> + Send>>;

/// The live thing behind a session.
pub struct Backend {
    /// What it says.
    pub output: Output,
    /// What it is told.
    pub input: Input,
    /// The process, where it is one.
    pub process: Option<Process>,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Backend")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// The meta-variables of one session: names and values of its program's environment.
pub type Environment = Vec<(OsString, OsString)>;

/// Which backend a client gets.
#[derive(Debug, Clone)]
pub enum Target {
    /// A program, one process a session.
    Program(Program, Streams),
}

impl Target {
    /// Opens the backend.
    ///
    /// # Errors
    /// The operating system's, when the program cannot be started: `EAGAIN`, `ENOMEM` and `EMFILE`
    /// pass with time, `ENOENT`, `EACCES` and `ENOEXEC` do not (execve(2)).
    pub async fn open(&self, spawner: &Spawner, environment: &Environment) -> io::Result<Backend> {
        match self {
            Target::Program(program, streams) => program.open(streams, spawner, environment).await,
        }
    }
}
