//! What every backend is, whatever lies behind it.

use std::{convert::Infallible, ffi::OsString, pin::Pin, process::ExitStatus, sync::Arc};

use futures_util::{Sink, SinkExt, Stream, future, sink, stream};

use super::{error::BackendError, group::MemberId, process::Process, stdin::Intake};
use crate::{
    message::{Close, Message, Shared},
    wire::Wire,
};

/// What a backend says at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// To this client alone.
    Own(Message),
    /// To many.
    Shared(Arc<Shared>),
}

impl Said {
    /// The message.
    pub fn message(&self) -> &Message {
        match self {
            Said::Own(message) => message,
            Said::Shared(shared) => shared.message(),
        }
    }
}

/// What a backend says: messages, and at most one error, which is the last item.
///
/// The end of the stream is an orderly end: the session ends with the exit status of the process, when it
/// has ended too, and as 1000 where there is none. [`BackendError::Closed`] and [`BackendError::Failed`] end it
/// with their own close.
pub type Output = Pin<Box<dyn Stream<Item = Result<Said, BackendError>> + Send>>;

/// What a backend is told.
///
/// *Closing* the sink is the end of the input: what it holds is delivered, and then the backend is told that
/// no more comes, each kind in its own way. A pipe is closed, since its reader gets end-of-file by nothing
/// else. *Dropping* it says the same at once, and loses what is not delivered. To close it again is no error.
///
/// [`BackendError::Framing`] and [`BackendError::Refused`] refuse the one message. Any other error means that it takes
/// no more: the session goes on, and why it is to end, if it is, comes from the output.
pub type Input = Pin<Box<dyn Sink<Inbound, Error = BackendError> + Send>>;

/// What a backend can be told; what a client can be is `transport::Outbound`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A message of the client.
    Message(Message),
    /// The client has gone, and what it sent before has yet to come. Most backends need not know.
    Departed,
    /// The server stops, or the session's time is over: its end comes behind this. Most backends need not know.
    Stopping,
    /// How the client has gone (1005: without a code, 1006: without a Close); the last item. Most backends have
    /// nobody to tell.
    Close(Close),
}

/// The live thing behind a session.
pub struct Backend {
    /// What it says.
    pub output: Output,
    /// What it is told.
    pub input: Input,
    /// Whether it is told more when it has said all.
    pub after_output: AfterOutput,
    /// The process, where it is one.
    pub process: Option<Process>,
    /// What a client is told of how that has ended, before its Close, where it is told by a message too.
    pub farewell: Option<Farewell>,
    /// How much it has taken, where it is a connection of this session alone, which ends with it. Without this and
    /// a process it may serve another session, and is not read on at the end.
    pub connection: Option<Intake>,
    /// What ends the session at once, whether its client takes something or not, where there is such a thing.
    pub cut: Option<Cut>,
    /// What is given the client's wire, where it may be written to beside the session.
    pub attach: Option<Attach>,
    /// Its number in its group, where it is one of many.
    pub member: Option<MemberId>,
}

/// Makes the last message of an exit status.
pub type Farewell = fn(ExitStatus) -> Option<Message>;

/// Takes a client's wire, before the output is asked for the first time.
pub type Attach = Box<dyn FnOnce(Wire) + Send>;

/// Ready when a session is to end at once, with what the client is told.
pub type Cut = Pin<Box<dyn Future<Output = Close> + Send>>;

impl Backend {
    /// Stands for one that cannot be opened as the client asks: it ends the session at once.
    pub fn closed(close: Close) -> Self {
        Backend {
            output: Box::pin(stream::pending()),
            input: Box::pin(sink::drain().sink_map_err(|never: Infallible| match never {})),
            process: None,
            farewell: None,
            attach: None,
            after_output: AfterOutput::EndInput,
            connection: None,
            cut: Some(Box::pin(future::ready(close))),
            member: None,
        }
    }

    /// Whether it is this session's alone: nobody needs what it still says when the client has gone.
    pub fn is_own(&self) -> bool {
        self.process.is_some() || self.connection.is_some()
    }
}

/// What becomes of a backend's input when its output has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterOutput {
    /// It ends too: the process has ended, or takes nothing more.
    EndInput,
    /// It takes all that comes before the client's Close.
    KeepInput,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Backend")
            .field("after_output", &self.after_output)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// The meta-variables of one session: names and values of its program's environment.
pub type Environment = Vec<(OsString, OsString)>;
