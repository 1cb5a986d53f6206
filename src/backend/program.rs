//! A program to run: where it is, how it is called, and how its streams are framed.

use std::{
    ffi::{CString, OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::unix::pipe;
use tracing::Span;

use super::{
    input::framed_input,
    interface::{AfterOutput, Backend, Environment},
    output::{self, framed_output},
    process::Process,
    process_attributes::ProcessAttributes,
    script::{FirstLine, ScriptError},
    spawn::{Command, Spawner},
    stderr::{self, Logged},
    stdin::Stdin,
    stream_options::StreamOptions,
};

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The file to execute: absolute, or relative to its working directory.
    pub file: PathBuf,
    /// The arguments as the program sees them, its own name (argv\[0\]) first.
    pub arguments: Vec<OsString>,
    /// Working directory; the gateway's if `None`.
    pub directory: Option<PathBuf>,
    /// Where the file was found; it is executed there and nowhere else, whatever its path leads to by now.
    pub entry: Option<DirectoryEntry>,
    /// As whom, and how much of the machine it may take.
    pub attributes: ProcessAttributes,
}

/// A directory, open, and an entry of it that is a file and no link.
#[derive(Debug, Clone)]
pub struct DirectoryEntry {
    /// The directory.
    pub directory: Arc<OwnedFd>,
    /// The entry's name.
    pub name: OsString,
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
    /// To the client, both streams' lines as `{"stream":"stdout"|"stderr","data":"…"}`; and to the log.
    Client,
    /// To our own, as it is: one reader has both.
    Inherit,
}

impl Program {
    /// Whether another is the same file, called the same way with the same rights.
    pub fn is_same(&self, other: &Program) -> bool {
        let parts = |program: &Program| {
            let Program {
                file,
                arguments,
                directory,
                attributes,
                ..
            } = program.clone();
            (file, arguments, directory, attributes)
        };
        parts(self) == parts(other)
    }

    /// Starts a process with plain pipes; its stderr goes to the log, under the span that is current.
    /// Cancel safe: yes; a process that was started meanwhile is killed.
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

    /// Starts a process that is joined to nobody: its stdin is at its end, its stdout and stderr go to the log, under
    /// the span that is current, whose `pid` it becomes. Cancel safe: as [`Program::start`].
    ///
    /// # Errors
    /// As [`Target::open`](super::target::Target::open).
    pub(super) async fn start_alone(
        &self,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Process> {
        let (started, errors) = self.spawn(spawner, environment).await?;
        let mut process = started.process;
        // Before its first line, which may be there already.
        Span::current().record("pid", process.id());
        process.set_stderr_task(stderr::log_both(started.output, errors));
        Ok(process)
    }

    /// Starts a process whose streams carry messages.
    pub(super) async fn open(
        &self,
        streams: &StreamOptions,
        stderr_to: StderrTo,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Backend> {
        let (mut started, errors) = self.spawn(spawner, environment).await?;
        let output = match stderr_to {
            StderrTo::Log => {
                started = started.with_log(errors);
                framed_output(started.output, streams)
            }
            StderrTo::Inherit => {
                started.process.set_stderr_task(stderr::pass_on(errors));
                framed_output(started.output, streams)
            }
            StderrTo::Client => output::wrapped(started.output, Logged::new(errors), streams),
        };
        let stdin = Stdin::new(started.input);
        started.process.set_intake(stdin.intake().clone());
        Ok(Backend {
            output,
            input: framed_input(stdin, streams),
            after_output: AfterOutput::EndInput,
            process: Some(started.process),
            connection: None,
            cut: None,
            attach: None,
            member: None,
        })
    }

    /// Starts a process; its stderr is the second.
    async fn spawn(
        &self,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<(PipedProcess, pipe::Receiver)> {
        let child = match spawner.spawn(self.command(environment)?).await {
            Ok(child) => child,
            Err(error) => return Err(self.explain(error, environment).await),
        };
        let started = PipedProcess {
            input: pipe::Sender::from_owned_fd(child.stdin)?,
            output: pipe::Receiver::from_owned_fd(child.stdout)?,
            process: Process::new(child.process)?,
        };
        Ok((started, pipe::Receiver::from_owned_fd(child.stderr)?))
    }

    /// Says why it cannot be started: in the log, for the client is not told where programs lie.
    async fn explain(&self, error: io::Error, environment: &Environment) -> io::Error {
        let file = self.file.display();
        let Some(script) = self.script_error(&error, environment).await else {
            tracing::error!("{file} cannot be started: {error}");
            return error;
        };
        tracing::error!("{file} cannot be started: {error}: {}", script.words());
        io::Error::new(error.kind(), script)
    }

    /// What a script's first line has to do with an error.
    async fn script_error(
        &self,
        error: &io::Error,
        environment: &Environment,
    ) -> Option<ScriptError> {
        let number = error
            .raw_os_error()
            .filter(|number| [libc::ENOENT, libc::ENOEXEC, libc::EACCES].contains(number))?;
        self.first_line(environment)
            .fault_behind_error(number)
            .await
    }

    /// Its first line, if it turns out to be a script.
    fn first_line(&self, environment: &Environment) -> FirstLine {
        let mut variables = environment.iter();
        FirstLine {
            file: self.file.clone(),
            directory: self.directory.clone(),
            path: variables.find_map(|(name, value)| (name == "PATH").then(|| value.clone())),
        }
    }

    /// The same, of a program that was found beneath a directory: nobody has looked into it at the start.
    pub fn unexamined_line(&self, environment: &Environment) -> Option<FirstLine> {
        self.entry.as_ref().map(|_| self.first_line(environment))
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
            place: match &self.entry {
                Some(entry) => Some(entry.command()?),
                None => None,
            },
            attributes: self.attributes.clone(),
        })
    }
}

impl DirectoryEntry {
    /// What is executed once the directory is the working directory.
    fn command(&self) -> io::Result<(Arc<OwnedFd>, CString)> {
        let file = Path::new(".").join(&self.name);
        Ok((Arc::clone(&self.directory), c_string(file.as_os_str())?))
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
