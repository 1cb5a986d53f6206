//! The threads that start all processes: as many as are needed to have one that is not stuck.
//!
//! # How it works
//! A thread stands still while its program is executed, which takes as long as the disk takes. If somebody has
//! waited for [`PATIENCE`] and no thread has taken a request meanwhile, all of them are stuck, and there are twice
//! as many from then on. They never end before the pool does: with a thread would end what it has started.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::Rlimit;
use tracing::warn;

use super::{
    leader::Leader,
    pace::Pace,
    requests::{Requests, StartRequest},
    system::{Common, System},
    working_directory::WorkingDirectory,
};
use crate::quantity::quantity;

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
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: Requests,
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
        let pool = Pool {
            common: Arc::new(Common::new(files)?),
            shared: Arc::new(Shared {
                requests: Requests::default(),
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

    /// Has a thread start what is asked for, as soon as there is one.
    pub(super) fn ask(&self, request: StartRequest) {
        self.shared.requests.push(request);
    }

    /// Adds threads if all are stuck while a request waits.
    pub(super) fn relieve(&self) {
        let mut state = self.shared.state.lock();
        let is_waited = self.shared.requests.len() > 0;
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

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.requests.close();
    }
}

/// Starts what is asked for, until nobody can ask any more.
fn start_all(mut system: System, shared: &Shared) {
    system.block_signals();
    let mut pace = Pace::default();
    while let Some(request) = shared.requests.next() {
        shared.state.lock().progress = Instant::now();
        // A session may have gone while it waited.
        if !request.reply.is_closed() {
            start(request, &mut system, &shared.directory);
            pace.after_start(shared.requests.len());
        }
    }
}

fn start(request: StartRequest, system: &mut System, directory: &WorkingDirectory) {
    // A session that goes meanwhile drops the child, which kills it.
    request.start.begun.get_or_init(Instant::now);
    directory.restore();
    let child = system.spawn(&request.command, &request.start.attempt);
    let _ = request
        .reply
        .send(child.map(|child| child.map(Leader::new)));
}
