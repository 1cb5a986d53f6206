//! What a queue holds beneath its lock, and what becomes of it.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use tokio::time::Instant;

use super::entry::{Content, Destination, Entry, OVERHEAD};
use crate::{
    backend::group::options::{MemberOptions, SlowPolicy},
    message::{Close, Shared},
    wire::{Wire, Written},
};

/// What is written at once, counted as in a queue, and the message that goes beyond: of what a socket does not take a copy
/// is made, but of the last.
const AT_ONCE: usize = 64 * 1024;
/// At most so much of a queue, one part in so many, is put in at once: the rest is for what the client takes later. A larger
/// part would take those for slow who have not been offered anything, a smaller one costs system calls.
pub(in crate::backend::group) const TURN_SHARE: usize = 2;
/// Entries that a queue keeps room for when there are none.
const CAPACITY_AT_REST: usize = 16;

#[derive(Debug)]
pub(super) struct State {
    pub(super) waiting: VecDeque<Entry>,
    /// What they count together.
    pub(super) bytes: usize,
    pub(super) limit: usize,
    pub(super) slow: SlowPolicy,
    pub(super) end: Option<End>,
    /// The session has taken all and waits for more: what comes next does not have to wait for the client.
    pub(super) is_idle: bool,
    /// The turn of the last message, and whether the session was idle when that turn began.
    pub(super) turn: Option<u64>,
    pub(super) was_idle: bool,
    /// Something was left out.
    pub(super) is_slow: bool,
    pub(super) session: Option<Waker>,
    /// The session was woken, and has not looked yet.
    pub(super) is_woken: bool,
    /// How many messages the session has taken, how many when it was last looked, and since when they were as many.
    pub(super) taken: usize,
    pub(super) looked: Option<(usize, Instant)>,
    /// Where it is written to beside the session.
    pub(super) wire: Option<Wire>,
    /// Of who waits for the member to be evicted.
    pub(super) watch: Option<Waker>,
}

/// Why there will be no more.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// Behind what waits the client is told this, if anything.
    Finished(Option<Close>),
    /// The client is told this at once.
    Evicted(Close),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::group) enum Outcome {
    /// It waits.
    Taken,
    /// It is left out.
    LeftOut,
    /// The member is too slow, and is closed.
    Evicted,
    /// The member gets no more.
    Ended,
}

/// Writes as much of a queue as is written at once: what came of it, how many entries that are, and what they take.
fn write_front(wire: &Wire, waiting: &VecDeque<Entry>) -> (Written, usize, usize) {
    // Most often there is one, of which no list is made.
    if let (Some(entry), 1) = (waiting.front(), waiting.len()) {
        let sending = entry.as_sending();
        let written = sending.map_or(Written::Nothing, |sending| wire.write(&[sending]));
        return (written, 1, entry.size());
    }
    let (mut sendings, mut size) = (Vec::new(), 0);
    for entry in waiting {
        let Some(sending) = entry.as_sending().filter(|_| size < AT_ONCE) else {
            break;
        };
        sendings.push(sending);
        size += entry.size();
    }
    match sendings.len() {
        0 => (Written::Nothing, 0, 0),
        count => (wire.write(&sendings), count, size),
    }
}

impl State {
    /// Of an empty queue.
    pub(super) fn new(options: &MemberOptions) -> Self {
        State {
            waiting: VecDeque::new(),
            bytes: 0,
            limit: options.queue,
            slow: options.slow,
            end: None,
            is_idle: true,
            turn: None,
            was_idle: true,
            is_slow: false,
            session: None,
            is_woken: false,
            taken: 0,
            looked: None,
            wire: None,
            watch: None,
        }
    }

    /// Whether this is the first message of a turn.
    pub(super) fn begin_turn(&mut self, turn: u64) -> bool {
        self.was_idle = self.was_idle(turn);
        self.turn.replace(turn) != Some(turn)
    }

    /// Whether the session was idle when this turn began.
    pub(super) fn was_idle(&self, turn: u64) -> bool {
        match self.turn == Some(turn) {
            true => self.was_idle,
            false => self.is_idle,
        }
    }

    pub(super) fn pop(&mut self) -> Option<Arc<Shared>> {
        let front = self.waiting.front_mut()?;
        let message = match &mut front.content {
            Content::One(message) => Arc::clone(message),
            Content::Burst(burst, next) => {
                let message = Arc::clone(&burst.messages()[*next as usize]);
                *next += 1;
                message
            }
        };
        if matches!(front.content, Content::One(_)) || front.messages().is_empty() {
            self.waiting.pop_front();
        }
        self.bytes -= message.message().len() + OVERHEAD;
        Some(message)
    }

    /// Writes all that waits to the wire, if the session has nothing to do.
    pub(super) fn write(&mut self) -> Written {
        let Some(wire) = self.wire.as_ref().filter(|_| self.is_idle) else {
            return Written::Nothing;
        };
        while !self.waiting.is_empty() {
            let (written, count, size) = write_front(wire, &self.waiting);
            if written == Written::Nothing {
                return Written::Nothing;
            }
            self.waiting.drain(..count);
            self.bytes -= size;
            if written == Written::Begun {
                return Written::Begun;
            }
        }
        self.rest();
        // What ends the session is for the session.
        match self.end {
            None => Written::All,
            Some(_) => Written::Begun,
        }
    }

    /// Each message by itself, so that each can be left out.
    fn unfold(&mut self) {
        let is_burst = |entry: &Entry| matches!(entry.content, Content::Burst(..));
        if !self.waiting.iter().any(is_burst) {
            return;
        }
        let mut single = VecDeque::with_capacity(self.waiting.len());
        for entry in &self.waiting {
            let messages = entry.messages().iter();
            single.extend(messages.map(|message| Entry::one(message, entry.to)));
        }
        self.waiting = single;
    }

    /// Who is to be woken so that the session takes what waits.
    pub(super) fn take_session(&mut self) -> Option<Waker> {
        let session = self.session.take();
        self.is_woken |= session.is_some();
        session
    }

    /// Whether what is put in at once ([`TURN_SHARE`]) might not find room.
    pub(super) fn is_crowded(&self) -> bool {
        self.end.is_none() && self.bytes > self.limit / TURN_SHARE
    }

    pub(super) fn has_room_for(&self, size: usize) -> bool {
        self.waiting.is_empty() || self.bytes + size <= self.limit
    }

    pub(super) fn push(&mut self, entry: Entry) -> (Outcome, usize) {
        let mut dropped = 0;
        if self.slow == SlowPolicy::Latest && entry.is_to_many() && !self.was_idle {
            dropped += self.remove_those_to(entry.to);
        }
        if !self.has_room_for(entry.size()) && self.slow != SlowPolicy::Close {
            dropped += self.make_room_for(entry.size());
        }
        if self.has_room_for(entry.size()) {
            self.bytes += entry.size();
            self.waiting.push_back(entry);
            return (Outcome::Taken, dropped);
        }
        let is_full = self.bytes >= self.limit || self.slow == SlowPolicy::Close;
        if entry.is_to_many() && !is_full {
            // It is the oldest of those that may be left out.
            return (Outcome::LeftOut, dropped + 1);
        }
        self.evict();
        (Outcome::Evicted, dropped)
    }

    fn remove_those_to(&mut self, to: Destination) -> usize {
        self.remove_while(|_, entry| entry.to == to)
    }

    /// Leaves out the oldest of those that may be, until there is room.
    fn make_room_for(&mut self, size: usize) -> usize {
        let (limit, mut dropped) = (self.limit, 0);
        // Most often these are the first.
        while self.waiting.front().is_some_and(Entry::is_to_many) && self.bytes + size > limit {
            self.pop();
            dropped += 1;
        }
        if self.bytes + size <= limit {
            return dropped;
        }
        dropped + self.remove_while(|bytes, entry| entry.is_to_many() && bytes + size > limit)
    }

    /// Removes entries, the oldest first, which are told by themselves and by what is left.
    fn remove_while(&mut self, mut is_removed: impl FnMut(usize, &Entry) -> bool) -> usize {
        self.unfold();
        let before = self.waiting.len();
        let mut bytes = self.bytes;
        self.waiting.retain(|entry| {
            let is_removed = is_removed(bytes, entry);
            if is_removed {
                bytes -= entry.size();
            }
            !is_removed
        });
        self.bytes = bytes;
        before - self.waiting.len()
    }

    fn evict(&mut self) {
        self.wire = None;
        self.waiting = VecDeque::new();
        self.bytes = 0;
        self.end = Some(End::Evicted(Close::new(Close::TRY_AGAIN_LATER, "too slow")));
        let wakers = [self.session.take(), self.watch.take()];
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Gives back the memory that a burst took.
    pub(super) fn rest(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > CAPACITY_AT_REST {
            self.waiting = VecDeque::new();
        }
    }
}
