//! The orphan killer: a small process that ends every program's group when the gateway has died, however it
//! died.
//!
//! The parent-death signal ends the programs themselves, but not what they have started, such as the
//! command that a shell script waits for.
//!
//! # How it works
//! Gateway and orphan killer share a table of process groups in memory, and a pipe. The gateway registers a
//! group when it starts and unregisters it when it has ended: a store each, no system call. The orphan killer
//! sleeps in a read of the pipe until the gateway's end of it is closed, which the kernel does for a
//! gateway that is killed too; then it kills the groups that still stand in the table, and ends. A thread of the
//! gateway waits for the orphan killer's own end, and starts another. Of a program with a terminal it is the session,
//! whose jobs have groups of their own: it stands there with a minus.
#![allow(unsafe_code, reason = "fork and shared memory have no safe form")]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    ptr::{self, NonNull},
    slice,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libc::pid_t;
use parking_lot::Mutex;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, waitpid},
};
use tracing::{error, warn};

use super::pipe::pipe;

/// Groups that the table can hold, a quarter of a megabyte of addresses; its pages become memory when
/// they are used. A group beyond them is still ended by its session, and by the parent-death signal.
const SLOTS: usize = 1 << 16;

/// What the next one waits for if one has lived shorter. Shorter would start processes without a pause if somebody
/// kills each of them, longer leaves programs without one.
const PAUSE: Duration = Duration::from_secs(1);

/// The gateway's end of an orphan killer, which ends when this is dropped. One that ends before is replaced.
#[derive(Debug)]
pub(super) struct OrphanKiller {
    table: Arc<Table>,
    lifeline: Arc<Lifeline>,
    watcher: Option<JoinHandle<()>>,
}

/// The end of the pipe whose other end an orphan killer waits for to close; `None` once all is over.
type Lifeline = Mutex<Option<OwnedFd>>;

impl OrphanKiller {
    /// Starts the process, and a thread that waits for its end.
    ///
    /// # Errors
    /// When there is no memory, descriptor, thread or process to be had.
    pub(super) fn start() -> io::Result<Self> {
        let table = Arc::new(Table::new()?);
        let (pid, lifeline) = fork(&table)?;
        let lifeline = Arc::new(Mutex::new(Some(lifeline)));
        let (groups, current) = (Arc::clone(&table), Arc::clone(&lifeline));
        let watcher = thread::Builder::new()
            .name("orphan-watch".to_owned())
            .spawn(move || keep_alive(pid, &groups, &current))?;
        Ok(OrphanKiller {
            table,
            lifeline,
            watcher: Some(watcher),
        })
    }

    /// Puts a leader's group under the orphan killer's eyes until the answer is dropped, or all of its session.
    pub(super) fn register(&self, leader: Pid, has_terminal: bool) -> Registration {
        let leader = leader.as_raw_nonzero().get();
        Registration {
            slot: self.table.take(if has_terminal { -leader } else { leader }),
            table: Arc::clone(&self.table),
        }
    }
}

impl Drop for OrphanKiller {
    fn drop(&mut self) {
        *self.lifeline.lock() = None;
        if let Some(watcher) = self.watcher.take() {
            // It waits for a process that has one thing left to do, and does not wait for anything.
            watcher.thread().unpark();
            let _ = watcher.join();
        }
    }
}

/// Waits for the orphan killer's end, and starts the next one until all is over.
fn keep_alive(mut pid: Pid, table: &Table, lifeline: &Lifeline) {
    loop {
        let begun = Instant::now();
        while let Err(Errno::INTR) = waitpid(Some(pid), WaitOptions::empty()) {}
        if lifeline.lock().is_none() {
            return;
        }
        if begun.elapsed() < PAUSE {
            thread::park_timeout(PAUSE);
        }
        loop {
            let mut lifeline = lifeline.lock();
            if lifeline.is_none() {
                return;
            }
            match fork(table) {
                Ok((next, end)) => {
                    (pid, *lifeline) = (next, Some(end));
                    warn!("the orphan killer was ended by somebody, and is started again");
                    break;
                }
                Err(error) => error!("the orphan killer was ended and cannot be started: {error}"),
            }
            drop(lifeline);
            thread::park_timeout(PAUSE);
        }
    }
}

/// Starts an orphan killer: its id, and our end of its pipe. What runs in it between fork and exit makes system
/// calls only, so that other threads of the gateway do not matter.
///
/// # Errors
/// When there is no descriptor or process to be had.
fn fork(table: &Table) -> io::Result<(Pid, OwnedFd)> {
    let (watched, lifeline) = pipe()?;
    let (withdrawn, held) = pipe()?;
    // SAFETY: the child calls only what is async-signal-safe, and never returns.
    match unsafe { libc::fork() } {
        0 => watch(watched.as_raw_fd(), table),
        pid => {
            let pid = (pid > 0).then(|| Pid::from_raw(pid)).flatten();
            let pid = pid.ok_or_else(io::Error::last_os_error)?;
            // Closed over there with everything else: from then on it holds nothing of ours.
            drop(held);
            let _ = rustix::io::read(&withdrawn, &mut [0_u8; 1]);
            Ok((pid, lifeline))
        }
    }
}

/// A group in the table; dropping it unregisters the group.
#[derive(Debug)]
pub(super) struct Registration {
    table: Arc<Table>,
    slot: Option<usize>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.table.slots()[slot].store(0, Ordering::Release);
        }
    }
}

/// Process groups, and sessions, in memory that both processes see; 0 is a free slot.
#[derive(Debug)]
struct Table {
    memory: NonNull<AtomicI32>,
}

// SAFETY: the memory is the table's own and holds atomics only.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    fn new() -> io::Result<Self> {
        // SAFETY: a new mapping, of zeros, which are valid atomics; nothing is replaced.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                SLOTS * size_of::<AtomicI32>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Table { memory })
    }

    fn slots(&self) -> &[AtomicI32] {
        // SAFETY: mapped with this length in `new`, unmapped only in `drop`.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), SLOTS) }
    }

    /// Stores a group in the first free slot from its number on.
    fn take(&self, group: pid_t) -> Option<usize> {
        let first = group.unsigned_abs() as usize;
        (0..SLOTS).map(|step| (first + step) % SLOTS).find(|&slot| {
            self.slots()[slot]
                .compare_exchange(0, group, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length; nobody holds a reference any more.
        unsafe {
            libc::munmap(self.memory.as_ptr().cast(), SLOTS * size_of::<AtomicI32>());
        }
    }
}

/// The orphan killer's life, in its own process.
fn watch(watched: RawFd, table: &Table) -> ! {
    // SAFETY: system calls on values of our own; the process ends here.
    unsafe {
        withdraw(watched);
        let mut byte = 0_u8;
        while libc::read(0, ptr::from_mut(&mut byte).cast(), 1) != 0 {}
        for slot in table.slots() {
            let group = slot.load(Ordering::Acquire);
            if group > 1 {
                libc::kill(-group, libc::SIGKILL);
            } else if group < -1 {
                kill_session(-group);
            }
        }
        libc::_exit(0)
    }
}

/// Kills who is in a session, by the list of all processes.
unsafe fn kill_session(session: pid_t) {
    /// Where the name of an entry of getdents64(2) begins, and where its length is.
    const NAME: usize = 19;
    const LENGTH: usize = 16;
    let mut entries = [0_u8; 4096];
    // SAFETY: system calls on values of our own; the kernel writes whole entries, each with its length, and names that
    // end with NUL.
    unsafe {
        let all = libc::open(c"/proc".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
        loop {
            let room = entries.len();
            let read = libc::syscall(libc::SYS_getdents64, all, entries.as_mut_ptr(), room);
            let Some(mut rest) = usize::try_from(read)
                .ok()
                .and_then(|read| entries.get(..read))
            else {
                break;
            };
            if rest.is_empty() {
                break;
            }
            while let Some([low, high]) = rest.get(LENGTH..LENGTH + 2) {
                let length = usize::from(u16::from_ne_bytes([*low, *high]));
                let name = rest.get(NAME..length).unwrap_or_default();
                let process = number(name);
                if process > 1 && libc::getsid(process) == session {
                    libc::kill(process, libc::SIGKILL);
                }
                rest = rest.get(length..).unwrap_or_default();
            }
        }
        libc::close(all);
    }
}

/// The number that a name is, which ends with NUL; 0 for another.
fn number(name: &[u8]) -> pid_t {
    let mut number: pid_t = 0;
    for byte in name.iter().take_while(|byte| **byte != 0) {
        if !byte.is_ascii_digit() {
            return 0;
        }
        number = number
            .wrapping_mul(10)
            .wrapping_add(pid_t::from(byte - b'0'));
    }
    number
}

/// Leaves everything that is the gateway's: its terminal and group, its signals, its descriptors (a
/// reader of its log must see the end), its directory.
unsafe fn withdraw(watched: RawFd) {
    // SAFETY: as the caller's.
    unsafe {
        libc::setsid();
        // A name that `pkill wsd` does not match.
        libc::prctl(libc::PR_SET_NAME, c"orphan-killer".as_ptr());
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), ptr::null_mut());
        libc::dup2(watched, 0);
        super::child::close_from(1, -1);
        libc::chdir(c"/".as_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_taken_once_and_given_back() {
        let table = Arc::new(Table::new().expect("memory"));
        let slot = table.take(5).expect("a slot");
        assert_eq!((slot, table.take(5)), (5, Some(6)));
        drop(Registration {
            table: Arc::clone(&table),
            slot: Some(slot),
        });
        assert_eq!(table.take(SLOTS as pid_t + 5), Some(5));
    }
}
