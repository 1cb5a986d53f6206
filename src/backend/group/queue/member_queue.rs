//! What waits for one member, as the group's task and the member's session have it in their hands.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    entry::{Content, Destination, Entry},
    state::{End, Outcome, State},
};
use crate::{
    backend::{
        error::BackendError,
        group::options::{MemberOptions, SlowPolicy},
    },
    message::{Close, Shared},
    wire::{Burst, Wire, Written},
};

/// How long it is waited for a session to take something of what waits for it. Shorter would take those for slow whose
/// sessions have to wait for a processor, longer would keep others from what is said when one is about to end.
pub(in crate::backend::group) const TAKING: Duration = Duration::from_millis(200);

/// What came of a message for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::group) struct Pushed {
    pub(in crate::backend::group) outcome: Outcome,
    /// How many messages were left out for it.
    pub(in crate::backend::group) dropped: usize,
    /// Whether these are the first.
    pub(in crate::backend::group) has_become_slow: bool,
    /// Whether it is the first of a turn, so that the member has to be woken at its end.
    pub(in crate::backend::group) is_first_of_turn: bool,
}

/// What waits for one member.
#[derive(Debug)]
pub(in crate::backend::group) struct Queue(pub(super) Mutex<State>);

impl Queue {
    /// An empty one.
    pub(in crate::backend::group) fn new(options: &MemberOptions) -> Self {
        Queue(Mutex::new(State::new(options)))
    }

    /// Puts a message in, of the turn of this number; [`Queue::wake`] is due when the turn is over.
    pub(in crate::backend::group) fn push(
        &self,
        turn: u64,
        message: &Arc<Shared>,
        to: Destination,
    ) -> Pushed {
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
    pub(in crate::backend::group) fn push_burst(
        &self,
        turn: u64,
        burst: &Arc<Burst>,
        size: usize,
    ) -> Option<bool> {
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
    pub(in crate::backend::group) fn attach(&self, wire: Wire) {
        self.0.lock().wire = Some(wire);
    }

    /// Has what was put in written: by the session, or here, if that has nothing to do. Whether so much waits that more
    /// should not be put in before the session has taken what the client takes.
    pub(in crate::backend::group) fn write(&self) -> bool {
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
    pub(in crate::backend::group) fn is_being_taken(&self) -> bool {
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
    pub(in crate::backend::group) fn preload<'a>(
        &self,
        messages: impl DoubleEndedIterator<Item = &'a Arc<Shared>>,
    ) {
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
    pub(in crate::backend::group) fn wake(&self) {
        let session = self.0.lock().take_session();
        if let Some(session) = session {
            session.wake();
        }
    }

    /// Nothing more comes; behind what waits the client is told this, or how its session ends anyway.
    pub(in crate::backend::group) fn finish(&self, close: Option<Close>) {
        self.0.lock().end.get_or_insert(End::Finished(close));
        self.wake();
    }

    /// The next message, or the end; neither for one who is evicted.
    pub(in crate::backend::group) fn poll_next(
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
    pub(in crate::backend::group) fn poll_evicted(&self, context: &mut Context<'_>) -> Poll<Close> {
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
