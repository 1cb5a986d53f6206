//! The leader of a process group: reaped once, and with it goes its group.

use std::{
    io,
    os::fd::{AsRawFd, RawFd},
    process::ExitStatus,
    thread,
};

use rustix::process::Signal;
use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::Handle,
};
use tracing::Instrument;

use super::{system::ProcessHandle, terminal_session::TerminalSession};

/// The leader of a process group, until it is reaped and after.
#[derive(Debug)]
pub(in crate::backend) struct Leader {
    handle: ProcessHandle,
    status: Option<ExitStatus>,
    /// The group was killed after its leader had gone: its number may be a stranger's by now.
    is_over: bool,
    /// It was dropped before it was over, and somebody else has what there was.
    is_cut_off: bool,
}

impl Leader {
    pub(super) fn new(handle: ProcessHandle) -> Self {
        Leader {
            handle,
            status: None,
            is_over: false,
            is_cut_off: false,
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

    /// Has a task end the session of a terminal that was cut off: to find who is in it, all processes are looked at, which
    /// is nothing for a thread that others wait for. The task is nobody's to await: with the runtime it is dropped, and
    /// what it has not done is done then and there. `false` where there is no session to be ended, or no such task.
    fn hand_over(&mut self) -> bool {
        let is_wanted = !self.is_over && !self.is_cut_off && self.session().is_some();
        let runtime = Handle::try_current().ok().filter(|_| is_wanted);
        let Some(runtime) = runtime else {
            return false;
        };
        let mut rest = Leader {
            handle: self.handle.take(),
            status: self.status,
            is_over: false,
            is_cut_off: true,
        };
        runtime.spawn(async move { rest.end_group().await }.in_current_span());
        true
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
        if self.hand_over() {
            return;
        }
        self.end_group_now();
        if self.reap().is_none() {
            self.handle.kill();
            // SIGKILL takes its time to arrive; nobody waits for it but this thread.
            let handle = self.handle.take();
            let _ = thread::Builder::new().spawn(move || handle.wait());
        }
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod tests {
    use super::*;
    use crate::backend::{
        process_attributes::ProcessAttributes,
        pty::{Pty, TerminalSize},
        spawn::{
            Spawner,
            command::{Child, Command},
        },
    };
    use std::{fs::File, future::pending, io::Read};
    use tokio::task::{spawn_blocking, yield_now};

    /// A shell with a terminal, which has another process there.
    async fn shell(spawner: &Spawner) -> Child<Leader> {
        let command = Command {
            file: c"/bin/sh".into(),
            arguments: vec![c"sh".into(), c"-c".into(), c"sleep 1000 & wait".into()],
            environment: vec![c"PATH=/bin:/usr/bin".into()],
            directory: None,
            place: None,
            attributes: ProcessAttributes::default(),
            pty: (
                Pty::Terminal { is_readonly: false },
                TerminalSize::default(),
            ),
        };
        spawner.spawn(command).await.expect("a shell")
    }

    /// Waits until nobody has the terminal any more (EIO, pty(7)).
    fn read_to_end(mut master: File) {
        let mut read = [0; 1024];
        while master.read(&mut read).is_ok_and(|length| length > 0) {}
    }

    #[tokio::test]
    async fn session_that_is_cut_off_is_ended_by_no_thread_that_others_wait_for() {
        let spawner = Spawner::start().expect("threads");
        let Child {
            process, streams, ..
        } = shell(&spawner).await;
        let session = process.session().expect("a terminal").clone();
        drop(process);
        assert!(!session.is_over());
        let master = File::from(streams.stdout);
        spawn_blocking(|| read_to_end(master))
            .await
            .expect("its end");
        while !session.is_over() {
            yield_now().await;
        }
    }

    #[test]
    fn session_that_is_cut_off_with_its_runtime_is_ended_at_once() {
        let spawner = Spawner::start().expect("threads");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let Child {
            process, streams, ..
        } = runtime.block_on(shell(&spawner));
        let session = process.session().expect("a terminal").clone();
        runtime.spawn(async move {
            let _process = process;
            pending::<()>().await;
        });
        runtime.block_on(yield_now());
        drop(runtime);
        assert!(session.is_over());
        read_to_end(File::from(streams.stdout));
    }
}
