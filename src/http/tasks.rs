//! The tasks of a server, which its stop waits for: [`Tasks`].

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;

use crate::room;

/// From how many tasks on their memory is given back when half of them have ended. Fewer are not worth the look at
/// all memory that this takes; more would keep megabytes.
const MANY: usize = 256;

/// The tasks of connections, sessions and scripts. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    /// The most that there were since memory was given back last.
    most: Arc<AtomicUsize>,
    /// Whether there was a crowd, of which some have stayed.
    was_crowd: Arc<AtomicBool>,
    /// Those of shared programs, once more.
    shared_programs: TaskTracker,
}

impl Tasks {
    /// Runs a task that a stop waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.most
            .fetch_max(self.tracker.len() + 1, Ordering::Relaxed);
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

    /// What a crowd took lies free between what others hold, and the allocator keeps it: ten thousand connections
    /// that have gone would be two hundred megabytes. No timer is needed to see that it is over.
    fn note_end(&self) {
        // The one that ends is still there.
        let (most, open) = (self.most.load(Ordering::Relaxed), self.tracker.len() - 1);
        let is_half = most >= MANY && open <= most / 2 && self.set_most(most, open);
        let was_crowd = self.was_crowd.load(Ordering::Relaxed);
        if is_half {
            self.was_crowd.store(true, Ordering::Relaxed);
        }
        let is_last = open == 0 && was_crowd && self.was_crowd.swap(false, Ordering::Relaxed);
        if is_half || is_last {
            // Not here, where other tasks wait. Without a thread to be had it is left.
            let _ = thread::Builder::new().spawn(room::give_back);
        }
    }

    /// Whether it was this one who did.
    fn set_most(&self, before: usize, now: usize) -> bool {
        let (set, failed) = (Ordering::Relaxed, Ordering::Relaxed);
        let changed = self.most.compare_exchange(before, now, set, failed);
        changed.is_ok()
    }
}
