//! Exit statuses of children, which the kernel keeps only for who has not said that it does not want them.
#![allow(unsafe_code, reason = "sigaction(2) has no safe form")]

use std::ptr;

/// Undoes an inherited "ignore" of SIGCHLD, with which the kernel keeps no exit status (waitpid(2)). A
/// handler, which an embedding program may have, stays.
pub(super) fn keep_exit_statuses() {
    // SAFETY: zeros are a valid `sigaction`, of SIG_DFL; both pointers are to values of our own.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, ptr::null(), &raw mut action);
        if action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0 {
            let default: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGCHLD, &raw const default, ptr::null_mut());
        }
    }
}
