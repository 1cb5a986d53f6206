//! Exit statuses of children, which the kernel keeps only for who has not said that it does not want them, and the
//! signal that tells of them.
#![allow(unsafe_code, reason = "sigaction(2) has no safe form")]

use std::ptr;

/// Undoes an inherited "ignore" of SIGCHLD, with which the kernel keeps no exit status (waitpid(2)). A
/// handler, which an embedding program may have, stays.
pub(super) fn keep_exit_statuses() {
    let action = sigchld();
    if action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0 {
        // SAFETY: zeros are a valid `sigaction`, of SIG_DFL; the pointer is to a value of our own.
        unsafe {
            let default: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGCHLD, &raw const default, ptr::null_mut());
        }
    }
}

/// Whether SIGCHLD has a handler, an embedding program's.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
pub(super) fn is_handled() -> bool {
    !matches!(sigchld().sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
}

/// What becomes of SIGCHLD.
fn sigchld() -> libc::sigaction {
    // SAFETY: zeros are a valid `sigaction`; the pointer is to a value of our own.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, ptr::null(), &raw mut action);
        action
    }
}
