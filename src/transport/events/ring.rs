//! The last events of a stream, so that they can be sent once more: [`Ring`].

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of events that are kept, those that wait to be sent among them. Fewer are lost sooner to a client on a slow
/// line, more are memory that each stream may have held.
pub(super) const CAPACITY: usize = 64 * 1024;
/// Bytes that are sent in one piece. Fewer cost more writes, more have the first wait for the last to be copied.
const PIECE: usize = 16 * 1024;

/// Events by number, from 1 on: those that were sent, the oldest first, and those that wait to be.
#[derive(Debug, Default)]
pub(super) struct Ring {
    events: VecDeque<Bytes>,
    /// How many were there before these.
    dropped: u64,
    /// How many were sent, as the client that reads now sees it.
    sent: u64,
    /// How many were ever sent.
    ever_sent: u64,
    /// Bytes of all of them.
    kept: usize,
    /// Bytes of those that wait.
    waiting: usize,
}

/// Why a stream cannot go on where a client says that it left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPosition {
    /// What followed is not kept any more.
    TooOld,
    /// Nobody has been sent that event.
    Unknown,
}

impl Ring {
    /// The number of the next event.
    pub(super) fn next_number(&self) -> u64 {
        self.dropped + self.events.len() as u64 + 1
    }

    /// The number of the last event that was sent.
    pub(super) fn last_sent(&self) -> u64 {
        self.sent
    }

    /// Bytes that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes that are kept.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Adds the next event, to be sent.
    pub(super) fn push(&mut self, event: Bytes) {
        self.kept += event.len();
        self.waiting += event.len();
        self.events.push_back(event);
    }

    /// What is to be sent next: some of the events that wait, in one piece.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let first = self.take_one()?;
        let fits = |ring: &Ring, length: usize| {
            let next = ring.events.get(ring.index());
            next.is_some_and(|next| length + next.len() <= PIECE)
        };
        if !fits(self, first.len()) {
            return Some(first);
        }
        let mut piece = BytesMut::from(first);
        while fits(self, piece.len()) {
            piece.extend(self.take_one());
        }
        Some(piece.freeze())
    }

    fn take_one(&mut self) -> Option<Bytes> {
        let event = self.events.get(self.index())?.clone();
        self.waiting -= event.len();
        self.sent += 1;
        self.ever_sent = self.ever_sent.max(self.sent);
        Some(event)
    }

    /// Where the next event to be sent lies.
    fn index(&self) -> usize {
        (self.sent - self.dropped) as usize
    }

    /// Drops the oldest of those that were sent, until no more than so many bytes are kept.
    pub(super) fn trim(&mut self, most: usize) {
        while self.kept > most && self.dropped < self.sent {
            let oldest = self.events.pop_front();
            self.kept -= oldest.map_or(0, |event| event.len());
            self.dropped += 1;
        }
        if self.events.is_empty() {
            // An idle stream keeps nothing.
            self.events = VecDeque::new();
        }
    }

    /// Has what follows the event of this number sent once more; without one, all that is kept.
    ///
    /// # Errors
    /// It cannot be.
    pub(super) fn rewind(&mut self, last: Option<u64>) -> Result<(), BadPosition> {
        let last = last.unwrap_or(self.dropped);
        if last > self.ever_sent {
            return Err(BadPosition::Unknown);
        }
        if last < self.dropped {
            return Err(BadPosition::TooOld);
        }
        self.sent = last;
        let waiting = self.events.iter().skip(self.index());
        self.waiting = waiting.map(Bytes::len).sum();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(events: &[&'static str]) -> Ring {
        let mut ring = Ring::default();
        for event in events {
            ring.push(Bytes::from_static(event.as_bytes()));
        }
        ring
    }

    #[test]
    fn events_that_wait_are_sent_together() {
        let mut ring = ring(&["a", "bc"]);
        assert_eq!((ring.waiting(), ring.next_number()), (3, 3));
        assert_eq!(ring.take(), Some("abc".into()));
        assert_eq!(ring.take(), None);
        assert_eq!((ring.waiting(), ring.last_sent(), ring.kept()), (0, 2, 3));
    }

    #[test]
    fn long_event_is_a_piece_of_its_own() {
        let mut ring = ring(&["a"]);
        let long = Bytes::from(vec![b'x'; PIECE]);
        ring.push(long.clone());
        assert_eq!(ring.take(), Some("a".into()));
        assert_eq!(ring.take(), Some(long));
    }

    #[test]
    fn sent_events_are_sent_once_more_as_long_as_they_are_kept() {
        let mut ring = ring(&["a", "b", "c"]);
        ring.take();
        assert_eq!(ring.rewind(Some(1)), Ok(()));
        assert_eq!(ring.take(), Some("bc".into()));
        ring.trim(2);
        assert_eq!(ring.rewind(Some(0)), Err(BadPosition::TooOld));
        assert_eq!(ring.rewind(None), Ok(()));
        assert_eq!(ring.take(), Some("bc".into()));
        assert_eq!(ring.rewind(Some(3)), Ok(()));
        assert_eq!(ring.rewind(Some(4)), Err(BadPosition::Unknown));
        assert_eq!(ring.take(), None);
    }

    #[test]
    fn what_waits_is_never_dropped() {
        let mut ring = ring(&["a", "b"]);
        ring.trim(0);
        assert_eq!(ring.take(), Some("ab".into()));
        ring.push("c".into());
        ring.trim(0);
        assert_eq!((ring.kept(), ring.take()), (1, Some("c".into())));
    }

    #[test]
    fn event_that_nobody_was_sent_is_none_to_go_on_from() {
        let mut ring = ring(&["a"]);
        assert_eq!(ring.rewind(Some(1)), Err(BadPosition::Unknown));
        assert_eq!(ring.rewind(Some(0)), Ok(()));
    }
}
