//! Systems without clone(2) and pidfds: std's `Command` in a process group of its own, and a thread a
//! process that waits for it. Programs are not killed when the gateway is, and a start may fork.
#![allow(unsafe_code, reason = "what a child does before exec has no safe form")]

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
    pipe::{PipeFlags, pipe_with},
    process::{
        Pid, Rlimit, Signal, ioctl_tiocsctty, kill_process_group, setsid, test_kill_process_group,
    },
    stdio::stdin,
};

use super::{
    command::{Child, Command},
    streams::ProgramStreams,
    terminal_session::TerminalSession,
};
use crate::backend::{process_attributes::ProcessAttributes, pty::Pty};

/// What all threads of the spawner have in common: nothing.
#[derive(Debug)]
pub(super) struct Common;

impl Common {
    /// The limit of open files stays as the gateway has it.
    pub(super) fn new(_files: Rlimit) -> io::Result<Self> {
        Ok(Common)
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
pub(super) struct System;

impl System {
    /// For one thread.
    pub(super) fn new(_common: &Arc<Common>) -> io::Result<Self> {
        Ok(System)
    }

    /// There is nothing to prepare.
    pub(super) fn block_signals(&mut self) {}

    /// See `Spawner::spawn`.
    pub(super) fn spawn(
        &mut self,
        command: &Command,
        _attempt: &Attempt,
    ) -> io::Result<Child<ProcessHandle>> {
        if command.attributes != ProcessAttributes::default() {
            let reason = "users and resource limits need Linux";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        let (pty, _) = command.pty;
        let (ours, theirs) = ProgramStreams::open(command.pty)?;
        let mut prepared = prepare(command);
        let [stdin, stdout, stderr] = theirs.ends();
        prepared.stdin(stdin.try_clone()?);
        prepared.stdout(stdout.try_clone()?);
        prepared.stderr(stderr.try_clone()?);
        match pty {
            Pty::None => {
                prepared.process_group(0);
            }
            pty => lead_session(&mut prepared, pty.is_controlling()),
        }
        // What it holds of the ends is closed with it.
        let child = prepared.spawn()?;
        drop((prepared, theirs));
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
    let mut prepared = process::Command::new(word(&command.file));
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
    if let Some(directory) = &command.directory {
        prepared.current_dir(word(directory));
    }
    prepared
}

/// Has the child make a session of its own, with its stdin as the controlling terminal if it is one.
fn lead_session(command: &mut process::Command, has_terminal: bool) {
    let lead = move || -> io::Result<()> {
        setsid()?;
        match has_terminal {
            true => Ok(ioctl_tiocsctty(stdin())?),
            false => Ok(()),
        }
    };
    // SAFETY: between fork and exec there are two system calls, which allocate nothing.
    unsafe { command.pre_exec(lead) };
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
        let (exited, waiter) = pipe_with(PipeFlags::CLOEXEC)?;
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
