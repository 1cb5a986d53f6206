//! A start under way, which whoever asked for it can break off.
//!
//! # How it works
//! The thread that starts a process stands still until that is executed, and only another one can end the
//! process meanwhile: execve(2) may wait for a lease, or for a disk that is gone. The kernel stores the child's
//! pidfd before the child runs, and the child looks whether it is still wanted before it executes. So who says
//! that it is not and then finds no pidfd knows that the child will see it; with a pidfd the child is killed.
#![allow(unsafe_code, reason = "the kernel says which descriptor it has made")]

use std::{
    os::fd::{BorrowedFd, FromRawFd, OwnedFd},
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
};

use libc::c_int;
use parking_lot::Mutex;
use rustix::process::{Signal, pidfd_send_signal};

/// No descriptor.
const NONE: c_int = -1;

/// One start.
#[derive(Debug)]
pub(in crate::backend::spawn) struct Attempt {
    is_aborted: AtomicBool,
    /// The child's, from clone(2) on.
    pidfd: AtomicI32,
    /// Whether the descriptor is somebody else's by now.
    is_over: Mutex<bool>,
}

impl Attempt {
    pub(super) fn new() -> Self {
        Attempt {
            is_aborted: AtomicBool::new(false),
            pidfd: AtomicI32::new(NONE),
            is_over: Mutex::new(false),
        }
    }

    /// Nobody waits for the process any more: it is not executed, or killed if it hangs there.
    pub(super) fn abort(&self) {
        self.is_aborted.store(true, Ordering::SeqCst);
        let is_over = self.is_over.lock();
        let pidfd = self.pidfd.load(Ordering::SeqCst);
        if !*is_over && pidfd != NONE {
            // SAFETY: the descriptor is closed by nobody before `end`, which waits for the lock.
            let pidfd = unsafe { BorrowedFd::borrow_raw(pidfd) };
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    /// Where the child looks.
    pub(super) fn is_aborted(&self) -> *const AtomicBool {
        &raw const self.is_aborted
    }

    /// Where the kernel stores the child's descriptor.
    pub(super) fn pidfd(&self) -> *mut c_int {
        self.pidfd.as_ptr()
    }

    /// The child has executed or ended, or was not made: its descriptor, if there is one, is the caller's. To be
    /// called once.
    pub(super) fn end(&self) -> Option<OwnedFd> {
        let mut is_over = self.is_over.lock();
        let pidfd = self.pidfd.load(Ordering::SeqCst);
        if std::mem::replace(&mut *is_over, true) || pidfd == NONE {
            return None;
        }
        // SAFETY: the kernel has made this descriptor for us, and it is handed out once.
        Some(unsafe { OwnedFd::from_raw_fd(pidfd) })
    }
}
