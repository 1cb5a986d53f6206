//! A program to run: where it is, how it is called, and how its streams are framed.

use std::{
    ffi::{CString, OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use tokio::net::unix::pipe;
use tokio_util::codec::FramedWrite;

use super::{
    interface::{Backend, Environment},
    output,
    process::Process,
    process_attributes::ProcessAttributes,
    spawn::{Command, Spawner},
    stderr,
};
use crate::framing::{Codec, Framing};

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The file to execute: absolute, or relative to its working directory.
    pub file: PathBuf,
    /// The arguments as the program sees them, its own name (argv\[0\]) first.
    pub arguments: Vec<OsString>,
    /// Working directory; the gateway's if `None`.
    pub directory: Option<PathBuf>,
    /// As whom, and how much of the machine it may take.
    pub attributes: ProcessAttributes,
}

/// How a program's stdin, stdout and stderr are joined to a client.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// How messages are told apart.
    pub framing: Framing,
    /// Longest line or `length` message of its output, in bytes.
    pub max_line: usize,
    /// Sends a partial line once the output has been quiet for so long.
    pub flush_after: Option<Duration>,
    /// Where its stderr goes.
    pub errors: StderrTo,
}

/// A process that was started, with its pipes as they are.
#[derive(Debug)]
pub struct PipedProcess {
    /// Its stdin; dropping it gives end-of-file.
    pub input: pipe::Sender,
    /// Its stdout.
    pub output: pipe::Receiver,
    /// The process itself.
    pub process: Process,
}

impl PipedProcess {
    fn with_log(mut self, errors: pipe::Receiver) -> Self {
        self.process.set_stderr_task(stderr::log(errors));
        self
    }
}

/// Where a program's stderr goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StderrTo {
    /// To the log, line by line.
    Log,
    /// To the client: both streams' lines as `{"stream":"stdout"|"stderr","data":"…"}`.
    Client,
    /// To our own, as it is: whoever started us reads both.
    Inherit,
}

/// Input kept for a program that does not read, in bytes. Smaller means fewer bytes a system call and
/// pings unanswered sooner behind unread data; larger means more memory a session.
const INPUT_BUFFER: usize = 32 * 1024;

impl Program {
    /// Starts a process with plain pipes; its stderr goes to the log, under the span that is current.
    ///
    /// # Errors
    /// As [`Target::open`](super::target::Target::open).
    pub async fn start(
        &self,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<PipedProcess> {
        let (started, errors) = self.spawn(spawner, environment).await?;
        Ok(started.with_log(errors))
    }

    /// Starts a process whose streams carry messages.
    pub(super) async fn open(
        &self,
        streams: &Streams,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Backend> {
        let (mut started, errors) = self.spawn(spawner, environment).await?;
        let codec = || Codec::new(streams.framing, streams.max_line);
        let output = match streams.errors {
            StderrTo::Log => {
                started = started.with_log(errors);
                output::messages(started.output, codec(), streams.flush_after)
            }
            StderrTo::Inherit => {
                started.process.set_stderr_task(stderr::pass_on(errors));
                output::messages(started.output, codec(), streams.flush_after)
            }
            StderrTo::Client => output::wrapped(started.output, errors, codec, streams.flush_after),
        };
        // Nothing is reserved for a client that says nothing.
        let mut input = FramedWrite::with_capacity(started.input, codec(), 0);
        input.set_backpressure_boundary(INPUT_BUFFER);
        Ok(Backend {
            output,
            input: Box::pin(input),
            process: Some(started.process),
        })
    }

    /// Starts a process; its stderr is the second.
    async fn spawn(
        &self,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<(PipedProcess, pipe::Receiver)> {
        let child = spawner.spawn(self.command(environment)?).await;
        // The client is not told where programs lie; the log is.
        let child = child.inspect_err(|error| {
            tracing::error!("{} cannot be started: {error}", self.file.display());
        })?;
        let started = PipedProcess {
            input: pipe::Sender::from_owned_fd(child.stdin)?,
            output: pipe::Receiver::from_owned_fd(child.stdout)?,
            process: Process::new(child.process)?,
        };
        Ok((started, pipe::Receiver::from_owned_fd(child.stderr)?))
    }

    fn command(&self, environment: &Environment) -> io::Result<Command> {
        let variables = environment.iter().map(|(name, value)| {
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            variable
        });
        Ok(Command {
            file: c_string(self.file.as_os_str())?,
            arguments: self
                .arguments
                .iter()
                .map(|word| c_string(word))
                .collect::<Result<_, _>>()?,
            environment: variables
                .map(|word| c_string(&word))
                .collect::<Result<_, _>>()?,
            directory: match &self.directory {
                Some(directory) => Some(c_string(directory.as_os_str())?),
                None => None,
            },
            attributes: self.attributes.clone(),
        })
    }
}

/// The kernel's form of a word.
///
/// # Errors
/// `InvalidInput` for a word with a NUL byte.
fn c_string(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a NUL byte in an argument or a variable",
        )
    })
}
