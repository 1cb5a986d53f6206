//! When state has not been used for long enough to be worth its memory no more.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Shorter, and a chat's state would be made anew for each line; longer, and clients that said
/// something once would hold a third of a megabyte each for nothing.
const IDLE: Duration = Duration::from_secs(60);

/// The time since the last use. The timer is armed once and left alone while there is use: when it
/// fires, it is set to where the deadline is by then.
#[derive(Debug, Default)]
pub(super) struct IdleTimer {
    last_use: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleTimer {
    /// Begins the wait again.
    pub(super) fn used(&mut self) {
        self.last_use = Some(Instant::now());
    }

    /// Ready once for each time of use that is long enough ago.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(last_use) = self.last_use else {
            return Poll::Pending;
        };
        let deadline = last_use + IDLE;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                *self = IdleTimer::default();
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}
