//! A program to run: where it is, how it is called, and how its streams are framed.

use std::{
    borrow::Cow,
    ffi::{CString, OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::Span;

use super::{
    input::framed_input,
    interface::{AfterOutput, Backend, Environment},
    process::Process,
    process_attributes::ProcessAttributes,
    pty::{self, Pty, TerminalSize},
    script::{FirstLine, ScriptError},
    spawn::{Command, Spawner},
    started::{FramedProcess, PipedProcess, Started, StderrTo},
    stderr::StderrCopy,
    stream_options::StreamOptions,
    unbuffer::Unbuffer,
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
    pub entry: Option<Box<DirectoryEntry>>,
    /// As whom, and how much of the machine it may take.
    pub attributes: ProcessAttributes,
    /// Which of its standard streams are a pty.
    pub pty: Pty,
    /// How large its terminal is at the start, where it has one.
    pub size: TerminalSize,
    /// What keeps it from holding back output, if anything does.
    pub unbuffer: Option<Arc<Unbuffer>>,
}

/// A directory, open, and an entry of it that is a file and no link.
#[derive(Debug, Clone)]
pub struct DirectoryEntry {
    /// The directory.
    pub directory: Arc<OwnedFd>,
    /// The entry's name.
    pub name: OsString,
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
                pty,
                ..
            } = program.clone();
            (file, arguments, directory, attributes, pty)
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
        let started = self.spawn(Pty::None, spawner, environment).await?;
        started.into_piped()
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
        let started = self.spawn(Pty::None, spawner, environment).await?;
        // Before its first line, which may be there already.
        Span::current().record("pid", started.process.id());
        started.into_logged()
    }

    /// Starts a process whose streams carry messages, and its stderr a copy, where it goes to the log.
    pub(super) async fn open(
        &self,
        streams: &StreamOptions,
        stderr: (StderrTo, Option<StderrCopy>),
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Backend> {
        if self.pty.is_controlling() {
            return self.open_terminal(streams, spawner, environment).await;
        }
        let opening = self.open_pipes(streams, stderr, spawner, environment);
        let FramedProcess {
            output,
            stdin,
            process,
        } = opening.await?;
        Ok(Backend {
            output,
            input: framed_input(stdin, streams),
            after_output: AfterOutput::EndInput,
            process: Some(process),
            farewell: None,
            connection: None,
            cut: None,
            attach: None,
            member: None,
        })
    }

    /// Starts a process whose stdin is a pipe, and whose stdout carries messages.
    pub(super) async fn open_pipes(
        &self,
        streams: &StreamOptions,
        stderr: (StderrTo, Option<StderrCopy>),
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<FramedProcess> {
        let started = self.spawn(self.pty, spawner, environment).await?;
        started.into_framed(self.pty, streams, stderr)
    }

    /// Starts a process with a terminal.
    async fn open_terminal(
        &self,
        streams: &StreamOptions,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Backend> {
        let started = self.spawn(self.pty, spawner, environment).await?;
        let session = started.process.terminal_session().cloned();
        let started = pty::OnTerminal {
            session: session.ok_or_else(|| io::Error::other("no session"))?,
            process: started.process,
            master: started.streams.stdout,
            name: self.file.file_name(),
        };
        pty::open(self.pty, started, streams)
    }

    async fn spawn(
        &self,
        pty: Pty,
        spawner: &Spawner,
        environment: &Environment,
    ) -> io::Result<Started> {
        let child = match spawner.spawn(self.command(pty, environment)?).await {
            Ok(child) => child,
            Err(error) => return Err(self.explain(error, environment).await),
        };
        Ok(Started {
            process: Process::new(child.process)?,
            streams: child.streams,
        })
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

    /// Whether nobody has asked to have its output sent at once.
    pub fn may_hold_back_output(&self) -> bool {
        self.pty == Pty::None && self.unbuffer.is_none()
    }

    fn command(&self, pty: Pty, environment: &Environment) -> io::Result<Command> {
        let mut environment = Cow::Borrowed(environment);
        if let Some(unbuffer) = &self.unbuffer {
            unbuffer.add_to(environment.to_mut());
        }
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
            pty: (pty, self.size),
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
