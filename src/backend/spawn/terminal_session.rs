//! The session of a terminal (setsid(2), credentials(7)): a shell there gives each of its jobs a process group of its
//! own, so a signal to the leader's group does not reach all.
//!
//! # How it works
//! Whoever is in the session has the number of its leader as session id (getsid(2)), which a census tells of all
//! processes that there are. The leader is not reaped before the session is over, so that this number cannot be a stranger's.
//! Who has made a session of its own, as daemons do, is none of it.

use std::sync::Arc;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal};

#[cfg(all(target_os = "linux", not(wsd_portable)))]
use linux::Members;
#[cfg(any(not(target_os = "linux"), wsd_portable))]
use portable::Members;

/// Rounds of SIGKILL, while there is somebody who was started meanwhile.
const ROUNDS: usize = 8;

/// A session whose leader has a terminal.
#[derive(Debug, Clone)]
pub(in crate::backend) struct TerminalSession(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    leader: Pid,
    is_hung_up: bool,
    /// The leader may be reaped: nobody is signalled any more.
    is_over: bool,
}

impl TerminalSession {
    pub(super) fn new(leader: Pid) -> Self {
        TerminalSession(Arc::new(Mutex::new(State {
            leader,
            is_hung_up: false,
            is_over: false,
        })))
    }

    /// Hangs up, once: SIGHUP, and SIGCONT so that who is stopped hears it, as the kernel does when a terminal is gone.
    /// Cancel safe: yes, whoever asks next does it then.
    pub(in crate::backend) async fn hang_up(&self) {
        if self.0.lock().is_hung_up {
            return;
        }
        let members = self.members().await;
        let mut state = self.0.lock();
        if !std::mem::replace(&mut state.is_hung_up, true) {
            state.send(&members, &[Signal::HUP, Signal::CONT]);
        }
    }

    /// Stops all of it.
    pub(in crate::backend) async fn pause(&self) {
        self.send(&[Signal::STOP]).await;
    }

    /// Has it go on, its leader last: who waits for others to stop finds them going.
    pub(in crate::backend) async fn resume(&self) {
        self.send(&[Signal::CONT]).await;
    }

    /// Sends signals to everybody in it, one after the other. Whether there was somebody beside its leader.
    pub(super) async fn send(&self, signals: &[Signal]) -> bool {
        let members = self.members().await;
        self.0.lock().send(&members, signals)
    }

    async fn members(&self) -> Members {
        let leader = self.0.lock().leader;
        Members::of(leader).await
    }

    /// Whether nobody is left but its leader, who has exited.
    pub(super) async fn is_empty(&self) -> bool {
        let is_over = self.0.lock().is_over;
        is_over || self.members().await.is_empty()
    }

    /// Kills who is left. Behind this nobody is signalled, and the leader may be reaped.
    pub(super) async fn end(&self) {
        for _ in 0..ROUNDS {
            if !self.send(&[Signal::KILL]).await {
                break;
            }
        }
        self.0.lock().is_over = true;
    }

    /// The same where nobody can wait for it.
    pub(super) fn end_now(&self) {
        let mut state = self.0.lock();
        for _ in 0..ROUNDS {
            if state.is_over || !Members::now_of(state.leader).signal(Signal::KILL) {
                break;
            }
        }
        state.is_over = true;
    }

    /// Whether it has been ended.
    #[cfg_attr(
        any(not(target_os = "linux"), wsd_portable),
        expect(dead_code, reason = "elsewhere the waiter reaps the leader")
    )]
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().is_over
    }
}

impl State {
    /// Whether there was somebody beside the leader to send it to.
    fn send(&self, members: &Members, signals: &[Signal]) -> bool {
        let send = |signal: &Signal| members.signal(*signal);
        !self.is_over && signals.iter().map(send).fold(false, |any, sent| any | sent)
    }
}

#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod linux {
    use std::os::fd::OwnedFd;

    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open,
        pidfd_send_signal, waitid,
    };

    use crate::backend::spawn::census::{Census, session_of};

    /// Who is in a session, by descriptors that are never a stranger's.
    pub(super) struct Members {
        leader: Pid,
        others: Vec<OwnedFd>,
    }

    impl Members {
        pub(super) async fn of(leader: Pid) -> Self {
            let census = Census::next().await;
            Members::by(&census, leader)
        }

        /// Without waiting for others who want to know.
        pub(super) fn now_of(leader: Pid) -> Self {
            Members::by(&Census::count(), leader)
        }

        fn by(census: &Census, leader: Pid) -> Self {
            let session = leader.as_raw_nonzero().get();
            let others = census.of(session).iter();
            let others = others
                .filter(|process| **process != session)
                .filter_map(|process| {
                    let member = pidfd_open(Pid::from_raw(*process)?, PidfdFlags::empty()).ok()?;
                    // The number may have become another's in between.
                    (session_of(*process) == Some(session)).then_some(member)
                })
                .collect();
            Members { leader, others }
        }

        /// Without the leader once it has exited.
        pub(super) fn is_empty(&self) -> bool {
            self.others.is_empty() && self.leader_has_exited()
        }

        fn leader_has_exited(&self) -> bool {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            !matches!(waitid(WaitId::Pid(self.leader), options), Ok(None))
        }

        /// Whether there was somebody beside the leader.
        pub(super) fn signal(&self, signal: Signal) -> bool {
            let sent = |member: &&OwnedFd| pidfd_send_signal(member, signal).is_ok();
            let others = self.others.iter().filter(sent).count();
            // Last: see `resume`.
            let _ = kill_process(self.leader, signal);
            others > 0
        }
    }
}

#[cfg(any(not(target_os = "linux"), wsd_portable))]
mod portable {
    use rustix::{
        io::Errno,
        process::{Pid, Signal, kill_process_group, test_kill_process_group},
    };

    /// The process group of a leader: of other groups nobody knows.
    pub(super) struct Members(Pid);

    impl Members {
        pub(super) async fn of(leader: Pid) -> Self {
            Members(leader)
        }

        pub(super) fn now_of(leader: Pid) -> Self {
            Members(leader)
        }

        pub(super) fn is_empty(&self) -> bool {
            test_kill_process_group(self.0) == Err(Errno::SRCH)
        }

        /// Whether there was somebody to be told another time.
        pub(super) fn signal(&self, signal: Signal) -> bool {
            let _ = kill_process_group(self.0, signal);
            false
        }
    }
}
