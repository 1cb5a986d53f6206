//! Linux: `clone`(2) with `CLONE_VM | CLONE_VFORK`, so that a start costs the same whatever memory the
//! gateway has, and a pidfd ([`ProcessHandle`]).
//!
//! A program that runs as another user is started on a copy of the memory: from the change of user to
//! execve, whoever else is that user may stop the child, and with `CLONE_VFORK` the gateway with it. Such
//! a child reports through a pipe what went wrong; the pipe ends when it has executed.
//!
//! What the child does, and by which rules, stands in [`child`]. All signals but one that has no handler are blocked on
//! the spawner's threads, so that no handler of the gateway runs in it.
#![allow(unsafe_code, reason = "clone has no safe form")]

use std::{
    ffi::CString,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
    ptr,
    sync::Arc,
};

use libc::{c_char, c_int, c_void};
use rustix::{
    fs::{Mode, OFlags},
    process::{self, Pid, Signal, WaitOptions, getpid, kill_process, waitpid},
};

pub(super) use super::{attempt::Attempt, process_handle::ProcessHandle};
use super::{
    child::{self, ExecSpec, ResourceLimit},
    command::{Child, Command},
    exit_statuses::{self, keep_exit_statuses},
    orphan_killer::OrphanKiller,
    pipe::pipe,
    reserved_fds::ReservedFds,
    streams::ProgramStreams,
};
use crate::backend::{process_attributes::Rlimit, pty::Pty};

/// Stack of the child until it executes; it uses a few hundred bytes of it.
const STACK: usize = 32 * 1024;
/// What all threads of the spawner have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// The limit of open files that every process gets, if not another.
    files: ResourceLimit,
    gateway: c_int,
    /// See [`has_terminal`].
    has_terminal: bool,
    orphan_killer: OrphanKiller,
}

impl Common {
    /// `files` is the limit that every process gets.
    ///
    /// # Errors
    /// When the orphan killer cannot be started.
    pub(super) fn new(files: process::Rlimit) -> io::Result<Self> {
        keep_exit_statuses();
        let limit = |value: Option<u64>| value.unwrap_or(u64::MAX);
        Ok(Common {
            files: (
                libc::RLIMIT_NOFILE as libc::c_long,
                [limit(files.current), limit(files.maximum)],
            ),
            gateway: getpid().as_raw_nonzero().get(),
            has_terminal: has_terminal(),
            orphan_killer: OrphanKiller::start()?,
        })
    }
}

/// What a thread of the spawner keeps between two starts.
pub(super) struct System {
    common: Arc<Common>,
    stack: Box<[MaybeUninit<u128>]>,
    /// `None` where children get a copy of the table of descriptors.
    reserved_fds: Option<ReservedFds>,
}

impl System {
    /// # Errors
    /// When there are no descriptors.
    pub(super) fn new(common: &Arc<Common>) -> io::Result<Self> {
        Ok(System {
            common: Arc::clone(common),
            stack: stack(),
            reserved_fds: ReservedFds::new()?,
        })
    }

    /// To be called on the thread that spawns: blocks all signals there, for good.
    ///
    /// SIGCHLD is not, unless it has a handler by then. It comes here for each program that was started here, and the
    /// kernel drops what is to be ignored; but a signal that is blocked it keeps, and wakes another thread for it.
    pub(super) fn block_signals(&mut self) {
        // SAFETY: both sets are ours; the call changes only this thread's mask.
        unsafe {
            let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigfillset(blocked.as_mut_ptr());
            if !exit_statuses::is_handled() {
                libc::sigdelset(blocked.as_mut_ptr(), libc::SIGCHLD);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), ptr::null_mut());
        }
    }

    /// See `Spawner::spawn`.
    pub(super) fn spawn(
        &mut self,
        command: &Command,
        attempt: &Attempt,
    ) -> io::Result<Child<ProcessHandle>> {
        let (pty, _) = command.pty;
        let (ours, theirs) = ProgramStreams::open(command.pty)?;
        let arguments = null_terminated(&command.arguments);
        let environment = null_terminated(&command.environment);
        let limits = resource_limits(self.common.files, &command.attributes.rlimits);
        let credentials = command.attributes.credentials.as_ref();
        if let Some(credentials) = credentials {
            theirs.give(pty, credentials)?;
        }
        let place = command.place.as_ref();
        let mut spec = ExecSpec {
            file: place.map_or(&command.file, |(_, file)| file).as_ptr(),
            place: place.map_or(-1, |(directory, _)| directory.as_raw_fd()),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            directory: command
                .directory
                .as_ref()
                .filter(|_| place.is_none())
                .map_or(ptr::null(), |path| path.as_ptr()),
            stdio: theirs.ends().map(|end| end.as_raw_fd()),
            has_terminal: pty.is_controlling(),
            limits: limits.as_ptr(),
            limit_count: limits.len(),
            credentials: credentials.map_or(ptr::null(), ptr::from_ref),
            gateway: self.common.gateway,
            // Only who leads one can have a terminal, or be sure to have none.
            leads_session: self.common.has_terminal || pty != Pty::None,
            is_aborted: attempt.is_aborted(),
            error: 0,
            error_pipe: -1,
            unshare_below: 0,
        };
        let (mut handle, exec_error) = self.execute(&mut spec, theirs.ends(), attempt)?;
        let has_terminal = pty.is_controlling();
        handle.register(
            self.common
                .orphan_killer
                .register(handle.pid(), has_terminal),
        );
        if has_terminal {
            handle.set_terminal();
        }
        Ok(Child {
            process: handle,
            streams: ours,
            exec_error,
        })
    }

    /// Starts a process as `spec` says, on these standard streams. Beside it comes the pipe by which a process of
    /// another user tells why it could not execute its program, if it is one.
    fn execute(
        &mut self,
        spec: &mut ExecSpec,
        stdio: [&OwnedFd; 3],
        attempt: &Attempt,
    ) -> io::Result<(ProcessHandle, Option<OwnedFd>)> {
        let (error_pipe, exec_error) = match spec.credentials.is_null() {
            false => {
                let (exec_error, error_pipe) = pipe()?;
                spec.error_pipe = error_pipe.as_raw_fd();
                (Some(error_pipe), Some(exec_error))
            }
            true => {
                if let Some(reserved_fds) = &mut self.reserved_fds {
                    spec.stdio = reserved_fds.install(stdio)?;
                    spec.unshare_below = reserved_fds.limit();
                }
                (None, None)
            }
        };
        let child = self.clone_child(spec, attempt);
        if let Some(reserved_fds) = &mut self.reserved_fds {
            reserved_fds.clear();
        }
        let handle = child?;
        drop(error_pipe);
        if spec.error != 0 {
            // The child ends without having executed anything.
            handle.wait();
            return Err(io::Error::from_raw_os_error(spec.error));
        }
        Ok((handle, exec_error))
    }

    fn clone_child(&mut self, spec: &mut ExecSpec, attempt: &Attempt) -> io::Result<ProcessHandle> {
        let memory = match spec.error_pipe < 0 {
            true => libc::CLONE_VM | libc::CLONE_VFORK,
            false => 0,
        };
        // With a copy of the memory nothing tells when the child is done with what it shares.
        let descriptors = match spec.unshare_below > 0 {
            true => libc::CLONE_FILES,
            false => 0,
        };
        let flags = memory | descriptors | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: the stack grows down from its end and belongs to nobody else; `spec` and all that it
        // points to outlive the child's use, since it has a copy of them, or CLONE_VFORK stops us until
        // it has executed or ended; the attempt's is where CLONE_PIDFD stores (clone(2), in place of the parent's tid).
        let pid = unsafe {
            libc::clone(
                child::run,
                self.stack.as_mut_ptr_range().end.cast::<c_void>(),
                flags,
                ptr::from_mut(spec).cast::<c_void>(),
                attempt.pidfd(),
            )
        };
        let pidfd = attempt.end();
        let Some(pid) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
            return Err(io::Error::last_os_error());
        };
        let Some(pidfd) = pidfd else {
            // Before Linux 5.2 the flag is not known, and nothing below can work.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "Linux 5.2 or later is needed",
            ));
        };
        Ok(ProcessHandle::new(pid, pidfd))
    }
}

/// Whether the gateway has a controlling terminal, from which its programs are to be kept by a session of their own:
/// one that asks there for a password would be stopped (SIGTTIN), and one that opens another terminal would get that
/// as its own.
///
/// Without a terminal there is nothing to keep them from, and a session has its price: where the kernel has autogroups
/// (sched(7)), each is scheduled against all others as if it were a user of its own, and of sixteen programs that
/// start at once the last waits twice as long.
fn has_terminal() -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/dev/tty", flags, Mode::empty()).is_ok()
}

fn stack() -> Box<[MaybeUninit<u128>]> {
    vec![MaybeUninit::uninit(); STACK / size_of::<u128>()].into_boxed_slice()
}

fn null_terminated(words: &[CString]) -> Vec<*const c_char> {
    words
        .iter()
        .map(|word| word.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// The limit of open files that every process gets, and then those of this one: soft and hard, so that
/// it cannot raise them again.
fn resource_limits(files: ResourceLimit, limits: &[(Rlimit, u64)]) -> Vec<ResourceLimit> {
    let own = limits.iter().map(|(limit, value)| {
        let resource = match limit {
            Rlimit::OpenFiles => libc::RLIMIT_NOFILE,
            Rlimit::CpuSeconds => libc::RLIMIT_CPU,
            Rlimit::Memory => libc::RLIMIT_AS,
            Rlimit::Processes => libc::RLIMIT_NPROC,
        };
        (resource as libc::c_long, [*value; 2])
    });
    [files].into_iter().chain(own).collect()
}
