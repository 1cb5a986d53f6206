//! A process by its pidfd, and its group: reaped and signalled without ever meeting a stranger.
#![allow(
    unsafe_code,
    reason = "signals to a group by descriptor have no safe form"
)]

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::process::ExitStatusExt,
    },
    process::ExitStatus,
    ptr,
};

use libc::{c_int, c_void};
use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_send_signal,
        test_kill_process_group, waitid,
    },
};

use super::{orphan_killer::Registration, terminal_session::TerminalSession};

/// Signals the whole group of the process that a pidfd names (pidfd_send_signal(2), Linux 6.9).
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

/// A wait status that says neither exited nor signalled (wait(2)).
const UNKNOWN_STATUS: c_int = 0x7f;

/// A process by number and by descriptor.
#[derive(Debug)]
pub(super) struct ProcessHandle {
    pid: Pid,
    /// `None` once taken.
    pidfd: Option<OwnedFd>,
    /// `None` once the group has ended.
    registration: Option<Registration>,
    /// Where it has a terminal.
    session: Option<TerminalSession>,
}

impl ProcessHandle {
    pub(super) fn new(pid: Pid, pidfd: OwnedFd) -> Self {
        ProcessHandle {
            pid,
            pidfd: Some(pidfd),
            registration: None,
            session: None,
        }
    }

    /// It leads the session of a terminal.
    pub(super) fn set_terminal(&mut self) {
        self.session = Some(TerminalSession::new(self.pid));
    }

    /// That session, if it is one.
    pub(super) fn session(&self) -> Option<&TerminalSession> {
        self.session.as_ref()
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Puts the group on the orphan killer's table.
    pub(super) fn register(&mut self, registration: Registration) {
        self.registration = Some(registration);
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Moves all that there is, the right to wait above all, out of a leader that is being dropped.
    pub(super) fn take(&mut self) -> ProcessHandle {
        ProcessHandle {
            pid: self.pid,
            pidfd: self.pidfd.take(),
            registration: self.registration.take(),
            session: self.session.take(),
        }
    }

    /// Takes the group off the orphan killer's table.
    pub(super) fn unregister(&mut self) {
        self.registration = None;
    }

    fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    fn reap(&self, options: WaitIdOptions) -> Option<ExitStatus> {
        let status = match waitid(
            WaitId::PidFd(self.pidfd()?),
            options | WaitIdOptions::EXITED,
        ) {
            Ok(status) => status?,
            // Somebody else has reaped it: it has ended, and nobody knows how.
            Err(Errno::CHILD) => return Some(ExitStatus::from_raw(UNKNOWN_STATUS)),
            Err(_) => return None,
        };
        // As wait(2) encodes it: the exit status in the second byte or the signal in the first.
        let raw = match status.terminating_signal() {
            Some(signal) => signal,
            None => status.exit_status().unwrap_or_default() << 8,
        };
        Some(ExitStatus::from_raw(raw))
    }

    /// Reaps it if it has exited; the leader of a terminal's session not before that is over, whose number it keeps.
    pub(super) fn try_wait(&self) -> Option<ExitStatus> {
        let is_kept = self.session().is_some_and(|session| !session.is_over());
        match is_kept {
            true => self.reap(WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT),
            false => self.reap(WaitIdOptions::NOHANG),
        }
    }

    /// Blocks until it has exited, and reaps it.
    pub(super) fn wait(&self) {
        while let Some(pidfd) = self.pidfd() {
            match waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                _ => return,
            }
        }
    }

    /// Kills the leader alone: one that has no group of its own yet.
    pub(super) fn kill(&self) {
        if let Some(pidfd) = self.pidfd() {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    /// Signals the group. After the leader was reaped only the descriptor still names it beyond
    /// doubt; where the kernel cannot signal a group by it, the number is used: it stays taken for
    /// as long as the group has a member (setsid(2), credentials(7)).
    pub(super) fn signal_group(&self, signal: Signal) {
        let Some(pidfd) = self.pidfd() else {
            return;
        };
        let sent = signal_group(pidfd, signal.as_raw());
        if sent.is_err_and(|error| error != Errno::SRCH) {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Whether nobody is left of the group.
    pub(super) fn is_group_empty(&self) -> bool {
        let looked = self
            .pidfd()
            .map_or(Err(Errno::SRCH), |pidfd| signal_group(pidfd, 0));
        match looked {
            Err(Errno::INVAL | Errno::NOSYS | Errno::PERM) => {
                test_kill_process_group(self.pid) == Err(Errno::SRCH)
            }
            looked => looked == Err(Errno::SRCH),
        }
    }
}

/// Sends a signal, or with 0 none, to the group that a pidfd names.
///
/// # Errors
/// ESRCH: the group is empty. Else the kernel does not know the flag (before 6.9) or a sandbox forbids the call.
fn signal_group(pidfd: BorrowedFd<'_>, signal: c_int) -> Result<(), Errno> {
    // SAFETY: plain integers and a null pointer, as pidfd_send_signal(2) takes them.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            ptr::null::<c_void>(),
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    match sent {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}

impl AsRawFd for ProcessHandle {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }
}
