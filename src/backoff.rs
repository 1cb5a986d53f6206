//! Backoff: how long to wait before what has ended is tried again.

use std::time::Duration;

/// The pause after what has lasted long, or for the first time. Shorter would spin where it ends at once, longer keeps
/// those who need it from it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause; it doubles until then. Shorter takes processor time for what cannot live, longer lets what could
/// wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What has lasted so long is well: its next pause is the first again.
const LONG_LIFE: Duration = Duration::from_secs(10);

/// The pauses between tries.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { next: FIRST_PAUSE }
    }
}

impl Backoff {
    /// The pause after what has lasted so long.
    pub fn next(&mut self, lived: Duration) -> Duration {
        if lived >= LONG_LIFE {
            self.next = FIRST_PAUSE;
        }
        let pause = self.next;
        self.next = (2 * pause).min(LONGEST_PAUSE);
        pause
    }

    /// The same, half to one and a half times as long by chance: what falls together does not rise together.
    pub fn next_with_jitter(&mut self, lived: Duration) -> Duration {
        self.next(lived).mul_f64(rand::random_range(0.5..1.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_begin_again_after_a_long_life() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..9)
            .map(|_| backoff.next(Duration::ZERO).as_millis())
            .collect();
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
        assert_eq!(pauses, expected);
        assert_eq!(backoff.next(LONG_LIFE), FIRST_PAUSE);
        let pause = backoff.next_with_jitter(LONG_LIFE);
        assert!(
            pause >= FIRST_PAUSE / 2 && pause < FIRST_PAUSE * 3 / 2,
            "{pause:?}"
        );
    }
}
