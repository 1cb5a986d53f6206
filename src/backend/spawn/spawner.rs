//! How a process is asked for, and waited for until it is executed: [`Spawner`].

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::{io::AsyncReadExt, net::unix::pipe, sync::oneshot, time::timeout};

use super::{
    command::{Child, Command},
    leader::Leader,
    pool::{self, Pool},
    requests::{Start, StartRequest},
    system::Attempt,
};

/// Starts processes; a cheap handle to the threads that do.
#[derive(Debug, Clone)]
pub struct Spawner {
    pool: Arc<Pool>,
}

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
        let pool = Arc::new(Pool::start(raise_file_limit())?);
        Ok(Spawner { pool })
    }

    /// Starts a process: in a session and process group of its own, all signals default and
    /// unblocked, descriptors 0, 1 and 2 (pipes, or a pty) and no other, killed when the gateway dies.
    ///
    /// Cancel safe: yes; a process that nobody waits for is killed.
    ///
    /// # Errors
    /// As `clone`(2), `chdir`(2) and `execve`(2) give them; EAGAIN if it is not executed in time. Nothing is
    /// left behind.
    pub(in crate::backend) async fn spawn(&self, command: Command) -> io::Result<Child<Leader>> {
        let (reply, answer) = oneshot::channel();
        let start = AbortOnDrop(Arc::new(Start {
            attempt: Attempt::new(),
            begun: OnceLock::new(),
        }));
        self.pool.ask(StartRequest {
            command,
            start: Arc::clone(&start.0),
            reply,
        });
        let mut child = self.answered(&start.0, answer).await?;
        if let Some(exec_error) = child.exec_error.take() {
            let executed = timeout(EXECUTION, wait_for_execve(exec_error)).await;
            executed.unwrap_or(Err(Errno::AGAIN.into()))?;
        }
        Ok(child)
    }

    /// Waits for the answer until a start that has begun has had its time, and sees to it that there are threads
    /// which are not stuck.
    async fn answered(
        &self,
        start: &Start,
        mut answer: oneshot::Receiver<io::Result<Child<Leader>>>,
    ) -> io::Result<Child<Leader>> {
        let is_late = |begun: &Instant| begun.elapsed() > EXECUTION;
        let gone = |_| io::Error::other("the spawner's threads have ended");
        loop {
            match timeout(pool::PATIENCE, &mut answer).await {
                Ok(answered) => return answered.map_err(gone)?,
                Err(_) if start.begun.get().is_some_and(is_late) => {
                    return Err(Errno::AGAIN.into());
                }
                Err(_) => self.pool.relieve(),
            }
        }
    }
}

/// Breaks a start off that nobody waits for any more; one that is over stays as it is.
struct AbortOnDrop(Arc<Start>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.attempt.abort();
    }
}

/// What a program gets to be executed: its disk may be gone, its file under a lease (fcntl(2)), and others of its
/// user may stop it. Shorter would refuse programs on a busy machine or a disk that has to spin up, longer lets a
/// client wait for a program that will not come.
const EXECUTION: Duration = Duration::from_secs(10);

/// Waits for a program to be executed.
///
/// # Errors
/// Why it was not.
async fn wait_for_execve(exec_error: OwnedFd) -> io::Result<()> {
    let mut number = [0; size_of::<i32>()];
    let mut exec_error = pipe::Receiver::from_owned_fd(exec_error)?;
    match exec_error.read_exact(&mut number).await {
        Ok(_) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(number))),
        Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(error),
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
