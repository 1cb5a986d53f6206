//! Which backend a route names, and how it is opened.

use std::io;

use super::{
    interface::{Backend, Environment},
    program::{Program, StderrTo},
    script::FirstLine,
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

    /// The first line of a program that nobody has looked into at the start: see [`Program::unexamined_line`].
    pub fn unexamined_line(&self, environment: &Environment) -> Option<FirstLine> {
        match self {
            Target::Program(program, ..) => program.unexamined_line(environment),
        }
    }
}
