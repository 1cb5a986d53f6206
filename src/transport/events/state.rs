//! What the ends of an event stream have in common: [`Shared`].
//!
//! # How it works
//! The session's task puts events into the ring, and the task of whoever reads them takes them out; what is handed in
//! goes the other way. A lock is held for a step of that, and nobody is woken beneath it.

use std::{
    task::{Context, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    event::InputForm,
    input::{Input, InputRefused},
    ring::{CAPACITY, Ring},
};
use crate::{message::Close, transport::body::Carriage};

/// One event stream.
#[derive(Debug)]
pub(super) struct Shared {
    /// The session, as its client calls it.
    pub(super) name: String,
    /// How long a client that was lost may take to come again.
    pub(super) resume: Option<Duration>,
    /// How something is handed in.
    pub(super) form: InputForm,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) input: Input,
    pub(super) reader: Reader,
    /// Which of those that have read, one after another, reads now.
    pub(super) generation: u64,
    /// A comment is to be sent.
    pub(super) is_comment_due: bool,
    pub(super) end: End,
    /// What the client has closed with.
    pub(super) client_close: Option<Close>,
    pub(super) wakers: Wakers,
}

/// Whether somebody takes the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Present,
    /// Nobody does, since then.
    Lost(Instant),
}

/// How far the end of a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It goes on.
    None,
    /// It has ended with this, which is to be sent.
    Said(Close),
    /// That was sent.
    Sent,
    /// It is gone without a word.
    Gone,
}

/// Who waits for something.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    pub(super) reader: Option<Waker>,
    pub(super) incoming: Option<Waker>,
    pub(super) outgoing: Option<Waker>,
    /// Who has something to hand in.
    pub(super) room: Option<Waker>,
}

/// Who is to be woken behind a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wake {
    reader: bool,
    incoming: bool,
    outgoing: bool,
    room: bool,
}

impl Wake {
    pub(super) const NOBODY: Wake = Wake {
        reader: false,
        incoming: false,
        outgoing: false,
        room: false,
    };
    pub(super) const READER: Wake = Wake {
        reader: true,
        ..Wake::NOBODY
    };
    /// Who waits for room, or for the end to be sent.
    pub(super) const OUTGOING: Wake = Wake {
        outgoing: true,
        ..Wake::NOBODY
    };
    pub(super) const SESSION: Wake = Wake {
        incoming: true,
        ..Wake::OUTGOING
    };
    /// Who waits to hand something in.
    pub(super) const ROOM: Wake = Wake {
        room: true,
        ..Wake::NOBODY
    };
    pub(super) const ALL: Wake = Wake {
        reader: true,
        room: true,
        ..Wake::SESSION
    };

    fn take(self, wakers: &mut Wakers) -> [Option<Waker>; 4] {
        let taken = |is_meant: bool, waker: &mut Option<Waker>| waker.take_if(|_| is_meant);
        [
            taken(self.incoming, &mut wakers.incoming),
            taken(self.outgoing, &mut wakers.outgoing),
            taken(self.reader, &mut wakers.reader),
            taken(self.room, &mut wakers.room),
        ]
    }
}

/// Has a task woken.
pub(super) fn register(waker: &mut Option<Waker>, context: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waker = Some(context.waker().clone()),
    }
}

impl Shared {
    pub(super) fn new(
        name: String,
        resume: Option<Duration>,
        carriage: Carriage,
        form: InputForm,
    ) -> Self {
        Shared {
            name,
            resume,
            form,
            state: Mutex::new(State {
                ring: Ring::default(),
                input: Input::new(carriage),
                reader: Reader::Present,
                generation: 0,
                is_comment_due: false,
                end: End::None,
                client_close: None,
                wakers: Wakers::default(),
            }),
        }
    }

    /// Looks at the state.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock())
    }

    /// Changes the state, and wakes whoever is told to be.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> (T, Wake)) -> T {
        let (outcome, wakers) = {
            let mut state = self.state.lock();
            let (outcome, wake) = change(&mut state);
            (outcome, wake.take(&mut state.wakers))
        };
        for waker in wakers.into_iter().flatten() {
            waker.wake();
        }
        outcome
    }

    /// When a client that was lost may come no more; `None` while it is there.
    pub(super) fn deadline(&self, state: &State) -> Option<Instant> {
        match state.reader {
            Reader::Present => None,
            Reader::Lost(since) => Some(since + self.resume.unwrap_or_default()),
        }
    }

    /// What is kept of what was sent, in bytes.
    pub(super) fn kept(&self) -> usize {
        self.resume.map_or(0, |_| CAPACITY)
    }
}

impl State {
    /// Whether another event may be said. While nobody reads, nothing is dropped for it that a client may not have.
    pub(super) fn has_room(&self) -> bool {
        match self.reader {
            Reader::Present => self.ring.waiting() < CAPACITY,
            Reader::Lost(_) => self.ring.kept() < CAPACITY,
        }
    }

    /// Whether something may be handed in.
    pub(super) fn check_input(&self) -> Result<(), InputRefused> {
        if self.is_over() || self.input.is_over() {
            return Err(InputRefused::Ended);
        }
        match self.input.is_full() {
            true => Err(InputRefused::Full),
            false => Ok(()),
        }
    }

    /// Whether the session has ended, as far as the client may know.
    pub(super) fn is_over(&self) -> bool {
        self.end != End::None || self.client_close.is_some()
    }
}
