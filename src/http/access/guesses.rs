//! Guesses: how many wrong secrets a client may try, tokens as well as passwords.
//!
//! Five within any minute are refused as wrong. Then nothing that the client says is looked at for a while, which is
//! twice as long after each further wrong one. A try counts when it begins; when it was right, it has never been, and
//! neither has what was tried before for the same name. A client is a network: one address of IPv4, what one customer
//! has of IPv6.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::http::refusal::Refusal;

/// Wrong ones until a client is held. Fewer would hold who mistypes, more lets guess faster.
const FREE: usize = 5;
/// For how long they count.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a client is held first, and at most. Longer would lock out whoever shares the address with one that
/// guesses.
const FIRST_HOLD: Duration = Duration::from_secs(10);
const LONGEST_HOLD: Duration = Duration::from_secs(300);
/// Clients that are remembered. More than that guess at once only from a network of thieves, which no list of addresses
/// holds up; the memory is bounded.
const CLIENTS: usize = 1 << 16;

/// Tries of one client that are told apart. A right one lifts those for its name alone, or who has an account could go
/// on guessing at others'; what is not told apart any more is not lifted.
const TOLD_APART: usize = 16;

/// Who may be guessing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::http) enum Guesser {
    /// A network.
    Network(IpAddr),
    /// Whoever tries passwords of a name, which a number stands for, where clients have no address.
    Name(u64),
}

/// Who has guessed wrong lately, by what tells clients apart.
#[derive(Debug)]
pub(in crate::http) struct Guesses<Who> {
    records: Mutex<HashMap<Who, Record>>,
    /// Of all clients, for the next one to have a number of its own.
    tries: AtomicU64,
}

/// A try that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct TryId(u64);

/// A client is held: how long it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Held(pub(in crate::http) Duration);

impl From<Held> for Refusal {
    fn from(Held(time): Held) -> Self {
        Refusal::Held(time)
    }
}

#[derive(Debug, Clone)]
struct Record {
    /// What was wrong, or is being tried: within the last minute, and for as long as the last hold is not forgotten.
    tries: Vec<Try>,
    hold: Hold,
    /// The try that has brought that about, and the hold before.
    before: Option<(TryId, Hold)>,
}

#[derive(Debug, Clone, Copy)]
struct Try {
    id: TryId,
    begun: Instant,
    /// The number of the name that it is for, where there is one.
    name: Option<u64>,
}

/// How long a client is held, and until when; no time at all before the first hold.
#[derive(Debug, Clone, Copy)]
struct Hold {
    time: Duration,
    until: Instant,
}

impl Hold {
    fn none(now: Instant) -> Self {
        Hold {
            time: Duration::ZERO,
            until: now,
        }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.time.is_zero() || self.until + WINDOW <= now
    }

    fn next(&self, now: Instant) -> Self {
        let time = (self.time * 2).clamp(FIRST_HOLD, LONGEST_HOLD);
        Hold {
            time,
            until: now + time,
        }
    }
}

impl<Who> Default for Guesses<Who> {
    fn default() -> Self {
        Guesses {
            records: Mutex::default(),
            tries: AtomicU64::new(0),
        }
    }
}

impl<Who: Eq + Hash> Guesses<Who> {
    /// Whether what a client says may be looked at.
    ///
    /// # Errors
    /// How long it is held.
    pub(in crate::http) fn check(&self, who: &Who) -> Result<(), Held> {
        let now = Instant::now();
        let records = self.records.lock();
        match records.get(who) {
            Some(record) if record.hold.until > now => Err(Held(record.hold.until - now)),
            _ => Ok(()),
        }
    }

    /// What a client said was wrong.
    pub(in crate::http) fn count_wrong(&self, who: Who) {
        self.count_try(who, None);
    }

    /// A client tries something, for a name: it counts as wrong unless it is forgiven.
    pub(in crate::http) fn count_try(&self, who: Who, name: Option<u64>) -> TryId {
        let now = Instant::now();
        let id = TryId(self.tries.fetch_add(1, Ordering::Relaxed));
        let mut records = self.records.lock();
        if records.len() >= CLIENTS && !records.contains_key(&who) {
            records.retain(|_, record| !record.is_forgotten(now));
            if records.len() >= CLIENTS {
                // Those who wait are not let go.
                records.retain(|_, record| record.hold.until > now);
            }
            if records.len() >= CLIENTS {
                return id;
            }
        }
        let made = Try {
            id,
            begun: now,
            name,
        };
        records
            .entry(who)
            .or_insert_with(|| Record::new(now))
            .count_try(made);
        id
    }

    /// What a client said for a name was right: what it has tried for that before counts no more, nor does the try that
    /// has shown it, where there was one.
    pub(in crate::http) fn forgive(&self, who: &Who, name: u64, own: Option<TryId>) {
        let mut records = self.records.lock();
        let Some(record) = records.get_mut(who) else {
            return;
        };
        record.forgive(Instant::now(), name, own);
        if record.tries.is_empty() {
            records.remove(who);
        }
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Record {
            tries: Vec::new(),
            hold: Hold::none(now),
            before: None,
        }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.hold.is_forgotten(now) && self.tries.iter().all(|made| made.begun + WINDOW <= now)
    }

    fn count_try(&mut self, made: Try) {
        let now = made.begun;
        if self.hold.is_forgotten(now) {
            self.hold = Hold::none(now);
            self.tries.retain(|other| other.begun + WINDOW > now);
        }
        if self.tries.len() < TOLD_APART {
            self.tries.push(made);
        }
        if !self.hold.is_forgotten(now) || self.tries.len() >= FREE {
            self.before = Some((made.id, self.hold));
            self.hold = self.hold.next(now);
        }
    }

    fn forgive(&mut self, now: Instant, name: u64, own: Option<TryId>) {
        let is_forgiven = |made: &Try| made.name == Some(name) || Some(made.id) == own;
        self.tries.retain(|made| !is_forgiven(made));
        match self.before {
            _ if self.tries.len() < FREE => self.hold = Hold::none(now),
            // Others have brought about what there was before.
            Some((id, hold)) if Some(id) == own => self.hold = hold,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    fn guess_wrong(guesses: &Guesses<u32>, who: u32, times: usize) {
        for _ in 0..times {
            assert_eq!(guesses.check(&who), Ok(()));
            guesses.count_wrong(who);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sixth_guess_of_a_minute_is_held_ten_seconds_and_each_further_one_twice_as_long() {
        let guesses = Guesses::default();
        guess_wrong(&guesses, 1, FREE);
        assert_eq!(guesses.check(&1), Err(Held(FIRST_HOLD)));
        assert_eq!(guesses.check(&2), Ok(()));
        for hold in [10, 20, 40, 80, 160, 300, 300] {
            let held = Duration::from_secs(hold);
            assert_eq!(guesses.check(&1), Err(Held(held)));
            advance(held).await;
            guess_wrong(&guesses, 1, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn right_one_forgives_what_was_tried_for_its_name_alone() {
        let guesses: Guesses<u32> = Guesses::default();
        for name in [7, 7, 7, 8] {
            guesses.count_try(1, Some(name));
        }
        // The one that is right counts as it begins.
        let own = guesses.count_try(1, Some(7));
        assert!(guesses.check(&1).is_err());
        guesses.forgive(&1, 7, Some(own));
        assert_eq!(guesses.check(&1), Ok(()));
        guess_wrong(&guesses, 1, FREE - 1);
        assert_eq!(guesses.check(&1), Err(Held(FIRST_HOLD)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_long_ago_is_forgotten() {
        let guesses = Guesses::default();
        guess_wrong(&guesses, 1, FREE - 1);
        advance(WINDOW).await;
        guess_wrong(&guesses, 1, FREE);
        assert!(guesses.check(&1).is_err());
        advance(FIRST_HOLD + WINDOW + SECOND).await;
        guess_wrong(&guesses, 1, FREE);
        assert_eq!(guesses.check(&1), Err(Held(FIRST_HOLD)));
    }

    #[tokio::test(start_paused = true)]
    async fn right_one_adds_no_hold_and_lifts_no_other() {
        let guesses: Guesses<u32> = Guesses::default();
        for _ in 0..FREE {
            guesses.count_try(1, Some(8));
        }
        for _ in 0..3 {
            advance(FIRST_HOLD).await;
            let own = guesses.count_try(1, Some(7));
            guesses.forgive(&1, 7, Some(own));
            assert_eq!(guesses.check(&1), Ok(()));
            // One that was remembered was not tried.
            guesses.forgive(&1, 7, None);
        }
        guess_wrong(&guesses, 1, 1);
        assert_eq!(guesses.check(&1), Err(Held(FIRST_HOLD * 2)));
    }

    #[tokio::test(start_paused = true)]
    async fn those_within_any_minute_count() {
        let guesses: Guesses<u32> = Guesses::default();
        guess_wrong(&guesses, 1, 1);
        advance(WINDOW - SECOND * 2).await;
        guess_wrong(&guesses, 1, 3);
        advance(SECOND * 3).await;
        // The first is more than a minute ago, the three are not.
        guess_wrong(&guesses, 1, 1);
        assert_eq!(guesses.check(&1), Ok(()));
        guess_wrong(&guesses, 1, 1);
        assert_eq!(guesses.check(&1), Err(Held(FIRST_HOLD)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_client_tries_takes_bounded_memory_and_is_not_lifted_by_another_name() {
        let guesses: Guesses<u32> = Guesses::default();
        for _ in 0..FREE {
            guesses.count_try(1, Some(8));
        }
        for name in 100..200 {
            guesses.count_try(1, Some(name));
        }
        assert_eq!(guesses.records.lock()[&1].tries.len(), TOLD_APART);
        guesses.forgive(&1, 100, None);
        assert!(guesses.check(&1).is_err());
    }
}
