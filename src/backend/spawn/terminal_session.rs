//! The session of a terminal (setsid(2), credentials(7)): a shell there gives each of its jobs a process group of its
//! own, so a signal to the leader's group does not reach all.
//!
//! # How it works
//! Whoever is in the session has the number of its leader as session id (getsid(2)), which is asked of each process
//! that there is. The leader is not reaped before the session is over, so that this number cannot be a stranger's.
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
    pub(in crate::backend) fn hang_up(&self) {
        let mut state = self.0.lock();
        if !std::mem::replace(&mut state.is_hung_up, true) {
            state.signal(Signal::HUP);
            state.signal(Signal::CONT);
        }
    }

    /// Stops all of it.
    pub(in crate::backend) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Has it go on, its leader last: who waits for others to stop finds them going.
    pub(in crate::backend) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends a signal to everybody in it.
    pub(super) fn signal(&self, signal: Signal) {
        self.0.lock().signal(signal);
    }

    /// Whether nobody is left but its leader, who has exited.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.0.lock();
        state.is_over || Members::of(state.leader).is_empty()
    }

    /// Kills who is left. Behind this nobody is signalled, and the leader may be reaped.
    pub(super) fn end(&self) {
        let mut state = self.0.lock();
        for _ in 0..ROUNDS {
            if state.is_over || !state.signal(Signal::KILL) {
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
    /// Whether there was somebody to send it to.
    fn signal(&self, signal: Signal) -> bool {
        !self.is_over && Members::of(self.leader).signal(signal)
    }
}

#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod linux {
    use std::{fs, os::fd::OwnedFd};

    use nix::unistd::getsid;
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open,
        pidfd_send_signal, waitid,
    };

    /// Who is in a session, by descriptors that are never a stranger's.
    pub(super) struct Members {
        leader: Pid,
        others: Vec<OwnedFd>,
    }

    impl Members {
        pub(super) fn of(leader: Pid) -> Self {
            let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
            let pids = entries.filter_map(|entry| {
                let number: i32 = entry.file_name().to_str()?.parse().ok()?;
                Pid::from_raw(number)
            });
            let leader_id = leader.as_raw_nonzero().get();
            // nix's: that of a thread of the kernel is 0, which rustix's asserts that there is not.
            let is_in = |pid: Pid| {
                let pid = nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get());
                getsid(Some(pid)).is_ok_and(|session| session.as_raw() == leader_id)
            };
            let others = pids
                .filter(|pid| *pid != leader && is_in(*pid))
                .filter_map(|pid| {
                    let member = pidfd_open(pid, PidfdFlags::empty()).ok()?;
                    // The number may have become another's in between.
                    is_in(pid).then_some(member)
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
        pub(super) fn of(leader: Pid) -> Self {
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
