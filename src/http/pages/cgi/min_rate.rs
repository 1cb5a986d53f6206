//! The rate at which a client has to send a request's body, so that slow ones hold no permits (slowloris).

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use crate::timer::timeout;

/// Bytes a second that a body has to come with on average. More would cut off the slowest lines there
/// are; less would let a client hold a script for longer.
const MIN_RATE: f64 = 500.0;
/// How far a client may be behind that, besides the time that `--cgi-timeout` gives it for each piece. Shorter
/// would end uploads that a bad line has stopped for a while; longer is what slow clients hold a permit for.
const MAX_LAG: Duration = Duration::from_secs(60);

/// The body stops coming, or comes too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body comes too slowly")]
pub(super) struct TooSlow;

/// How a body comes. Only the time counts in which a client is waited for.
#[derive(Debug)]
pub(super) struct MinRate {
    /// Until the next piece; without it nothing is limited.
    stall: Option<Duration>,
    /// How far the client may still fall behind.
    left: Duration,
}

impl MinRate {
    pub(super) fn new(stall: Option<Duration>) -> Self {
        MinRate {
            stall,
            left: MAX_LAG.max(stall.unwrap_or_default()),
        }
    }

    /// Waits for a piece.
    ///
    /// # Errors
    /// [`TooSlow`].
    pub(super) async fn wait<F: Future>(&mut self, piece: F) -> Result<F::Output, TooSlow> {
        let Some(stall) = self.stall else {
            return Ok(piece.await);
        };
        let begun = Instant::now();
        let most = stall.min(self.left);
        let piece = timeout(most, piece).await;
        let waited = begun.elapsed();
        // What takes longer and yet comes in time was not looked for: that is not the client's time.
        if piece.is_err() || waited <= most {
            self.left = self.left.saturating_sub(waited);
        }
        piece.map_err(|_| TooSlow)
    }

    /// Counts what has come.
    pub(super) fn received(&mut self, bytes: usize) {
        let most = MAX_LAG.max(self.stall.unwrap_or_default());
        let earned = Duration::from_secs_f64(bytes as f64 / MIN_RATE);
        self.left = self.left.saturating_add(earned).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::sleep;

    const STALL: Duration = Duration::from_secs(5);

    /// What comes of a body of `pieces`, each of so many bytes after so many milliseconds.
    async fn received(chunks: usize, bytes: usize, pause: u64) -> Result<(), TooSlow> {
        let mut rate = MinRate::new(Some(STALL));
        for _ in 0..chunks {
            rate.wait(sleep(Duration::from_millis(pause))).await?;
            rate.received(bytes);
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn stall_ends_a_body() {
        let begun = Instant::now();
        let ended = MinRate::new(Some(STALL)).wait(pending::<()>()).await;
        assert_eq!(
            (ended, begun.elapsed().as_secs()),
            (Err(TooSlow), STALL.as_secs())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_keeps_the_rate_may_take_for_ever() {
        assert_eq!(received(10_000, 2_000, 4_000).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_trickles_is_ended_after_a_minute() {
        let begun = Instant::now();
        assert_eq!(received(10_000, 1, 1_000).await, Err(TooSlow));
        assert_eq!(begun.elapsed().as_secs(), MAX_LAG.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_a_body_may_stall() {
        let piece = MinRate::new(None).wait(sleep(100 * MAX_LAG)).await;
        assert_eq!(piece, Ok(()));
    }
}
