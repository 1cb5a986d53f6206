//! Those who were sent something: what waits for them is written, or their sessions are woken to do that.

use std::{sync::Arc, vec};

use tokio::{task::yield_now, time::Instant};

use super::queue::{Queue, TAKING};

/// Members that are written to before others get the processor, a system call each: a millisecond's worth. More would
/// keep other tasks waiting where a group has thousands of members, less costs a look at these tasks for nothing.
const PORTION: usize = 256;

/// Those who were sent something in a turn. Who is left when it is dropped is woken.
#[derive(Debug)]
#[must_use = "members have to be written to, or woken"]
pub(super) struct Touched {
    queues: vec::IntoIter<Arc<Queue>>,
    /// Those for whom much waits.
    crowded: Vec<Arc<Queue>>,
    /// Until when these are waited for.
    until: Option<Instant>,
}

impl Touched {
    pub(super) fn new(queues: Vec<Arc<Queue>>) -> Self {
        Touched {
            queues: queues.into_iter(),
            crowded: Vec::new(),
            until: None,
        }
    }

    /// Writes to some of them beside their sessions. Whether there are more, or sessions that are about to take so much that
    /// nothing should be said before: others should get the processor then, and this be called again.
    pub(super) fn write_to_some(&mut self) -> bool {
        let portion = self.queues.by_ref().take(PORTION);
        self.crowded.extend(portion.filter(|queue| queue.write()));
        self.queues.len() > 0 || self.is_waited_for()
    }

    /// Nobody is a slow member because its session had no turn.
    fn is_waited_for(&mut self) -> bool {
        self.crowded.retain(|queue| queue.is_being_taken());
        if self.crowded.is_empty() {
            return false;
        }
        let now = Instant::now();
        now < *self.until.get_or_insert(now + TAKING)
    }

    /// Whether there is nobody who has yet to be written to, or waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.len() == 0 && self.crowded.is_empty()
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.queues.len()
    }

    /// Writes to all. Cancel safe: yes; the others are woken.
    pub(super) async fn write(mut self) {
        while self.write_to_some() {
            yield_now().await;
        }
    }

    /// Has all of them written to by their sessions.
    pub(super) fn wake(self) {}
}

impl Default for Touched {
    fn default() -> Self {
        Touched::new(Vec::new())
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        self.queues.by_ref().for_each(|queue| queue.wake());
    }
}
