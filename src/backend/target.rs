//! Which backend a route names, and how it is opened.

use std::io;

use super::{
    interface::{Backend, Environment},
    program::{Program, StderrTo},
    spawn::Spawner,
    stream_options::StreamOptions,
};

/// Which backend a client gets.
#[derive(Debug, Clone)]
pub enum Target {
    /// A program, one process a session.
    Program(Program, StreamOptions, StderrTo),
}

/// What opening a backend takes at run time; one for all targets.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Starts processes.
    pub spawner: Spawner,
}

impl Target {
    /// Opens the backend. Cancel safe: yes; a process that was started meanwhile is killed.
    ///
    /// # Errors
    /// The operating system's, when the program cannot be started: `EAGAIN`, `ENOMEM` and `EMFILE`
    /// pass with time, `ENOENT`, `EACCES` and `ENOEXEC` do not (execve(2)).
    pub async fn open(
        &self,
        resources: &Resources,
        environment: &Environment,
    ) -> io::Result<Backend> {
        match self {
            Target::Program(program, streams, stderr) => {
                let spawner = &resources.spawner;
                program.open(streams, *stderr, spawner, environment).await
            }
        }
    }
}
