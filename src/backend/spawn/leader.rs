//! The leader of a process group: reaped once, and with it goes its group.

use std::{
    io,
    os::fd::{AsRawFd, RawFd},
    process::ExitStatus,
    thread,
};

use rustix::process::Signal;
use tokio::io::{Interest, unix::AsyncFd};

use super::{system::ProcessHandle, terminal_session::TerminalSession};

/// The leader of a process group, until it is reaped and after.
#[derive(Debug)]
pub(in crate::backend) struct Leader {
    handle: ProcessHandle,
    status: Option<ExitStatus>,
    /// The group was killed after its leader had gone: its number may be a stranger's by now.
    is_over: bool,
}

impl Leader {
    pub(super) fn new(handle: ProcessHandle) -> Self {
        Leader {
            handle,
            status: None,
            is_over: false,
        }
    }

    /// The process id.
    pub(in crate::backend) fn id(&self) -> u32 {
        self.handle.id()
    }

    /// The exit status, once reaped.
    pub(in crate::backend) fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// Reaps the leader if it has exited.
    pub(in crate::backend) fn reap(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.handle.try_wait();
        }
        self.status
    }

    /// Makes its exit an event of the runtime: readable once it has exited.
    ///
    /// # Errors
    /// When the runtime can watch no more descriptors; the process is killed then.
    #[allow(
        unsafe_code,
        reason = "the descriptor must stay the same, which only we can know"
    )]
    pub(in crate::backend) fn watch(self) -> io::Result<AsyncFd<Leader>> {
        // SAFETY: the descriptor is owned by the leader, never replaced, and taken out of it only in
        // its drop, when it is registered no more.
        let watched = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) };
        Ok(watched?)
    }

    /// The session that it leads, if that has a terminal.
    pub(in crate::backend) fn session(&self) -> Option<&TerminalSession> {
        self.handle.session()
    }

    /// Sends a signal to every member of the group, of a terminal's session to all of that; nobody there is no error.
    pub(in crate::backend) async fn signal_group(&self, signal: Signal) {
        match self.session() {
            Some(session) => {
                session.send(&[signal]).await;
            }
            None => self.handle.signal_group(signal),
        }
    }

    /// Whether nobody is left of the group, or the session.
    pub(in crate::backend) async fn is_group_empty(&self) -> bool {
        self.is_over
            || match self.session() {
                Some(session) => session.is_empty().await,
                None => self.handle.is_group_empty(),
            }
    }

    /// Kills what is left of the group, or the session, whether its leader is still there or not. Cancel safe: yes, it
    /// would begin anew.
    pub(in crate::backend) async fn end_group(&mut self) {
        if let (false, Some(session)) = (self.is_over, self.session()) {
            session.end().await;
        }
        self.end_group_now();
    }

    fn end_group_now(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        match self.session() {
            Some(session) => {
                session.end_now();
                if self.status.is_some() {
                    // It was kept so that its number stays its own.
                    let _ = self.handle.try_wait();
                }
            }
            None => self.handle.signal_group(Signal::KILL),
        }
        self.handle.unregister();
    }
}

impl AsRawFd for Leader {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_raw_fd()
    }
}

impl Drop for Leader {
    /// The way out of a session that was cut off. One that has ended has an empty group by now.
    fn drop(&mut self) {
        self.end_group_now();
        if self.reap().is_none() {
            self.handle.kill();
            // SIGKILL takes its time to arrive; nobody waits for it but this thread.
            let handle = self.handle.take();
            let _ = thread::Builder::new().spawn(move || handle.wait());
        }
    }
}
