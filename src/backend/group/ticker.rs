//! Ticks: a line for a program now and then, as long as it reads them.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::stdin::Intake;

/// When the next tick is due, and whether the last has been read.
#[derive(Debug, Default)]
pub(super) struct Ticker {
    next: Option<Instant>,
    /// Bytes that the program has to have read before it has read the last tick.
    unread: Option<u64>,
}

impl Ticker {
    /// Time goes on where there are members, and stands still where there are none.
    pub(super) fn run(&mut self, period: Option<Duration>, has_members: bool) {
        match period.filter(|_| has_members) {
            Some(period) => {
                self.next.get_or_insert_with(|| Instant::now() + period);
            }
            None => self.next = None,
        }
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether a tick is due; then the next is one `period` later, or from now on if that has passed.
    pub(super) fn take_due(&mut self, period: Option<Duration>) -> bool {
        let now = Instant::now();
        let (Some(next), Some(period)) = (self.next.filter(|next| *next <= now), period) else {
            return false;
        };
        self.next = Some((next + period).max(now));
        true
    }

    /// A tick is the last of so many bytes.
    pub(super) fn send(&mut self, bytes: u64) {
        self.unread = Some(bytes);
    }

    /// Whether the program has read the last tick.
    pub(super) fn was_read(&self, intake: &Intake) -> bool {
        self.unread.is_none_or(|bytes| intake.taken() >= bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Option<Duration> = Some(Duration::from_millis(100));

    #[tokio::test(start_paused = true)]
    async fn first_tick_comes_one_period_after_the_first_member() {
        let mut ticker = Ticker::default();
        ticker.run(PERIOD, false);
        assert_eq!(ticker.next(), None);
        ticker.run(PERIOD, true);
        assert!(!ticker.take_due(PERIOD));
        tokio::time::advance(Duration::from_millis(100)).await;
        ticker.run(PERIOD, true);
        assert!(ticker.take_due(PERIOD) && !ticker.take_due(PERIOD));
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_was_missed_is_no_crowd_of_ticks() {
        let mut ticker = Ticker::default();
        ticker.run(PERIOD, true);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(ticker.take_due(PERIOD) && ticker.take_due(PERIOD));
        assert!(!ticker.take_due(PERIOD));
    }

    #[test]
    fn tick_is_read_when_all_before_it_is() {
        let (mut ticker, intake) = (Ticker::default(), Intake::default());
        assert!(ticker.was_read(&intake));
        intake.count_offered(10);
        ticker.send(10);
        assert!(!ticker.was_read(&intake));
        intake.count_taken(10);
        assert!(ticker.was_read(&intake));
    }
}
