//! The tasks of a server, which its stop waits for: [`Tasks`].

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::room;

/// From how many tasks on their memory is given back when half of them have ended. Fewer are not worth the look at
/// all memory that this takes; more would keep megabytes.
const MANY: usize = 256;

/// How long behind the one that makes a crowd memory is given back: what opening them took is free by then. Shorter
/// would give back what those that open at the same time take again; longer would keep it from others.
const SETTLED: Duration = Duration::from_secs(1);

/// The tasks of connections, sessions and scripts. Clones are the same.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    /// The most that there were since memory was given back last.
    most: Arc<AtomicUsize>,
    /// From how many on what opening them took is given back.
    crowd: Arc<AtomicUsize>,
    /// Whether there was a crowd, of which some have stayed.
    was_crowd: Arc<AtomicBool>,
    /// Those of shared programs, once more.
    shared_programs: TaskTracker,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks {
            tracker: TaskTracker::new(),
            most: Arc::default(),
            crowd: Arc::new(AtomicUsize::new(MANY)),
            was_crowd: Arc::default(),
            shared_programs: TaskTracker::new(),
        }
    }
}

impl Tasks {
    /// Runs a task that a stop waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let open = self.tracker.len() + 1;
        self.most.fetch_max(open, Ordering::Relaxed);
        self.note_crowd(open);
        let tasks = self.clone();
        // Not a future around that future, which would hold it twice.
        self.tracker.spawn(task.map(move |()| tasks.note_end()));
    }

    /// Runs the task of a program that many clients have together, or none: it is waited for, but is no connection.
    pub fn spawn_shared_program(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(self.shared_programs.track_future(task));
    }

    /// How many there are of connections, sessions and scripts.
    pub fn connections(&self) -> usize {
        self.tracker.len().saturating_sub(self.shared_programs())
    }

    /// How many there are of shared programs.
    pub fn shared_programs(&self) -> usize {
        self.shared_programs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Ready when all have ended; to be called when no more are to come.
    ///
    /// Cancel safe: yes.
    pub async fn wait_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// What opening a crowd took lies free between what it holds, a tenth of that, and nobody opens as many at once
    /// again. Once for each time that their number doubles.
    fn note_crowd(&self, open: usize) {
        let crowd = self.crowd.load(Ordering::Relaxed);
        if open >= crowd && set(&self.crowd, crowd, 2 * open) {
            tokio::spawn(async {
                sleep(SETTLED).await;
                give_back();
            });
        }
    }

    /// What a crowd took lies free between what others hold, and the allocator keeps it: ten thousand connections
    /// that have gone would be two hundred megabytes. No timer is needed to see that it is over.
    fn note_end(&self) {
        // The one that ends is still there.
        let (most, open) = (self.most.load(Ordering::Relaxed), self.tracker.len() - 1);
        let is_half = most >= MANY && open <= most / 2 && set(&self.most, most, open);
        let was_crowd = self.was_crowd.load(Ordering::Relaxed);
        if is_half {
            self.was_crowd.store(true, Ordering::Relaxed);
        }
        let is_last = open == 0 && was_crowd && self.was_crowd.swap(false, Ordering::Relaxed);
        if is_half || is_last {
            self.crowd.store(MANY.max(2 * open), Ordering::Relaxed);
            give_back();
        }
    }
}

/// Whether it was this one who put another number in its place.
fn set(number: &AtomicUsize, before: usize, now: usize) -> bool {
    let (set, failed) = (Ordering::Relaxed, Ordering::Relaxed);
    number.compare_exchange(before, now, set, failed).is_ok()
}

/// Not here, where other tasks wait. Without a thread to be had it is left.
fn give_back() {
    let _ = thread::Builder::new().spawn(room::give_back);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn crowd_is_noted_each_time_that_it_doubles_and_when_it_has_gone() {
        let (tasks, end) = (Tasks::default(), CancellationToken::new());
        let crowd = || tasks.crowd.load(Ordering::Relaxed);
        for _ in 1..MANY {
            tasks.spawn(end.clone().cancelled_owned());
        }
        assert_eq!(crowd(), MANY);
        for next in [2 * MANY, 4 * MANY] {
            while tasks.connections() < next / 2 {
                tasks.spawn(end.clone().cancelled_owned());
            }
            assert_eq!(crowd(), next);
        }
        // Not a number of which a half of a half is again one that counts.
        for _ in 0..MANY - 24 {
            tasks.spawn(end.clone().cancelled_owned());
        }
        end.cancel();
        tasks.wait_ended().await;
        assert_eq!(crowd(), MANY);
    }
}
