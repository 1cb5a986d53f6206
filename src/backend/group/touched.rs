//! Those who were sent something: what waits for them is written, or their sessions are woken to do that.

use std::{sync::Arc, vec};

use super::queue::Queue;

/// Members that are written to before others get the processor, a system call each: a millisecond's worth. More would
/// keep other tasks waiting where a group has thousands of members, less costs a look at these tasks for nothing.
const PORTION: usize = 256;

/// Those who were sent something in a turn. Who is left when it is dropped is woken.
#[derive(Debug)]
#[must_use = "members have to be written to, or woken"]
pub(super) struct Touched(vec::IntoIter<Arc<Queue>>);

impl Touched {
    pub(super) fn new(queues: Vec<Arc<Queue>>) -> Self {
        Touched(queues.into_iter())
    }

    /// Writes to some of them beside their sessions; whether there are more. Others should get the processor then.
    pub(super) fn write_to_some(&mut self) -> bool {
        let portion = self.0.by_ref().take(PORTION);
        portion.for_each(|queue| queue.write());
        self.0.len() > 0
    }

    /// Those who have yet to be written to.
    pub(super) fn len(&self) -> usize {
        self.0.len()
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
        self.0.by_ref().for_each(|queue| queue.wake());
    }
}
