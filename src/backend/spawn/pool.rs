//! The threads that start all processes: as many as are needed to have one that is not stuck.
//!
//! # How it works
//! A thread stands still while its program is executed, which takes as long as the disk takes. If somebody has
//! waited for [`PATIENCE`] and no thread has taken a request meanwhile, all of them are stuck, and there are twice
//! as many from then on. They never end before the pool does: with a thread would end what it has started.

use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::Rlimit;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{
    command::{Child, Command},
    leader::Leader,
    system::{Attempt, Common, System},
    working_directory::WorkingDirectory,
};
use crate::quantity::quantity;

/// What a start is asked for with.
#[derive(Debug)]
pub(super) struct StartRequest {
    pub(super) command: Command,
    pub(super) start: Arc<Start>,
    pub(super) reply: oneshot::Sender<io::Result<Child<Leader>>>,
}

/// A start, for who asks and who does it.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) attempt: Attempt,
    /// When a thread took it.
    pub(super) begun: OnceLock<Instant>,
}

/// Requests that wait for a thread; beyond it, who asks waits.
const QUEUE: usize = 64;
/// Threads at first. While one waits for a program to be executed, the other starts the next; a third would find
/// no processor to spare on a small machine.
const THREADS: usize = 2;
/// Threads at most, each with four descriptors and a stack.
const MOST_THREADS: usize = 32;
/// How long nobody may have taken a request that waits. Shorter would take a busy machine for one that is stuck;
/// with this, four times in a row until there are all, nobody waits longer than a second.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);

/// The threads.
#[derive(Debug)]
pub(super) struct Pool {
    common: Arc<Common>,
    pub(super) requests: mpsc::Sender<StartRequest>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<mpsc::Receiver<StartRequest>>,
    state: Mutex<State>,
    directory: WorkingDirectory,
}

#[derive(Debug)]
struct State {
    threads: usize,
    /// When a thread was last ready, or made.
    progress: Instant,
}

impl Pool {
    /// # Errors
    /// When a thread or the orphan killer cannot be started.
    pub(super) fn start(files: Rlimit) -> io::Result<Self> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let pool = Pool {
            common: Arc::new(Common::new(files)?),
            requests,
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                directory: WorkingDirectory::current(),
                state: Mutex::new(State {
                    threads: 0,
                    progress: Instant::now(),
                }),
            }),
        };
        pool.add(&mut pool.shared.state.lock(), THREADS)?;
        Ok(pool)
    }

    /// Adds threads if all are stuck while a request waits.
    pub(super) fn relieve(&self) {
        let mut state = self.shared.state.lock();
        let is_waited = self.requests.capacity() < self.requests.max_capacity();
        if !is_waited || state.threads >= MOST_THREADS || state.progress.elapsed() < PATIENCE {
            return;
        }
        let more = state.threads.min(MOST_THREADS - state.threads);
        state.progress = Instant::now();
        match self.add(&mut state, more) {
            Ok(()) => warn!(
                "programs wait for their execution; others are started by {}",
                quantity(state.threads as u64, "thread", "threads")
            ),
            Err(error) => warn!(
                "programs wait for their execution, and there is no thread to start others: {error}"
            ),
        }
    }

    fn add(&self, state: &mut State, more: usize) -> io::Result<()> {
        for _ in 0..more {
            let system = System::new(&self.common)?;
            let shared = Arc::clone(&self.shared);
            thread::Builder::new()
                .name("spawner".to_owned())
                .spawn(move || start_all(system, &shared))?;
            state.threads += 1;
        }
        Ok(())
    }
}

/// Starts what is asked for, until nobody can ask any more.
fn start_all(mut system: System, shared: &Shared) {
    system.block_signals();
    // Who waits for a request holds the queue; the others wait for that.
    let next = || {
        let request = shared.queue.lock().blocking_recv();
        shared.state.lock().progress = Instant::now();
        request
    };
    while let Some(request) = next() {
        if request.reply.is_closed() {
            continue;
        }
        // A session that goes meanwhile drops the child, which kills it.
        request.start.begun.get_or_init(Instant::now);
        shared.directory.restore();
        let child = system.spawn(&request.command, &request.start.attempt);
        let _ = request
            .reply
            .send(child.map(|child| child.map(Leader::new)));
    }
}
