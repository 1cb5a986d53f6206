//! Starting a process without forking the gateway, on threads that outlive every process.
//!
//! # How it works
//! A [`Spawner`] owns a pool of threads, which start all processes; it grows while all of them wait for
//! execve(2). They must not end before the gateway does: the kernel sends the parent-death signal when the *thread* that spawned ends
//! (prctl(2), `PR_SET_PDEATHSIG`), and a thread of the runtime may. They end when the last
//! [`Spawner`] is dropped; every process that is still there is then killed. On Linux a second process,
//! the orphan killer, ends what those have started in turn.

#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod attempt;
#[cfg(any(not(target_os = "linux"), wsd_portable))]
mod before_exec;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod census;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod child;
mod command;
mod exit_statuses;
mod leader;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod orphan_killer;
mod pace;
mod pipe;
mod pool;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod process_handle;
mod requests;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod reserved_fds;
mod spawner;
mod streams;
// `--cfg wsd_portable` compiles on Linux what other systems have, here and elsewhere, which is how that is tested.
#[cfg_attr(all(target_os = "linux", not(wsd_portable)), path = "linux.rs")]
#[cfg_attr(any(not(target_os = "linux"), wsd_portable), path = "portable.rs")]
mod system;
mod terminal_session;
mod working_directory;

pub(super) use command::Command;
pub(super) use leader::Leader;
pub use spawner::Spawner;
pub(super) use streams::OurStreams;
pub(super) use terminal_session::TerminalSession;
