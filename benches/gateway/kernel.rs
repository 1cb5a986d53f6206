//! The calls to Linux that std has no name for, each safe to use from here on.

#![expect(unsafe_code, reason = "system calls through libc, each with its note")]

use std::fs;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Lets this process, and what it starts, open as many descriptors as it may; at least `wanted` if it may
/// raise the hard limit too. Returns how many that are.
pub(crate) fn raise_descriptor_limit(wanted: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid for the write.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    if limit.rlim_max < wanted {
        let higher = libc::rlimit {
            rlim_cur: wanted,
            rlim_max: wanted,
        };
        // SAFETY: `higher` is initialised; the call only reads it.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const higher) } == 0 {
            return Ok(wanted);
        }
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is initialised; the call only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(limit.rlim_max)
}

/// Makes this process the parent of every orphan below it, so that programs a
/// server leaves behind can be found and ended.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a flag and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })?;
    Ok(())
}

/// Kills and reaps every child of this process; bounded, as each pass may
/// find the children of those that the one before it killed.
pub(crate) fn end_children() {
    for _ in 0..100 {
        let children = children();
        if children.is_empty() {
            return;
        }
        for child in children {
            // SAFETY: signals a child that is not reaped yet, so the id is its own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: a null status is allowed, and nothing else is written.
            unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
        }
    }
}

fn children() -> Vec<libc::pid_t> {
    let own = children_of(std::process::id()).into_iter();
    own.filter_map(|id| id.try_into().ok()).collect()
}

/// The children of a process.
pub(crate) fn children_of(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Puts `command` in a process group of its own and has it killed when the
/// thread that starts it ends, however that happens.
pub(crate) fn tie_to_this_thread(command: &mut Command) {
    command.process_group(0);
    // SAFETY: runs between fork and exec; prctl is a bare system call that
    // neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| {
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            Ok(())
        });
    }
}

/// Sends `signal` to the group that the child `leader` leads.
pub(crate) fn signal_group(leader: u32, signal: libc::c_int) {
    let Ok(group) = libc::pid_t::try_from(leader) else {
        return;
    };
    // SAFETY: touches no memory; the child is not reaped yet, so the id is its own.
    unsafe { libc::kill(-group, signal) };
}

/// The CPU time of one process, or of a thread: all threads of a process, also those that have ended,
/// none of its children; in nanoseconds where /proc/PID/stat has ticks of 10 ms.
#[derive(Clone, Copy)]
pub(crate) struct CpuClock(libc::clockid_t);

impl CpuClock {
    pub(crate) fn of(process: u32) -> io::Result<Self> {
        let process = libc::pid_t::try_from(process).map_err(io::Error::other)?;
        let mut clock = 0;
        // SAFETY: `clock` is valid for the write.
        match unsafe { libc::clock_getcpuclockid(process, &raw mut clock) } {
            0 => Ok(Self(clock)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// That of the calling thread alone.
    pub(crate) fn of_this_thread() -> Self {
        Self(libc::CLOCK_THREAD_CPUTIME_ID)
    }

    pub(crate) fn read(self) -> io::Result<Duration> {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: `time` is valid for the write.
        check(unsafe { libc::clock_gettime(self.0, time.as_mut_ptr()) })?;
        // SAFETY: the call succeeded, so it wrote the whole of `time`.
        let time = unsafe { time.assume_init() };
        Ok(Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        ))
    }
}

/// Keeps this thread, and the processes and threads it starts, on one CPU
/// until dropped.
pub(crate) struct OneCpu {
    before: libc::cpu_set_t,
}

impl OneCpu {
    pub(crate) fn pin() -> io::Result<Self> {
        Self::pin_one(|cpus| cpus.next())
    }

    /// The same on the last one, which is another where there are several.
    pub(crate) fn pin_last() -> io::Result<Self> {
        Self::pin_one(|cpus| cpus.last())
    }

    fn pin_one(choose: fn(&mut dyn Iterator<Item = usize>) -> Option<usize>) -> io::Result<Self> {
        // SAFETY: a cpu_set_t is an array of integers, for which zero is a value.
        let mut before: libc::cpu_set_t = unsafe { mem::zeroed() };
        let size = mem::size_of::<libc::cpu_set_t>();
        // SAFETY: `before` is valid for a write of `size` bytes.
        check(unsafe { libc::sched_getaffinity(0, size, &raw mut before) })?;
        let bits = libc::CPU_SETSIZE.unsigned_abs() as usize;
        // SAFETY: `cpu` stays below the number of bits in the set.
        let mut allowed = (0..bits).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &before) });
        let chosen = choose(&mut allowed);
        // SAFETY: as above.
        let mut one: libc::cpu_set_t = unsafe { mem::zeroed() };
        // SAFETY: `chosen` is below the number of bits in the set.
        unsafe { libc::CPU_SET(chosen.unwrap_or(0), &mut one) };
        // SAFETY: `one` is initialised; the call only reads it.
        check(unsafe { libc::sched_setaffinity(0, size, &raw const one) })?;
        Ok(Self { before })
    }
}

impl Drop for OneCpu {
    fn drop(&mut self) {
        let size = mem::size_of::<libc::cpu_set_t>();
        // SAFETY: `before` is initialised; the call only reads it.
        unsafe { libc::sched_setaffinity(0, size, &raw const self.before) };
    }
}
