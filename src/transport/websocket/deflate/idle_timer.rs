//! An idle timeout: when state has not been used for long enough to be worth its memory no more.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Instant;

use crate::timer::LazyTimer;

/// Shorter, and a chat's state would be made anew for each line; longer, and clients that said
/// something once would hold a third of a megabyte each for nothing.
const IDLE: Duration = Duration::from_secs(60);

/// The time since the last use.
#[derive(Debug, Default)]
pub(super) struct IdleTimer {
    last_use: Option<Instant>,
    timer: LazyTimer,
}

impl IdleTimer {
    /// Begins the wait again.
    pub(super) fn restart(&mut self) {
        self.last_use = Some(Instant::now());
    }

    /// Ready once for each time of use that is long enough ago.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(last_use) = self.last_use else {
            return Poll::Pending;
        };
        ready!(self.timer.poll_expired(last_use + IDLE, context));
        *self = IdleTimer::default();
        Poll::Ready(())
    }
}
