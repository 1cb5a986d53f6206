//! The threads that start all processes.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    command::{Child, Command},
    leader::Leader,
    system::System,
};

type StartRequest = (Command, oneshot::Sender<io::Result<Child<Leader>>>);

/// Starts processes; a cheap handle to the threads that do.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<StartRequest>,
}

/// Requests that wait for a thread; beyond it, who asks waits.
const QUEUE: usize = 64;
/// Threads that start processes. While one waits for a program to be executed, the other starts the next; a
/// third would find no processor to spare on a small machine.
const THREADS: usize = 2;

impl Spawner {
    /// Starts the threads, and the orphan killer on Linux.
    ///
    /// Raises the gateway's soft limit of open files to the hard one, since a session takes five; a
    /// process gets the old one back (a program that uses select(2) must not see descriptors over
    /// 1023).
    ///
    /// # Errors
    /// When a thread or the orphan killer cannot be started.
    pub fn start() -> io::Result<Self> {
        let files = raise_file_limit();
        let first = System::new(files)?;
        let systems = (1..THREADS)
            .map(|_| first.try_clone())
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
    /// Cancel safe: yes; a process that nobody waits for is killed.
    ///
    /// # Errors
    /// As `clone`(2), `chdir`(2) and `execve`(2) give them; nothing is left behind.
    pub(in crate::backend) async fn spawn(&self, command: Command) -> io::Result<Child<Leader>> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawner's threads have ended");
        self.requests
            .send((command, reply))
            .await
            .map_err(|_| gone())?;
        let mut child = answer.await.map_err(|_| gone())??;
        if let Some(exec_error) = child.exec_error.take() {
            wait_for_execve(exec_error).await?;
        }
        Ok(child)
    }
}

/// Starts what is asked for, until nobody can ask any more.
fn start_all(mut system: System, queue: &Mutex<mpsc::Receiver<StartRequest>>) {
    system.block_signals();
    // Who waits for a request holds the queue; the other thread waits for that.
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.blocking_recv()
    };
    while let Some((command, reply)) = next() {
        // A session that has gone meanwhile drops the child, which kills it.
        let child = system.spawn(&command);
        let _ = reply.send(child.map(|child| child.map(Leader::new)));
    }
}

/// What a child gets to execute its program, if others may stop it. Shorter would refuse programs on a
/// busy machine, longer lets a client wait for a program that will not come.
const EXECUTION: Duration = Duration::from_secs(5);

/// Waits for a program to be executed.
///
/// # Errors
/// Why it was not; EAGAIN if it is stopped.
async fn wait_for_execve(exec_error: OwnedFd) -> io::Result<()> {
    let mut number = [0; size_of::<i32>()];
    let mut exec_error = pipe::Receiver::from_owned_fd(exec_error)?;
    match timeout(EXECUTION, exec_error.read_exact(&mut number)).await {
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
