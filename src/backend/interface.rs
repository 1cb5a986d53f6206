//! What every backend is, whatever lies behind it.

use std::{ffi::OsString, pin::Pin};

use futures_util::{Sink, Stream};

use super::process::Process;
use crate::{framing::FramingError, message::Message};

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
