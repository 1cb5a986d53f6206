//! A rate limit: how many messages a second are taken from a member (GCRA, ITU-T I.371, the leaky bucket without a
//! bucket).

use std::{
    num::NonZeroU32,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::timer::LazyTimer;

/// So many a second, and as many at once after a pause.
pub(super) struct RateLimit {
    /// Between two messages at that rate.
    period: Duration,
    /// When the next would come if all came evenly.
    expected: Instant,
    timer: LazyTimer,
}

impl RateLimit {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        RateLimit {
            period: Duration::from_secs(1) / per_second.get(),
            expected: Instant::now(),
            timer: LazyTimer::default(),
        }
    }

    /// Ready when a message may be taken.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let ahead = self.expected + self.period;
        match ahead.checked_sub(Duration::from_secs(1)) {
            Some(time) if time > Instant::now() => self.timer.poll_expired(time, context),
            _ => Poll::Ready(()),
        }
    }

    /// A message was taken.
    pub(super) fn count(&mut self) {
        self.expected = self.expected.max(Instant::now()) + self.period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn second_has_its_messages_at_once_and_then_evenly() {
        let mut limit = RateLimit::new(NonZeroU32::new(10).expect("a number"));
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..13 {
            poll_fn(|context| limit.poll_ready(context)).await;
            limit.count();
            times.push(start.elapsed().as_millis());
        }
        assert_eq!(times[..10], [0; 10]);
        assert!(
            times[10] >= 100 && times[12] >= 300 && times[12] < 400,
            "{times:?}"
        );
    }
}
