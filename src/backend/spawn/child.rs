//! The child, from clone(2) to execve(2): code that is async-signal-safe (signal-safety(7)).
//!
//! It runs on the gateway's memory while the thread that started it is stopped, or on a copy of it. So it
//! must not allocate, lock, unwind or return, and makes system calls only, on values that were laid out
//! before it existed: its [`ExecSpec`].
#![allow(
    unsafe_code,
    reason = "what stands between clone and execve has no safe form"
)]

use std::{
    os::fd::RawFd,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use libc::{c_char, c_int, c_void};

use crate::backend::process_attributes::Credentials;

/// `_NSIG` of the kernel: signals 1 to 64.
const LAST_SIGNAL: c_int = 64;
/// Bytes of the kernel's signal set, as `rt_sigaction`(2) and `rt_sigprocmask`(2) take it.
const SIGNAL_SET: usize = 8;
/// All that the child needs, laid out before it exists. `error` is its answer: the child shares our
/// memory, and we go on only when it has executed or ended.
pub(super) struct ExecSpec {
    pub(super) file: *const c_char,
    /// The directory that has the file as an entry which is no link; negative if the path is all that is known.
    pub(super) place: RawFd,
    pub(super) arguments: *const *const c_char,
    pub(super) environment: *const *const c_char,
    pub(super) directory: *const c_char,
    pub(super) stdio: [RawFd; 3],
    /// Whether that is a terminal, and the controlling one of the session.
    pub(super) has_terminal: bool,
    pub(super) limits: *const ResourceLimit,
    pub(super) limit_count: usize,
    /// Null if they stay as they are.
    pub(super) credentials: *const Credentials,
    pub(super) gateway: c_int,
    /// Whether it leads a session of its own (setsid(2)), and not just a process group in the gateway's.
    pub(super) leads_session: bool,
    /// Whether nobody waits for it any more; a child with a copy of our memory never sees that.
    pub(super) is_aborted: *const AtomicBool,
    pub(super) error: c_int,
    /// Where the error goes of a child that has a copy of our memory; negative if it shares it.
    pub(super) error_pipe: RawFd,
    /// The child shares our table of descriptors and is to take those below for itself; 0 if its table is
    /// its own.
    pub(super) unshare_below: RawFd,
}

/// A resource, and its soft and hard limit, as prlimit(2) takes them.
pub(super) type ResourceLimit = (libc::c_long, [u64; 2]);

/// All of it, as clone(2) calls it.
pub(super) extern "C" fn run(spec: *mut c_void) -> c_int {
    // SAFETY: `clone_child` passes a `ExecSpec` that nobody else touches meanwhile.
    let spec = unsafe { &mut *spec.cast::<ExecSpec>() };
    // SAFETY: system calls on values laid out before the clone; see the head of this file.
    unsafe {
        spec.error = prepare_and_execute(spec);
        if spec.error_pipe >= 0 {
            let error = ptr::from_ref(&spec.error).cast();
            libc::write(spec.error_pipe, error, size_of::<c_int>());
        }
        libc::_exit(127)
    }
}

/// Returns only the error number of what failed.
unsafe fn prepare_and_execute(spec: &ExecSpec) -> c_int {
    // SAFETY: every pointer was made by `System::spawn` from live, NUL-terminated strings.
    unsafe {
        lead_group(spec.leads_session);
        // Before the descriptor is closed. Who may not search it finds no file in it later.
        if spec.place >= 0 && libc::fchdir(spec.place) < 0 {
            return errno();
        }
        if spec.unshare_below > 0 && !unshare_descriptors(spec.unshare_below) {
            return errno();
        }
        for (descriptor, end) in spec.stdio.iter().enumerate() {
            if libc::dup2(*end, descriptor as c_int) < 0 {
                return errno();
            }
        }
        if spec.has_terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
            return errno();
        }
        // Before a change of user, whose other processes may stop this one: it would hold what other starts
        // have open meanwhile.
        close_from(3, spec.error_pipe);
        let error = apply_attributes(spec);
        if error != 0 {
            return error;
        }
        // After a change of user, which takes the signal back (prctl(2)).
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != spec.gateway {
            // The gateway died before the line above: the signal will not come any more.
            return libc::ESRCH;
        }
        for signal in 1..=LAST_SIGNAL {
            default_action(signal);
        }
        if !spec.directory.is_null() && libc::chdir(spec.directory) < 0 {
            return errno();
        }
        let none = [0_u8; SIGNAL_SET];
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            none.as_ptr(),
            ptr::null::<c_void>(),
            SIGNAL_SET,
        );
        if (*spec.is_aborted).load(Ordering::SeqCst) {
            return libc::ECANCELED;
        }
        if spec.place >= 0 {
            let (file, link) = (spec.file, libc::AT_SYMLINK_NOFOLLOW);
            let (arguments, environment) = (spec.arguments, spec.environment);
            let here = libc::AT_FDCWD;
            libc::syscall(libc::SYS_execveat, here, file, arguments, environment, link);
        } else {
            libc::execve(spec.file, spec.arguments, spec.environment);
        }
        errno()
    }
}

/// Becomes the leader of a process group, and of a session where it is to have one.
unsafe fn lead_group(leads_session: bool) {
    // SAFETY: system calls without pointers.
    unsafe {
        match leads_session {
            true => libc::setsid(),
            false => libc::setpgid(0, 0),
        };
    }
}

/// Resource limits, while there is still the right to raise them; then groups and user, in this order,
/// for the user's change takes the right to change the others; and no way back by a set-user-ID file. By the system calls themselves: those of
/// the C library change every thread that it knows of, which are the gateway's (nptl(7)).
///
/// Returns the error number of what failed, or 0.
unsafe fn apply_attributes(spec: &ExecSpec) -> c_int {
    // SAFETY: `System::spawn` made both pointers of values that live until the child has executed.
    unsafe {
        for index in 0..spec.limit_count {
            let (resource, limit) = &*spec.limits.add(index);
            let old = ptr::null::<c_void>();
            if libc::syscall(libc::SYS_prlimit64, 0, *resource, limit.as_ptr(), old) < 0 {
                return errno();
            }
        }
        let Some(credentials) = spec.credentials.as_ref() else {
            return 0;
        };
        let Credentials {
            user,
            group,
            groups,
        } = credentials;
        let is_done = libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0
            && libc::syscall(libc::SYS_setresgid, *group, *group, *group) == 0
            && libc::syscall(libc::SYS_setresuid, *user, *user, *user) == 0
            && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
        if is_done { 0 } else { errno() }
    }
}

/// `SIG_DFL` by the system call itself: the C library hides two signals of its own from sigaction(2).
unsafe fn default_action(signal: c_int) {
    // The kernel's `struct sigaction`, larger than on any architecture; all zero is SIG_DFL.
    let action = [0_u64; 8];
    // SAFETY: `action` is valid for reads; SIGKILL and SIGSTOP are refused, which is no harm.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            action.as_ptr(),
            ptr::null::<c_void>(),
            SIGNAL_SET,
        );
    }
}

/// Whether `unshare_descriptors` is possible: its flag came with the call.
pub(super) fn can_unshare_descriptors() -> bool {
    // SAFETY: there is no descriptor of that number.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            libc::c_uint::MAX,
            libc::c_uint::MAX,
            0,
        ) == 0
    }
}

/// Leaves the table of descriptors that is shared, with those below `end` only. Until then the child must
/// open and close nothing.
unsafe fn unshare_descriptors(end: RawFd) -> bool {
    let flags = libc::CLOSE_RANGE_UNSHARE;
    // SAFETY: nothing in the child uses a descriptor from `end` on.
    unsafe { libc::syscall(libc::SYS_close_range, end, c_int::MAX, flags) == 0 }
}

/// Closes every descriptor from `first` on but `kept`, if that is one; one by one where close_range(2) is
/// missing (Linux 5.9). For a child whose table of descriptors is its own.
pub(super) unsafe fn close_from(first: c_int, kept: c_int) {
    /// More than any gateway opens.
    const LAST: c_int = 1 << 20;
    // SAFETY: nothing in the child uses a descriptor from `first` on.
    unsafe {
        let close = |first: c_int, last: c_int| {
            first > last || libc::syscall(libc::SYS_close_range, first, last, 0) == 0
        };
        let is_done = match kept < first {
            true => close(first, c_int::MAX),
            false => close(first, kept - 1) && close(kept + 1, c_int::MAX),
        };
        if !is_done {
            for descriptor in (first..LAST).filter(|descriptor| *descriptor != kept) {
                libc::close(descriptor);
            }
        }
    }
}

unsafe fn errno() -> c_int {
    // SAFETY: always a valid pointer; the child shares the spawner thread's errno, which sleeps.
    unsafe { *libc::__errno_location() }
}
