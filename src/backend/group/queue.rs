//! A member's queue: what waits to be sent to it, and what becomes of that when it takes less than it is sent.
//!
//! # How it works
//! The group's task puts messages in, the member's session takes them out; a lock is held for as long as that takes.
//! The session is woken once for all that a group says in one turn. What it has taken out no longer counts: the
//! kernel has it, or will have it before the session asks for more.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::options::{MemberOptions, SlowPolicy};
use crate::{
    backend::error::BackendError,
    message::{Close, Shared},
};

/// What a message takes in a queue beside its bytes.
pub(super) const OVERHEAD: usize = 64;
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
    /// Of who waits for the member to be evicted.
    watch: Option<Waker>,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Shared>,
    to: Destination,
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
    fn size(&self) -> usize {
        self.message.message().len() + OVERHEAD
    }

    fn is_to_many(&self) -> bool {
        self.to != Destination::Members
    }
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
            watch: None,
        }))
    }

    /// Puts a message in, of the turn of this number; [`Queue::wake`] is due when the turn is over.
    pub(super) fn push(&self, turn: u64, message: &Arc<Shared>, to: Destination) -> Pushed {
        let mut state = self.0.lock();
        let is_first_of_turn = state.turn != Some(turn);
        if is_first_of_turn {
            state.turn = Some(turn);
            state.was_idle = state.is_idle;
        }
        let entry = Entry {
            message: Arc::clone(message),
            to,
        };
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

    /// Puts in what a member is sent first, as much of its end as it has room for.
    pub(super) fn preload<'a>(&self, messages: impl DoubleEndedIterator<Item = &'a Arc<Shared>>) {
        let mut state = self.0.lock();
        for message in messages.rev() {
            let entry = Entry {
                message: Arc::clone(message),
                to: Destination::All,
            };
            if !state.has_room_for(entry.size()) {
                break;
            }
            state.bytes += entry.size();
            state.waiting.push_front(entry);
        }
    }

    /// Lets the session take what was put in.
    pub(super) fn wake(&self) {
        let session = self.0.lock().session.take();
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
        if let Some(entry) = state.waiting.pop_front() {
            state.bytes -= entry.size();
            state.is_idle = false;
            state.rest();
            return Poll::Ready(Some(Ok(entry.message)));
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

impl State {
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
        let limit = self.limit;
        self.remove_while(|bytes, entry| entry.is_to_many() && bytes + size > limit)
    }

    /// Removes entries, the oldest first, which are told by themselves and by what is left.
    fn remove_while(&mut self, mut is_removed: impl FnMut(usize, &Entry) -> bool) -> usize {
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
}
