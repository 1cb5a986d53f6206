//! Which backend a route names, and how it is opened.

use std::io;

use super::{
    interface::{Backend, Environment},
    program::{Program, Streams},
    spawn::Spawner,
};

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
