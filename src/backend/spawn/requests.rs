//! Starts that are asked for, and the queue in which they wait for a thread: [`Requests`].

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, OnceLock},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    command::{Child, Command},
    leader::Leader,
    system::Attempt,
};

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

/// Those that no thread has taken, first come, first served. They are as many as sessions that begin: with a bound
/// these would wait all the same.
#[derive(Debug, Default)]
pub(super) struct Requests {
    queue: Mutex<Queue>,
    /// That there is one, or that there will be none any more. Each wakes one thread, and nobody else.
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<StartRequest>,
    is_closed: bool,
}

impl Requests {
    pub(super) fn push(&self, request: StartRequest) {
        self.queue.lock().waiting.push_back(request);
        self.arrived.notify_one();
    }

    /// The next, and how many wait behind it; stands still until there is one. `None` when there will be none.
    pub(super) fn next(&self) -> Option<(StartRequest, usize)> {
        let mut queue = self.queue.lock();
        self.arrived.wait_while(&mut queue, |queue| {
            queue.waiting.is_empty() && !queue.is_closed
        });
        let request = queue.waiting.pop_front()?;
        Some((request, queue.waiting.len()))
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.lock().waiting.is_empty()
    }

    /// There will be none any more.
    pub(super) fn close(&self) {
        self.queue.lock().is_closed = true;
        self.arrived.notify_all();
    }
}
