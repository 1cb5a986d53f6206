//! Answers that hold for a while, by a digest of the whole question: [`Cache`].
//!
//! Neither credentials nor anything else of a question is kept, and no answer for longer than its route says. What is
//! kept is bounded in number and in bytes; the oldest makes room.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;
use ring::digest::{Context, SHA256};
use tokio::time::Instant;

use super::verdict::Verdict;

/// Answers that are kept.
const MOST: usize = 10_000;
/// Bytes of all together: pages of 403 may have 64 KiB each.
const MOST_BYTES: usize = 32 << 20;
/// What one takes beside what it says, about.
const OVERHEAD: usize = 256;

/// What a question is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// That of a question with these parts, each of which is told from its neighbours.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Key(key)
    }
}

/// Answers, each as long as it holds.
#[derive(Debug, Default)]
pub(in crate::http) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Key, Answer>,
    /// In the order in which they came, with the number of each.
    order: VecDeque<(Key, u64)>,
    bytes: usize,
    number: u64,
}

#[derive(Debug)]
struct Answer {
    verdict: Verdict,
    until: Instant,
    number: u64,
    bytes: usize,
}

impl Cache {
    /// The answer to a question, if it is kept and holds.
    pub(super) fn get(&self, key: &Key) -> Option<Verdict> {
        let kept = self.0.lock();
        let answer = kept.answers.get(key)?;
        (answer.until > Instant::now()).then(|| answer.verdict.clone())
    }

    /// Keeps an answer for so long.
    pub(super) fn insert(&self, key: Key, verdict: Verdict, time: Duration) {
        let bytes = verdict.size() + OVERHEAD;
        let mut kept = self.0.lock();
        kept.remove(&key, None);
        while kept.answers.len() >= MOST || kept.bytes + bytes > MOST_BYTES {
            let Some((oldest, number)) = kept.order.pop_front() else {
                break;
            };
            kept.remove(&oldest, Some(number));
        }
        kept.number += 1;
        let number = kept.number;
        kept.order.push_back((key, number));
        kept.bytes += bytes;
        let until = Instant::now() + time;
        let answer = Answer {
            verdict,
            until,
            number,
            bytes,
        };
        kept.answers.insert(key, answer);
        kept.compact();
    }
}

impl Kept {
    /// Removes an answer, where a number is given only if it is that one and not a later one.
    fn remove(&mut self, key: &Key, number: Option<u64>) {
        let is_it = |answer: &Answer| number.is_none_or(|number| answer.number == number);
        if self.answers.get(key).is_some_and(is_it)
            && let Some(answer) = self.answers.remove(key)
        {
            self.bytes -= answer.bytes;
        }
    }

    /// Forgets places of what has been replaced, when they are more than half of all.
    fn compact(&mut self) {
        if self.order.len() > 2 * MOST {
            let answers = &self.answers;
            let is_there = |(key, number): &(Key, u64)| {
                answers
                    .get(key)
                    .is_some_and(|answer| answer.number == *number)
            };
            self.order.retain(is_there);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::authorize::denial::Denial;
    use hyper::{HeaderMap, StatusCode};
    use std::sync::Arc;
    use tokio::time::advance;

    const MINUTE: Duration = Duration::from_secs(60);

    fn key(number: usize) -> Key {
        Key::of([&number.to_be_bytes()[..]])
    }

    #[test]
    fn parts_are_told_from_their_neighbours() {
        let of = |parts: &[&'static str]| Key::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }

    #[tokio::test(start_paused = true)]
    async fn answer_holds_for_its_time_and_no_longer() {
        let cache = Cache::default();
        cache.insert(key(1), Verdict::Deny(None), MINUTE);
        advance(MINUTE - Duration::from_millis(1)).await;
        assert_eq!(cache.get(&key(1)), Some(Verdict::Deny(None)));
        assert_eq!(cache.get(&key(2)), None);
        advance(Duration::from_millis(1)).await;
        assert_eq!(cache.get(&key(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn newer_answer_takes_the_place_of_an_older_one_and_its_time() {
        let cache = Cache::default();
        cache.insert(key(1), Verdict::Deny(None), MINUTE);
        advance(MINUTE).await;
        cache.insert(key(1), Verdict::Allow(Arc::default()), MINUTE);
        assert_eq!(cache.get(&key(1)), Some(Verdict::Allow(Arc::default())));
        assert_eq!(cache.0.lock().bytes, OVERHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn oldest_makes_room_when_there_are_as_many_as_may_be() {
        let cache = Cache::default();
        for number in 0..MOST + 2 {
            cache.insert(key(number), Verdict::Deny(None), MINUTE);
        }
        assert_eq!(cache.get(&key(1)), None);
        assert!(cache.get(&key(2)).is_some());
        assert_eq!(cache.0.lock().answers.len(), MOST);
        // The same question again and again takes no room of its own.
        for _ in 0..3 * MOST {
            cache.insert(key(MOST), Verdict::Deny(None), MINUTE);
        }
        assert!(cache.0.lock().order.len() <= 2 * MOST);
        assert!(cache.get(&key(MOST + 1)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn pages_of_many_bytes_make_room_sooner() {
        let cache = Cache::default();
        let page = Denial {
            status: StatusCode::FORBIDDEN,
            reason: None,
            headers: HeaderMap::new(),
            body: vec![0; 64 << 10].into(),
        };
        let page = Verdict::Deny(Some(Arc::new(page)));
        for number in 0..1000 {
            cache.insert(key(number), page.clone(), MINUTE);
        }
        assert!(cache.0.lock().bytes <= MOST_BYTES);
        assert_eq!(cache.get(&key(0)), None);
        assert!(cache.get(&key(999)).is_some());
    }
}
