//! A running process, told truthfully: its exit, its group, and how it is brought to an end.
//!
//! The leader is reaped as soon as it exits. Signals always go to the whole process group. When a
//! [`Process`] is dropped before it has ended, whatever the reason, the group is killed: no program
//! outlives its session.

use std::{
    future::poll_fn,
    io,
    process::ExitStatus,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    io::unix::AsyncFd,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    pty::Window,
    spawn::{Leader, TerminalSession},
    stdin::Intake,
};

/// How long a process may take for each step of the termination ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TerminationTimeouts {
    /// From end-of-file on its input to SIGINT.
    pub eof: Duration,
    /// From SIGINT to SIGTERM.
    pub interrupt: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
    /// How long a program that reads may take nothing of what it was sent before the end of its client makes its
    /// first step begin; `None` treats it as one that was sent nothing.
    pub finish: Option<Duration>,
}

impl TerminationTimeouts {
    /// All three steps of the ladder together.
    pub fn total(&self) -> Duration {
        self.eof + self.interrupt + self.terminate
    }
}

/// What is left of a group when its leader has exited gets so long to leave it: a job that a shell has just put in the
/// background has yet to make a session of its own (setsid(1)). Shorter would kill it on a busy machine, longer keeps
/// the client from the Close.
const LEAVING: Duration = Duration::from_millis(100);
/// Between two looks whether somebody is left.
const LOOK: Duration = Duration::from_millis(5);

/// How long the log of stderr may take after the group is dead. Only a process that left the group
/// can hold the pipe longer; shorter could lose a last line on a busy machine.
const STDERR_GRACE: Duration = Duration::from_millis(250);

/// The process of a session: a leader and its group.
#[derive(Debug)]
pub struct Process {
    leader: AsyncFd<Leader>,
    stderr: Option<JoinHandle<()>>,
    started: Instant,
    intake: Intake,
    window: Option<Window>,
    /// When the leader was reaped.
    exited: Option<Instant>,
}

impl Process {
    /// Watches a process that was just started.
    pub(super) fn new(leader: Leader) -> io::Result<Self> {
        Ok(Process {
            leader: leader.watch()?,
            stderr: None,
            started: Instant::now(),
            intake: Intake::default(),
            window: None,
            exited: None,
        })
    }

    /// Gives it the task that logs its complaints, to be awaited at its end.
    pub(super) fn set_stderr_task(&mut self, stderr: JoinHandle<()>) {
        self.stderr = Some(stderr);
    }

    /// Gives it what can be seen of its stdin.
    pub(super) fn set_intake(&mut self, intake: Intake) {
        self.intake = intake;
    }

    /// Gives it the window of its output, where it has one.
    pub(super) fn set_window(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// Whether its output is not read, since its client has yet to draw what it has.
    pub fn is_output_held(&self) -> bool {
        self.window.as_ref().is_some_and(Window::is_shut)
    }

    /// Nobody draws its output any more: it is read as it comes.
    pub fn release_output(&self) {
        if let Some(window) = &self.window {
            window.release();
        }
    }

    /// The session that it leads, if that has a terminal.
    pub(super) fn terminal_session(&self) -> Option<&TerminalSession> {
        self.leader.get_ref().session()
    }

    /// Whether it is hung up at its end, which has no end-of-file before it.
    pub fn has_terminal(&self) -> bool {
        self.terminal_session().is_some()
    }

    /// What can be seen of its stdin.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The process id of the leader, which is the group's too (setpgid(2)).
    pub fn id(&self) -> u32 {
        self.leader.get_ref().id()
    }

    /// Ready once the leader has exited; it is then reaped already. The answer stays.
    pub fn poll_exit(&mut self, context: &mut Context<'_>) -> Poll<ExitStatus> {
        if let Some(status) = self.leader.get_ref().status() {
            self.exited.get_or_insert_with(Instant::now);
            return Poll::Ready(status);
        }
        loop {
            let mut guard = match ready!(self.leader.poll_read_ready_mut(context)) {
                Ok(guard) => guard,
                // The runtime is going down; the drop kills what is left.
                Err(_) => return Poll::Pending,
            };
            match guard.get_inner_mut().reap() {
                Some(status) => {
                    self.exited.get_or_insert_with(Instant::now);
                    return Poll::Ready(status);
                }
                None => guard.clear_ready(),
            }
        }
    }

    /// Waits for the leader's exit. Cancel safe: yes.
    pub async fn exit(&mut self) -> ExitStatus {
        poll_fn(|context| self.poll_exit(context)).await
    }

    /// Waits for those who are about to leave the group of a leader that has exited. So many looks are made, and no
    /// clock is read: where everybody waits for a processor, each takes longer.
    async fn let_leave(&self) {
        let exited = self.exited.unwrap_or_else(Instant::now);
        if exited.elapsed() >= LEAVING {
            return;
        }
        for _ in 0..LEAVING.as_millis() / LOOK.as_millis() {
            if self.leader.get_ref().is_group_empty().await {
                return;
            }
            sleep(LOOK).await;
        }
    }

    /// Brings the process to an end: waits, then SIGINT, SIGTERM and SIGKILL to the group, a
    /// timeout each; what is left of the group 100 ms after the leader has exited is killed. The caller has
    /// closed the input before.
    ///
    /// One with a terminal is hung up at first, and all that goes to its session.
    ///
    /// Cancel safe: no, the ladder would begin anew; a process that is dropped then is killed.
    pub async fn end(&mut self, timeouts: &TerminationTimeouts) -> ExitStatus {
        let mut eof = timeouts.eof;
        if let Some(session) = self.terminal_session() {
            session.hang_up().await;
            eof = timeouts.interrupt;
        }
        let steps = [
            (eof, Signal::INT),
            (timeouts.interrupt, Signal::TERM),
            (timeouts.terminate, Signal::KILL),
        ];
        for (wait, signal) in steps {
            if timeout(wait, self.exit()).await.is_ok() {
                break;
            }
            self.leader.get_ref().signal_group(signal).await;
        }
        let status = self.exit().await;
        self.let_leave().await;
        self.leader.get_mut().end_group().await;
        if let Some(mut stderr) = self.stderr.take()
            && timeout(STDERR_GRACE, &mut stderr).await.is_err()
        {
            stderr.abort();
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(stderr) = &self.stderr {
            stderr.abort();
        }
    }
}
