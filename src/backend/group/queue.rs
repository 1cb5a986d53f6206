//! A member's queue: what waits to be sent to it, and what becomes of that when it takes less than it is sent.
//!
//! # How it works
//! The group's task puts messages in, the member's session takes them out; a lock is held for as long as that takes.
//! The session is woken once for all that a group says in one turn. What it has taken out no longer counts: the
//! kernel has it, or will have it before the session asks for more.
//!
//! While the session has nothing to do, whoever ends the turn writes what was put in to the client's wire ([`Wire`]): that
//! costs less than to wake the session for it. Under the queue's lock, in its order, and all that waits or nothing; so
//! it matters to nobody whether it was the one or the other.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::options::{MemberOptions, SlowPolicy};
use crate::{
    backend::error::BackendError,
    message::{Close, Shared},
    wire::{Burst, Sending, Wire, Written},
};

/// What a message takes in a queue beside its bytes.
pub(super) const OVERHEAD: usize = 64;
/// What is written at once, counted as in a queue, and the message that goes beyond: of what a socket does not take a copy
/// is made, but of the last.
const AT_ONCE: usize = 64 * 1024;
/// At most so much of a queue, one part in so many, is put in at once: the rest is for what the client takes later. A larger
/// part would take those for slow who have not been offered anything, a smaller one costs system calls.
pub(super) const TURN_SHARE: usize = 2;
/// How long it is waited for a session to take something of what waits for it. Shorter would take those for slow whose
/// sessions have to wait for a processor, longer would keep others from what is said when one is about to end.
pub(super) const TAKING: Duration = Duration::from_millis(200);
/// Entries that a queue keeps room for when there are none.
const CAPACITY_AT_REST: usize = 16;

/// To whom a message goes, as far as queues tell that apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// To all members.
    All,
    /// To those of the room of this number.
    Room(u32),
    /// To some by their numbers: never left out.
    Members,
}

/// What came of a message for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) outcome: Outcome,
    /// How many messages were left out for it.
    pub(super) dropped: usize,
    /// Whether these are the first.
    pub(super) has_become_slow: bool,
    /// Whether it is the first of a turn, so that the member has to be woken at its end.
    pub(super) is_first_of_turn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits.
    Taken,
    /// It is left out.
    LeftOut,
    /// The member is too slow, and is closed.
    Evicted,
    /// The member gets no more.
    Ended,
}

/// What waits for one member.
#[derive(Debug)]
pub(super) struct Queue(Mutex<State>);

#[derive(Debug)]
struct State {
    waiting: VecDeque<Entry>,
    /// What they count together.
    bytes: usize,
    limit: usize,
    slow: SlowPolicy,
    end: Option<End>,
    /// The session has taken all and waits for more: what comes next does not have to wait for the client.
    is_idle: bool,
    /// The turn of the last message, and whether the session was idle when that turn began.
    turn: Option<u64>,
    was_idle: bool,
    /// Something was left out.
    is_slow: bool,
    session: Option<Waker>,
    /// The session was woken, and has not looked yet.
    is_woken: bool,
    /// How many messages the session has taken, how many when it was last looked, and since when they were as many.
    taken: usize,
    looked: Option<(usize, Instant)>,
    /// Where it is written to beside the session.
    wire: Option<Wire>,
    /// Of who waits for the member to be evicted.
    watch: Option<Waker>,
}

#[derive(Debug)]
struct Entry {
    content: Content,
    to: Destination,
}

#[derive(Debug)]
enum Content {
    One(Arc<Shared>),
    /// What was said to all at once, from this message on.
    Burst(Arc<Burst>, u32),
}

/// Why there will be no more.
#[derive(Debug, Clone)]
enum End {
    /// Behind what waits the client is told this, if anything.
    Finished(Option<Close>),
    /// The client is told this at once.
    Evicted(Close),
}

impl Entry {
    fn one(message: &Arc<Shared>, to: Destination) -> Self {
        Entry {
            content: Content::One(Arc::clone(message)),
            to,
        }
    }

    fn messages(&self) -> &[Arc<Shared>] {
        match &self.content {
            Content::One(message) => std::slice::from_ref(message),
            Content::Burst(burst, next) => &burst.messages()[*next as usize..],
        }
    }

    fn size(&self) -> usize {
        size(self.messages())
    }

    /// As it can be written; `None` for what is left of a burst.
    fn as_sending(&self) -> Option<Sending<'_>> {
        match &self.content {
            Content::One(message) => Some(Sending::One(message)),
            Content::Burst(burst, 0) => Some(Sending::Burst(burst)),
            Content::Burst(..) => None,
        }
    }

    fn is_to_many(&self) -> bool {
        self.to != Destination::Members
    }
}

/// What messages take in a queue.
pub(super) fn size(messages: &[Arc<Shared>]) -> usize {
    let sizes = messages
        .iter()
        .map(|shared| shared.message().len() + OVERHEAD);
    sizes.sum()
}

impl Queue {
    /// An empty one.
    pub(super) fn new(options: &MemberOptions) -> Self {
        Queue(Mutex::new(State {
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
        }))
    }

    /// Puts a message in, of the turn of this number; [`Queue::wake`] is due when the turn is over.
    pub(super) fn push(&self, turn: u64, message: &Arc<Shared>, to: Destination) -> Pushed {
        let mut state = self.0.lock();
        let is_first_of_turn = state.begin_turn(turn);
        let entry = Entry::one(message, to);
        let (outcome, dropped) = match state.end {
            Some(_) => (Outcome::Ended, 0),
            None => state.push(entry),
        };
        let has_become_slow = !state.is_slow && (dropped > 0 || outcome == Outcome::Evicted);
        state.is_slow |= has_become_slow;
        Pushed {
            outcome,
            dropped,
            has_become_slow,
            is_first_of_turn,
        }
    }

    /// Puts in what was said to all at once, of this size together, if nothing has to be left out for it and it may wait
    /// as it is; whether it is the first of the turn.
    pub(super) fn push_burst(&self, turn: u64, burst: &Arc<Burst>, size: usize) -> Option<bool> {
        let mut state = self.0.lock();
        let has_room = state.end.is_none() && state.bytes + size <= state.limit;
        if !has_room || state.slow == SlowPolicy::Latest && !state.was_idle(turn) {
            return None;
        }
        let is_first_of_turn = state.begin_turn(turn);
        state.bytes += size;
        state.waiting.push_back(Entry {
            content: Content::Burst(Arc::clone(burst), 0),
            to: Destination::All,
        });
        Some(is_first_of_turn)
    }

    /// Takes the wire of the member's client.
    pub(super) fn attach(&self, wire: Wire) {
        self.0.lock().wire = Some(wire);
    }

    /// Has what was put in written: by the session, or here, if that has nothing to do. Whether so much waits that more
    /// should not be put in before the session has taken what the client takes.
    pub(super) fn write(&self) -> bool {
        let mut state = self.0.lock();
        let session = match state.write() {
            Written::All => None,
            Written::Begun | Written::Nothing => state.take_session(),
        };
        let is_crowded = state.is_crowded();
        drop(state);
        if let Some(session) = session {
            session.wake();
        }
        is_crowded
    }

    /// Whether much waits that the session is about to take. Not what waits for the client: that is slow.
    pub(super) fn is_being_taken(&self) -> bool {
        let mut state = self.0.lock();
        if !state.is_crowded() || state.is_idle && !state.is_woken {
            return false;
        }
        let (taken, now) = (state.taken, Instant::now());
        let looked = state.looked.filter(|(before, _)| *before == taken);
        let (_, since) = *state.looked.insert(looked.unwrap_or((taken, now)));
        let is_blocked = || state.wire.as_ref().is_none_or(Wire::is_blocked);
        // A session that is about to end takes nothing either.
        now - since < TAKING && (state.is_woken || looked.is_none() || !is_blocked())
    }

    /// Puts in what a member is sent first, as much of its end as it has room for.
    pub(super) fn preload<'a>(&self, messages: impl DoubleEndedIterator<Item = &'a Arc<Shared>>) {
        let mut state = self.0.lock();
        for message in messages.rev() {
            let entry = Entry::one(message, Destination::All);
            if !state.has_room_for(entry.size()) {
                break;
            }
            state.bytes += entry.size();
            state.waiting.push_front(entry);
        }
    }

    /// Lets the session take what was put in.
    pub(super) fn wake(&self) {
        let session = self.0.lock().take_session();
        if let Some(session) = session {
            session.wake();
        }
    }

    /// Nothing more comes; behind what waits the client is told this, or how its session ends anyway.
    pub(super) fn finish(&self, close: Option<Close>) {
        self.0.lock().end.get_or_insert(End::Finished(close));
        self.wake();
    }

    /// The next message, or the end; neither for one who is evicted.
    pub(super) fn poll_next(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Arc<Shared>, BackendError>>> {
        let mut state = self.0.lock();
        state.is_woken = false;
        if let Some(message) = state.pop() {
            state.is_idle = false;
            state.taken = state.taken.wrapping_add(1);
            state.rest();
            return Poll::Ready(Some(Ok(message)));
        }
        Poll::Ready(match state.end.clone() {
            // It is cut, and does not wait for this.
            Some(End::Evicted(_)) => return Poll::Pending,
            Some(End::Finished(close)) => {
                state.end = Some(End::Finished(None));
                close.map(|close| Err(BackendError::Closed(close)))
            }
            None => {
                state.is_idle = true;
                state.session = Some(context.waker().clone());
                return Poll::Pending;
            }
        })
    }

    /// Ready when the member is too slow: with what it is told.
    pub(super) fn poll_evicted(&self, context: &mut Context<'_>) -> Poll<Close> {
        let mut state = self.0.lock();
        match &state.end {
            Some(End::Evicted(close)) => Poll::Ready(close.clone()),
            _ => {
                state.watch = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
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
    /// Whether this is the first message of a turn.
    fn begin_turn(&mut self, turn: u64) -> bool {
        self.was_idle = self.was_idle(turn);
        self.turn.replace(turn) != Some(turn)
    }

    /// Whether the session was idle when this turn began.
    fn was_idle(&self, turn: u64) -> bool {
        match self.turn == Some(turn) {
            true => self.was_idle,
            false => self.is_idle,
        }
    }

    fn pop(&mut self) -> Option<Arc<Shared>> {
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
    fn write(&mut self) -> Written {
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
    fn take_session(&mut self) -> Option<Waker> {
        let session = self.session.take();
        self.is_woken |= session.is_some();
        session
    }

    /// Whether what is put in at once ([`TURN_SHARE`]) might not find room.
    fn is_crowded(&self) -> bool {
        self.end.is_none() && self.bytes > self.limit / TURN_SHARE
    }

    fn has_room_for(&self, size: usize) -> bool {
        self.waiting.is_empty() || self.bytes + size <= self.limit
    }

    fn push(&mut self, entry: Entry) -> (Outcome, usize) {
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
    fn rest(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > CAPACITY_AT_REST {
            self.waiting = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use futures_util::task::noop_waker;
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Wake,
    };

    /// Room for two messages of ten bytes.
    const LIMIT: usize = 2 * (10 + OVERHEAD);

    fn queue(slow: SlowPolicy) -> Queue {
        Queue::new(&MemberOptions::of(LIMIT, slow))
    }

    fn message(text: &str) -> Arc<Shared> {
        Arc::new(Shared::new(Message::Text(format!("{text:10}").into())))
    }

    fn push(queue: &Queue, turn: u64, text: &str, to: Destination) -> Pushed {
        queue.push(turn, &message(text), to)
    }

    fn next(queue: &Queue) -> Poll<Option<Result<Arc<Shared>, BackendError>>> {
        queue.poll_next(&mut Context::from_waker(&noop_waker()))
    }

    /// All that can be taken out, and how that ends.
    fn drain(queue: &Queue) -> (Vec<String>, String) {
        let mut texts = Vec::new();
        loop {
            let end = match next(queue) {
                Poll::Ready(Some(Ok(message))) => {
                    let Message::Text(text) = message.message() else {
                        panic!("there is text alone");
                    };
                    texts.push(text.as_str().trim_end().to_owned());
                    continue;
                }
                Poll::Ready(Some(Err(error))) => format!("{error:?}"),
                Poll::Ready(None) => "end".to_owned(),
                Poll::Pending => "pending".to_owned(),
            };
            return (texts, end);
        }
    }

    fn waits(queue: &Queue) -> Vec<String> {
        drain(queue).0
    }

    #[test]
    fn member_whose_queue_is_full_is_closed_with_nothing_of_it() {
        let queue = queue(SlowPolicy::Close);
        for text in ["one", "two"] {
            assert_eq!(
                push(&queue, 1, text, Destination::All).outcome,
                Outcome::Taken
            );
        }
        let evicted = push(&queue, 1, "three", Destination::All);
        assert_eq!(evicted.outcome, Outcome::Evicted);
        assert_eq!(drain(&queue), (Vec::new(), "pending".to_owned()));
        let told = queue.poll_evicted(&mut Context::from_waker(&noop_waker()));
        assert!(matches!(told, Poll::Ready(close) if close.code == Close::TRY_AGAIN_LATER));
        let after = push(&queue, 2, "four", Destination::All);
        assert_eq!(after.outcome, Outcome::Ended);
    }

    #[test]
    fn one_message_may_wait_however_long_it_is() {
        let queue = queue(SlowPolicy::Close);
        let long = Arc::new(Shared::new(Message::Text("x".repeat(10 * LIMIT).into())));
        let pushed = queue.push(1, &long, Destination::All);
        assert_eq!(pushed.outcome, Outcome::Taken);
        assert!(matches!(next(&queue), Poll::Ready(Some(Ok(taken))) if taken == long));
    }

    #[test]
    fn what_was_taken_out_counts_no_more() {
        let queue = queue(SlowPolicy::Close);
        for _ in 0..10 {
            assert_eq!(
                push(&queue, 1, "x", Destination::All).outcome,
                Outcome::Taken
            );
            assert!(next(&queue).is_ready());
        }
    }

    #[test]
    fn oldest_message_to_many_is_dropped_and_never_one_by_number() {
        let queue = queue(SlowPolicy::Drop);
        push(&queue, 1, "seven", Destination::Members);
        push(&queue, 1, "one", Destination::All);
        let pushed = push(&queue, 1, "two", Destination::Room(1));
        assert_eq!((pushed.outcome, pushed.dropped), (Outcome::Taken, 1));
        assert!(pushed.has_become_slow);
        assert!(!push(&queue, 1, "three", Destination::All).has_become_slow);
        assert_eq!(waits(&queue), ["seven", "three"]);
    }

    #[test]
    fn what_is_addressed_by_number_fills_a_queue_alone() {
        let queue = queue(SlowPolicy::Drop);
        push(&queue, 1, "one", Destination::Members);
        push(&queue, 1, "two", Destination::Members);
        let pushed = push(&queue, 1, "three", Destination::All);
        assert_eq!(pushed.outcome, Outcome::Evicted);
    }

    #[test]
    fn of_messages_that_wait_the_newest_of_each_address_is_kept() {
        let queue = queue(SlowPolicy::Latest);
        push(&queue, 1, "zero", Destination::All);
        // The session takes it and has nowhere to put it.
        assert!(next(&queue).is_ready());
        push(&queue, 2, "one", Destination::All);
        push(&queue, 2, "red", Destination::Room(1));
        push(&queue, 3, "two", Destination::All);
        push(&queue, 3, "three", Destination::All);
        assert_eq!(waits(&queue), ["red", "three"]);
    }

    #[test]
    fn member_that_waits_for_messages_gets_all_that_come_at_once() {
        let queue = queue(SlowPolicy::Latest);
        assert!(next(&queue).is_pending());
        push(&queue, 1, "one", Destination::All);
        push(&queue, 1, "two", Destination::All);
        assert_eq!(waits(&queue), ["one", "two"]);
    }

    #[test]
    fn close_comes_behind_what_waits_and_then_the_end() {
        let queue = queue(SlowPolicy::Close);
        push(&queue, 1, "one", Destination::All);
        queue.finish(Some(Close::new(4000, "bye")));
        queue.finish(None);
        let (texts, end) = drain(&queue);
        assert_eq!(texts, ["one"]);
        assert!(end.contains("4000"), "{end}");
        assert!(matches!(next(&queue), Poll::Ready(None)));
    }

    #[test]
    fn replay_is_as_much_of_the_end_as_there_is_room_for() {
        let queue = queue(SlowPolicy::Close);
        let history = ["one", "two", "three"].map(message);
        queue.preload(history.iter());
        assert_eq!(waits(&queue), ["two", "three"]);
    }

    fn burst(texts: &[&str]) -> Arc<Burst> {
        Arc::new(Burst::new(texts.iter().copied().map(message).collect()))
    }

    fn push_burst(queue: &Queue, turn: u64, texts: &[&str]) -> Option<bool> {
        let burst = burst(texts);
        queue.push_burst(turn, &burst, size(burst.messages()))
    }

    #[test]
    fn burst_is_taken_out_one_by_one() {
        let queue = queue(SlowPolicy::Close);
        assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
        assert_eq!(push_burst(&queue, 1, &["three"]), None, "there is no room");
        assert!(next(&queue).is_ready());
        assert_eq!(push_burst(&queue, 1, &["three"]), Some(false));
        assert_eq!(waits(&queue), ["two", "three"]);
    }

    #[test]
    fn of_a_burst_as_much_is_dropped_as_has_to_be() {
        let queue = queue(SlowPolicy::Drop);
        assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
        let pushed = push(&queue, 2, "three", Destination::Members);
        assert_eq!((pushed.outcome, pushed.dropped), (Outcome::Taken, 1));
        assert_eq!(waits(&queue), ["two", "three"]);
    }

    #[test]
    fn burst_waits_as_it_is_where_nothing_has_to_wait() {
        let queue = queue(SlowPolicy::Latest);
        assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
        assert!(next(&queue).is_ready());
        assert_eq!(push_burst(&queue, 2, &["three"]), None, "it is not idle");
        push(&queue, 2, "three", Destination::All);
        assert_eq!(waits(&queue), ["three"]);
    }

    /// A wire on which this comes of each write in turn, and what was written by it.
    fn wire(outcomes: &[Written]) -> (Wire, Arc<Mutex<Vec<String>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (written, outcomes) = (Arc::clone(&log), Mutex::new(outcomes.to_vec()));
        let write = move |sendings: &[Sending<'_>]| {
            let outcome = outcomes.lock().remove(0);
            let texts = sendings.iter().flat_map(|sending| match sending {
                Sending::One(shared) => vec![format!("{:?}", shared.message())],
                Sending::Burst(burst) => vec![format!("burst of {}", burst.messages().len())],
            });
            if outcome != Written::Nothing {
                written.lock().push(texts.collect::<Vec<_>>().join(", "));
            }
            outcome
        };
        (Wire::new(write, || false), log)
    }

    /// Whether the session is woken, once it has nothing to do.
    fn is_woken(queue: &Queue, write: impl FnOnce()) -> bool {
        struct Flag(AtomicBool);
        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let next = queue.poll_next(&mut Context::from_waker(&waker));
        assert!(next.is_pending());
        write();
        flag.0.load(Ordering::Relaxed)
    }

    #[test]
    fn what_waits_is_written_at_once_while_the_session_has_nothing_to_do() {
        let queue = queue(SlowPolicy::Close);
        let (wire, log) = wire(&[Written::All]);
        let counted = Arc::clone(wire.written());
        queue.attach(wire);
        let is_woken = is_woken(&queue, || {
            assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
            queue.write();
        });
        assert!(!is_woken);
        assert_eq!(*log.lock(), ["burst of 2"]);
        assert_eq!(counted.traffic(), (2, 20));
        assert_eq!(waits(&queue), [""; 0]);
        let pushed = push(&queue, 2, "three", Destination::All);
        assert_eq!(
            pushed.outcome,
            Outcome::Taken,
            "nothing counts that is written"
        );
    }

    #[test]
    fn session_goes_on_with_what_its_socket_did_not_take() {
        for (outcome, waiting) in [(Written::Begun, vec![]), (Written::Nothing, vec!["one"])] {
            let queue = queue(SlowPolicy::Close);
            queue.attach(wire(&[outcome]).0);
            let is_woken = is_woken(&queue, || {
                push(&queue, 1, "one", Destination::All);
                queue.write();
            });
            assert!(is_woken, "{outcome:?}");
            assert_eq!(waits(&queue), waiting);
        }
    }

    #[test]
    fn nothing_is_written_past_a_session_that_has_something_to_do() {
        let queue = queue(SlowPolicy::Close);
        let (wire, log) = wire(&[]);
        queue.attach(wire);
        push(&queue, 1, "one", Destination::All);
        assert!(next(&queue).is_ready());
        push(&queue, 1, "two", Destination::All);
        queue.write();
        assert!(log.lock().is_empty());
        assert_eq!(waits(&queue), ["two"]);
    }

    #[test]
    fn end_is_left_to_the_session_behind_what_was_written() {
        let queue = queue(SlowPolicy::Close);
        let (wire, log) = wire(&[Written::All]);
        queue.attach(wire);
        let is_woken = is_woken(&queue, || {
            push(&queue, 1, "one", Destination::All);
            queue.0.lock().end = Some(End::Finished(None));
            queue.write();
        });
        assert!(is_woken && log.lock().len() == 1);
        assert!(matches!(next(&queue), Poll::Ready(None)));
    }
}
