//! Process 1: in a container the gateway may have to be the one that reaps every orphan (POSIX hands a
//! process whose parent has gone to process 1, and Linux only to it).
//!
//! The gateway itself then runs as a child, so that reaping strangers can never reap a program whose
//! session waits for its exit status. Signals are passed on; the child's end is ours.

use std::{
    env,
    process::{self, ExitCode},
};

use anyhow::Result;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, wait};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};
use wsd::exit_status;

use super::runtime;

/// Whether this is process 1.
pub(crate) fn is_needed() -> bool {
    getpid().is_init()
}

/// Runs the same command line as a child, and reaps until it has ended.
///
/// # Errors
/// When the child cannot be started or signals cannot be caught.
pub(crate) fn run() -> Result<ExitCode> {
    let runtime = runtime::build(&mut Builder::new_current_thread())?;
    runtime.block_on(async {
        let mut child_signal = signal(SignalKind::child())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let child = process::Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            .spawn()?;
        let child = Pid::from_child(&child);
        loop {
            let passed_on = tokio::select! {
                _ = child_signal.recv() => None,
                _ = interrupt.recv() => Some(Signal::INT),
                _ = terminate.recv() => Some(Signal::TERM),
                _ = hangup.recv() => Some(Signal::HUP),
            };
            if let Some(signal) = passed_on {
                // It may have ended this very moment, which the next turn finds out.
                let _ = kill_process(child, signal);
            }
            if let Some(status) = reap_until(child) {
                return Ok(exit_code(status));
            }
        }
    })
}

/// Reaps all that have ended; returns how the child ended, if it did.
fn reap_until(child: Pid) -> Option<WaitStatus> {
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            return Some(status);
        }
    }
    None
}

fn exit_code(status: WaitStatus) -> ExitCode {
    let by_signal = || status.terminating_signal().map(exit_status::of_signal);
    let code = status
        .exit_status()
        .map(|code| code as u8)
        .or_else(by_signal);
    ExitCode::from(code.unwrap_or(exit_status::FAILURE))
}
