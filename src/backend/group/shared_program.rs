//! A shared program: what is started for a group, and its process with both streams.

use std::io;

use crate::backend::{
    interface::{Environment, Output},
    process::Process,
    program::Program,
    spawn::Spawner,
    started::{FramedProcess, StderrTo},
    stdin::Stdin,
    stream_options::StreamOptions,
};

/// A program that many clients have together.
#[derive(Debug, Clone)]
pub struct SharedProgram {
    /// What is run.
    pub program: Program,
    /// How its streams are framed.
    pub streams: StreamOptions,
    /// The whole of its environment, in which nothing is of one client.
    pub environment: Environment,
    /// What starts it.
    pub spawner: Spawner,
}

/// Its process, with its streams.
pub struct SharedProcess {
    pub(super) output: Output,
    pub(super) stdin: Stdin,
    pub(super) process: Process,
}

impl SharedProgram {
    /// Starts a process; its stderr goes to the log, under the span that is current. Cancel safe: yes; a process that
    /// was started meanwhile is killed.
    ///
    /// # Errors
    /// As [`Target::open`](crate::backend::Target::open).
    pub async fn start(&self) -> io::Result<SharedProcess> {
        let (spawner, environment) = (&self.spawner, &self.environment);
        let opening =
            self.program
                .open_pipes(&self.streams, (StderrTo::Log, None), spawner, environment);
        let FramedProcess {
            output,
            stdin,
            process,
        } = opening.await?;
        Ok(SharedProcess {
            output,
            stdin,
            process,
        })
    }
}

impl SharedProcess {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl std::fmt::Debug for SharedProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("SharedProcess");
        shown
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}
