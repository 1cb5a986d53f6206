//! Systems without clone(2) and pidfds: std's `Command` in a process group of its own, and a thread a
//! process that waits for it. Programs are not killed when the gateway is, and a start may fork.

use std::{
    ffi::{CString, OsStr},
    io,
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, process::CommandExt},
    },
    process::{self, ExitStatus},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use rustix::{
    io::Errno,
    process::{Pid, Rlimit, Signal, kill_process_group, test_kill_process_group},
};

use super::{
    before_exec::BeforeExec,
    command::{Child, Command},
    exit_statuses::keep_exit_statuses,
    pipe::pipe,
    streams::ProgramStreams,
    terminal_session::TerminalSession,
};
use crate::backend::pty::Pty;

/// What all threads of the spawner have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// Held from the making of a program's pipes until it has its own. On macOS a pipe is not made close-on-exec but
    /// becomes it: a program that starts in between would have the other's pipe for good, which then never ends.
    starting: Mutex<()>,
}

impl Common {
    /// The limit of open files stays as the gateway has it.
    pub(super) fn new(_files: Rlimit) -> io::Result<Self> {
        keep_exit_statuses();
        Ok(Common {
            starting: Mutex::new(()),
        })
    }
}

/// A start under way, which cannot be broken off.
#[derive(Debug)]
pub(super) struct Attempt;

impl Attempt {
    pub(super) fn new() -> Self {
        Attempt
    }

    /// What comes of it is killed when it is there.
    pub(super) fn abort(&self) {}
}

/// Starts processes with std.
pub(super) struct System(Arc<Common>);

impl System {
    /// For one thread.
    pub(super) fn new(common: &Arc<Common>) -> io::Result<Self> {
        Ok(System(Arc::clone(common)))
    }

    /// There is nothing to prepare.
    pub(super) fn block_signals(&mut self) {}

    /// See `Spawner::spawn`.
    pub(super) fn spawn(
        &mut self,
        command: &Command,
        _attempt: &Attempt,
    ) -> io::Result<Child<ProcessHandle>> {
        let (pty, _) = command.pty;
        let starting = cfg!(target_vendor = "apple").then(|| self.0.starting.lock());
        let (ours, theirs) = ProgramStreams::open(command.pty)?;
        if let Some(credentials) = &command.attributes.credentials {
            theirs.give(pty, credentials)?;
        }
        let mut prepared = prepare(command);
        let [stdin, stdout, stderr] = theirs.ends();
        prepared.stdin(stdin.try_clone()?);
        prepared.stdout(stdout.try_clone()?);
        prepared.stderr(stderr.try_clone()?);
        if pty == Pty::None {
            prepared.process_group(0);
        }
        BeforeExec::of(command).add_to(&mut prepared);
        // What it holds of the ends is closed with it.
        let child = prepared.spawn()?;
        drop((prepared, theirs, starting));
        let mut process = ProcessHandle::new(child)?;
        if pty.is_controlling() {
            process.session = Some(TerminalSession::new(process.pid));
        }
        Ok(Child {
            process,
            streams: ours,
            exec_error: None,
        })
    }
}

fn prepare(command: &Command) -> process::Command {
    let word = |word: &CString| OsStr::from_bytes(word.as_bytes()).to_owned();
    let file = match &command.place {
        Some((_, file)) => file,
        None => &command.file,
    };
    let mut prepared = process::Command::new(word(file));
    let mut arguments = command.arguments.iter().map(word);
    if let Some(name) = arguments.next() {
        prepared.arg0(name);
    }
    prepared.args(arguments).env_clear();
    for variable in &command.environment {
        let mut halves = variable.as_bytes().splitn(2, |byte| *byte == b'=');
        let mut half = || OsStr::from_bytes(halves.next().unwrap_or_default());
        prepared.env(half(), half());
    }
    if let (Some(directory), None) = (&command.directory, &command.place) {
        prepared.current_dir(word(directory));
    }
    prepared
}

/// A process by number; `exited` becomes readable when its waiter has reaped it.
#[derive(Debug)]
pub(super) struct ProcessHandle {
    pid: Pid,
    exited: Option<OwnedFd>,
    status: Arc<Mutex<Option<ExitStatus>>>,
    /// Where it has a terminal.
    session: Option<TerminalSession>,
}

impl ProcessHandle {
    fn new(mut child: process::Child) -> io::Result<Self> {
        let (exited, waiter) = pipe()?;
        let status = Arc::new(Mutex::new(None));
        let pid = Pid::from_child(&child);
        let found = Arc::clone(&status);
        thread::Builder::new()
            .name("waiter".to_owned())
            .spawn(move || {
                let ended = child.wait().ok();
                *found.lock() = ended;
                drop(waiter);
            })?;
        Ok(ProcessHandle {
            pid,
            exited: Some(exited),
            status,
            session: None,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn take(&mut self) -> ProcessHandle {
        ProcessHandle {
            pid: self.pid,
            exited: self.exited.take(),
            status: Arc::clone(&self.status),
            session: self.session.take(),
        }
    }

    /// The session that it leads, if that has a terminal.
    pub(super) fn session(&self) -> Option<&TerminalSession> {
        self.session.as_ref()
    }

    pub(super) fn try_wait(&self) -> Option<ExitStatus> {
        *self.status.lock()
    }

    /// The waiter reaps it.
    pub(super) fn wait(&self) {}

    /// Its group is its own from the start.
    pub(super) fn kill(&self) {}

    /// There is no orphan killer; only the session watches.
    pub(super) fn unregister(&mut self) {}

    /// Whether nobody is left of the group.
    pub(super) fn is_group_empty(&self) -> bool {
        test_kill_process_group(self.pid) == Err(Errno::SRCH)
    }

    /// Signals the group by its number, which stays taken for as long as the group has a member.
    pub(super) fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }
}

impl AsRawFd for ProcessHandle {
    fn as_raw_fd(&self) -> RawFd {
        self.exited.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }
}
