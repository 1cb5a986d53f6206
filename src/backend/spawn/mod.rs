//! Starting a process without forking the gateway, on threads that outlive every process.
//!
//! # How it works
//! A [`Spawner`] owns [`THREADS`] threads, which start all processes. They must not end before
//! the gateway does: the kernel sends the parent-death signal when the *thread* that spawned ends
//! (prctl(2), `PR_SET_PDEATHSIG`), and a thread of the runtime may. They end when the last
//! [`Spawner`] is dropped; every process that is still there is then killed. On Linux a second process,
//! the warden, ends what those have started in turn.

// `--cfg wsd_portable_spawn` compiles the other one on Linux, which is how it is checked.
#[cfg_attr(all(target_os = "linux", not(wsd_portable_spawn)), path = "linux.rs")]
#[cfg_attr(
    any(not(target_os = "linux"), wsd_portable_spawn),
    path = "portable.rs"
)]
mod system;
#[cfg(all(target_os = "linux", not(wsd_portable_spawn)))]
mod warden;

use std::{
    ffi::CString,
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, Signal, getrlimit, setrlimit},
};
use tokio::{
    io::{AsyncReadExt, Interest, unix::AsyncFd},
    net::unix::pipe,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::Confinement;
use system::{Handle, System};

/// A program, ready for the kernel.
#[derive(Debug)]
pub(super) struct Command {
    /// The file to execute.
    pub(super) file: CString,
    /// All arguments, argv\[0\] first.
    pub(super) arguments: Vec<CString>,
    /// `NAME=value` words: the whole environment.
    pub(super) environment: Vec<CString>,
    /// Working directory, if not the gateway's.
    pub(super) directory: Option<CString>,
    /// As whom, and how much of the machine it may take.
    pub(super) confinement: Confinement,
}

/// A process that was started, and our ends of its pipes (close-on-exec).
#[derive(Debug)]
pub(super) struct Child {
    pub(super) leader: Leader,
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// Of a program that is not executed yet: ends when it is, or gives the error number of why not.
    verdict: Option<OwnedFd>,
}

type Request = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts processes; a cheap handle to the threads that do.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<Request>,
}

/// Requests that wait for a thread; beyond it, who asks waits.
const QUEUE: usize = 64;
/// Threads that start processes. While one waits for a program to be executed, the other starts the next; a
/// third would find no processor to spare on a small machine.
const THREADS: usize = 2;

impl Spawner {
    /// Starts the threads, and the warden on Linux.
    ///
    /// Raises the gateway's soft limit of open files to the hard one, since a session takes five; a
    /// process gets the old one back (a program that uses select(2) must not see descriptors over
    /// 1023).
    ///
    /// # Errors
    /// When a thread or the warden cannot be started.
    pub fn start() -> io::Result<Self> {
        let files = raise_file_limit();
        let first = System::new(files)?;
        let systems = (1..THREADS)
            .map(|_| first.another())
            .collect::<io::Result<Vec<_>>>()?;
        let (requests, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for system in [first].into_iter().chain(systems) {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name("spawner".to_owned())
                .spawn(move || start_all(system, &queue))?;
        }
        Ok(Spawner { requests })
    }

    /// Starts a process: in a session and process group of its own, all signals default and
    /// unblocked, descriptors 0, 1 and 2 (three pipes) and no other, killed when the gateway dies.
    ///
    /// # Errors
    /// As `clone`(2), `chdir`(2) and `execve`(2) give them; nothing is left behind.
    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawner's threads have ended");
        self.requests
            .send((command, reply))
            .await
            .map_err(|_| gone())?;
        let mut child = answer.await.map_err(|_| gone())??;
        if let Some(verdict) = child.verdict.take() {
            executed(verdict).await?;
        }
        Ok(child)
    }
}

/// Starts what is asked for, until nobody can ask any more.
fn start_all(mut system: System, queue: &Mutex<mpsc::Receiver<Request>>) {
    system.settle();
    // Who waits for a request holds the queue; the other thread waits for that.
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.blocking_recv()
    };
    while let Some((command, reply)) = next() {
        // A session that has gone meanwhile drops the child, which kills it.
        let _ = reply.send(system.spawn(&command));
    }
}

/// What a child gets to execute its program, if others may stop it. Shorter would refuse programs on a
/// busy machine, longer lets a client wait for a program that will not come.
const EXECUTION: Duration = Duration::from_secs(5);

/// Waits for a program to be executed.
///
/// # Errors
/// Why it was not; EAGAIN if it is stopped.
async fn executed(verdict: OwnedFd) -> io::Result<()> {
    let mut number = [0; size_of::<i32>()];
    let mut verdict = pipe::Receiver::from_owned_fd(verdict)?;
    match timeout(EXECUTION, verdict.read_exact(&mut number)).await {
        Ok(Ok(_)) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(number))),
        Ok(Err(end)) if end.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Errno::AGAIN.into()),
    }
}

/// Raises the soft limit to the hard one and returns what it was.
fn raise_file_limit() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    // Failing to raise it only means fewer sessions.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: before.maximum,
            maximum: before.maximum,
        },
    );
    before
}

/// The leader of a process group, until it is reaped and after.
#[derive(Debug)]
pub(super) struct Leader {
    handle: Handle,
    status: Option<ExitStatus>,
    /// The group was killed after its leader had gone: its number may be a stranger's by now.
    is_over: bool,
}

impl Leader {
    fn new(handle: Handle) -> Self {
        Leader {
            handle,
            status: None,
            is_over: false,
        }
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.handle.id()
    }

    /// The exit status, once reaped.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// Reaps the leader if it has exited.
    pub(super) fn reap(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.handle.try_wait();
        }
        self.status
    }

    /// Makes its exit an event of the runtime: readable once it has exited.
    ///
    /// # Errors
    /// When the runtime can watch no more descriptors; the process is killed then.
    #[allow(
        unsafe_code,
        reason = "the descriptor must stay the same, which only we can know"
    )]
    pub(super) fn watch(self) -> io::Result<AsyncFd<Leader>> {
        // SAFETY: the descriptor is owned by the leader, never replaced, and taken out of it only in
        // its drop, when it is registered no more.
        let watched = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) };
        Ok(watched?)
    }

    /// Sends a signal to every member of the group; a group that is empty is no error.
    pub(super) fn signal_group(&self, signal: Signal) {
        self.handle.signal_group(signal);
    }

    /// Kills what is left of the group, whether its leader is still there or not.
    pub(super) fn end_group(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.handle.signal_group(Signal::KILL);
        self.handle.strike_off();
    }
}

impl AsRawFd for Leader {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_raw_fd()
    }
}

impl Drop for Leader {
    /// The way out of a session that was cut off. One that has ended has an empty group by now.
    fn drop(&mut self) {
        self.end_group();
        if self.reap().is_none() {
            self.handle.kill();
            // SIGKILL takes its time to arrive; nobody waits for it but this thread.
            let handle = self.handle.take();
            let _ = thread::Builder::new().spawn(move || handle.wait());
        }
    }
}
