//! Guesses: how many wrong secrets a client may try, tokens as well as passwords.
//!
//! Five within a minute are refused as wrong. Then nothing that the client says is looked at for a while, which is
//! twice as long after each further wrong one. A client is a network: one address of IPv4, what one customer has of
//! IPv6.

use std::{collections::HashMap, hash::Hash, net::IpAddr, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::http::refusal::Refusal;

/// Wrong ones until a client is held. Fewer would hold who mistypes, more lets guess faster.
const FREE: u32 = 5;
/// For how long they count.
const WINDOW: Duration = Duration::from_secs(60);
/// How long a client is held first, and at most. Longer would lock out whoever shares the address with one that
/// guesses.
const FIRST_HOLD: Duration = Duration::from_secs(10);
const LONGEST_HOLD: Duration = Duration::from_secs(300);
/// Clients that are remembered. More than that guess at once only from a network of thieves, which no list of addresses
/// holds up; the memory is bounded.
const CLIENTS: usize = 1 << 16;

/// Names that are told apart in what one client tries: a right password forgives what was tried for its name alone, or who
/// has an account could go on guessing at others'.
const NAMES: usize = 16;

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
pub(in crate::http) struct Guesses<Who>(Mutex<HashMap<Who, Record>>);

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
    wrong: u32,
    /// How many of these were for which name.
    by_name: Vec<(u64, u32)>,
    /// The last hold; zero before the first.
    hold: Duration,
    held_until: Instant,
    /// When all is forgotten.
    forgotten: Instant,
}

impl<Who> Default for Guesses<Who> {
    fn default() -> Self {
        Guesses(Mutex::default())
    }
}

impl<Who: Eq + Hash> Guesses<Who> {
    /// Whether what a client says may be looked at.
    ///
    /// # Errors
    /// How long it is held.
    pub(in crate::http) fn check(&self, who: &Who) -> Result<(), Held> {
        let now = Instant::now();
        let records = self.0.lock();
        match records.get(who) {
            Some(record) if record.held_until > now => Err(Held(record.held_until - now)),
            _ => Ok(()),
        }
    }

    /// What a client said was wrong.
    pub(in crate::http) fn count_wrong(&self, who: Who) {
        self.count_try(who, None);
    }

    /// A client tries something, for a name: it counts as wrong unless it is forgiven.
    pub(in crate::http) fn count_try(&self, who: Who, name: Option<u64>) {
        let now = Instant::now();
        let mut records = self.0.lock();
        if records.len() >= CLIENTS && !records.contains_key(&who) {
            records.retain(|_, record| record.forgotten > now);
            if records.len() >= CLIENTS {
                // Those who wait are not let go.
                records.retain(|_, record| record.held_until > now);
            }
            if records.len() >= CLIENTS {
                return;
            }
        }
        let record = records.entry(who).or_insert(Record::new(now));
        if record.forgotten <= now {
            *record = Record::new(now);
        }
        record.count_try(now, name);
    }

    /// What a client tried for a name was right: what it has tried for that before counts no more.
    pub(in crate::http) fn forgive(&self, who: &Who, name: u64) {
        let mut records = self.0.lock();
        let Some(record) = records.get_mut(who) else {
            return;
        };
        record.forgive(name);
        if record.wrong == 0 {
            records.remove(who);
        }
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Record {
            wrong: 0,
            by_name: Vec::new(),
            hold: Duration::ZERO,
            held_until: now,
            forgotten: now + WINDOW,
        }
    }

    fn count_try(&mut self, now: Instant, name: Option<u64>) {
        self.wrong += 1;
        if let Some(name) = name {
            match self.by_name.iter().position(|(other, _)| *other == name) {
                Some(at) => self.by_name[at].1 += 1,
                None if self.by_name.len() < NAMES => self.by_name.push((name, 1)),
                None => {}
            }
        }
        if self.wrong >= FREE {
            self.hold = (self.hold * 2).clamp(FIRST_HOLD, LONGEST_HOLD);
            self.held_until = now + self.hold;
            self.forgotten = self.held_until + WINDOW;
        }
    }

    fn forgive(&mut self, name: u64) {
        let found = self.by_name.iter().position(|(other, _)| *other == name);
        let forgiven = found.map_or(0, |at| self.by_name.swap_remove(at).1);
        self.wrong -= forgiven.min(self.wrong);
        if self.wrong < FREE {
            self.hold = Duration::ZERO;
            self.held_until = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    fn guess_wrong(guesses: &Guesses<u32>, who: u32, times: u32) {
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
        guesses.count_try(1, Some(7));
        assert!(guesses.check(&1).is_err());
        guesses.forgive(&1, 7);
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
}
