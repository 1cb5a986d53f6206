//! Backoff: how long to wait before a connection is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The first wait; each later one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);
/// A session that lasted so long was not one of a server that is about to fall over again.
const LASTED: Duration = Duration::from_secs(10);

/// The waits between attempts.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { next: FIRST }
    }
}

impl Backoff {
    /// The wait after an attempt that came to nothing, or a session, which took so long in all.
    pub(super) fn next(&mut self, lasted: Duration) -> Duration {
        // One second is no more than it took to find out that nobody answers.
        if lasted > LASTED + FIRST {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (2 * wait).min(LONGEST);
        jittered(wait)
    }
}

/// Up to a quarter less, by chance: the clients of a server that was restarted do not all come at once.
fn jittered(wait: Duration) -> Duration {
    // Keys that are random, so that anything hashes to a random number.
    let random = RandomState::new().hash_one(0) >> 32;
    let less = (wait.as_millis() as u64 / 4 * random) >> 32;
    wait - Duration::from_millis(less)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_again_after_a_session() {
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = backoff.next(Duration::from_millis(5));
            let whole = Duration::from_secs(seconds);
            assert!(
                wait <= whole && wait >= whole * 3 / 4,
                "{wait:?} of {whole:?}"
            );
        }
        assert!(backoff.next(Duration::from_secs(20)) <= FIRST);
    }

    #[test]
    fn waits_differ() {
        let waits: Vec<_> = (0..20).map(|_| jittered(LONGEST)).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
