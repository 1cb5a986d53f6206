//! A room: members without a program, each of whom hears what any of them says.
//!
//! # How it works
//! It has no task. Who says something puts it into the queues of all by itself, under the lock of the roster: that is
//! what makes one order for all. It writes to them when it has said all that it has to say for the moment, so that they
//! are sent it with one system call each, and what others said meanwhile with it. Nobody waits for a peer, only for one
//! that is just handing out a message.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{
    figures::Figures,
    grammar::MemberId,
    options::RoomOptions,
    outside::{Listening, Outside},
    queue::Queue,
    roster::Roster,
    state::{NotJoined, detached},
    touched::Touched,
};
use crate::message::{Message, Shared, text};

/// A room that has members.
pub(super) struct Room {
    /// Its path.
    pub(super) name: String,
    pub(super) is_binary: bool,
    state: Mutex<State>,
    pub(super) figures: Arc<Figures>,
    /// Where else there may be members.
    outside: Option<Arc<Outside>>,
    /// What they say is listened to until this is dropped.
    listening: OnceLock<Listening>,
}

#[derive(Debug)]
struct State {
    roster: Roster,
    /// Members who do not count for the limit.
    unlimited: usize,
    options: Arc<RoomOptions>,
}

/// Whether somebody counts as one of `--max-members`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// As every client.
    Limited,
    /// As a process of our own user.
    Unlimited,
}

impl Room {
    /// A room without members, yet.
    pub(super) fn new(
        name: &str,
        options: &Arc<RoomOptions>,
        figures: &Arc<Figures>,
        outside: Option<&Arc<Outside>>,
    ) -> Self {
        figures.rooms_open.add(1);
        Room {
            name: name.to_owned(),
            is_binary: options.is_binary,
            state: Mutex::new(State {
                roster: Roster::default(),
                unlimited: 0,
                options: Arc::clone(options),
            }),
            figures: Arc::clone(figures),
            outside: outside.cloned(),
            listening: OnceLock::new(),
        }
    }

    /// Begins to hear what is said elsewhere.
    pub(super) fn listen(self: &Arc<Self>) {
        let Some(outside) = &self.outside else {
            return;
        };
        let room = Arc::downgrade(self);
        let hear = move |bytes| {
            if let Some(room) = room.upgrade() {
                room.hear(bytes);
            }
        };
        self.listening
            .get_or_init(|| outside.listen(&self.name, Box::new(hear)));
    }

    /// How many members there are.
    pub(super) fn members(&self) -> usize {
        self.state.lock().roster.len()
    }

    /// Puts other terms in force; members who are there keep their own.
    pub(super) fn set_options(&self, options: &Arc<RoomOptions>) {
        self.state.lock().options = Arc::clone(options);
    }

    /// Adds a member, on these terms.
    pub(super) fn enter(
        &self,
        options: &Arc<RoomOptions>,
        admission: Admission,
    ) -> Result<(MemberId, Arc<Queue>), NotJoined> {
        let mut state = self.state.lock();
        let members = state.roster.len() - state.unlimited;
        match options.max_members.filter(|most| members >= *most) {
            Some(most) if admission == Admission::Limited => return Err(NotJoined::Full(most)),
            _ => {}
        }
        state.options = Arc::clone(options);
        state.unlimited += usize::from(admission == Admission::Unlimited);
        let entered = state.roster.enter(&options.member);
        drop(state);
        self.figures.members_open.add(1);
        self.figures.members.add(1);
        Ok(entered)
    }

    /// A member is sent nothing more than what waits for it.
    pub(super) fn silence(&self, id: MemberId) {
        let queue = self.state.lock().roster.silence(id);
        if let Some(queue) = queue {
            queue.finish(None);
        }
    }

    /// A member has gone, who was admitted so.
    pub(super) fn leave(&self, id: MemberId, admission: Admission) {
        let mut state = self.state.lock();
        state.roster.leave(id);
        state.unlimited -= usize::from(admission == Admission::Unlimited);
        drop(state);
        self.figures.members_open.subtract(1);
    }

    /// What a member says: all hear it, elsewhere too. Members are sent it by [`Room::end_turn`]. How many they are.
    pub(super) fn say(&self, message: Message) -> usize {
        if let Some(outside) = &self.outside {
            outside.publish(&self.name, &message);
        }
        self.deliver(message)
    }

    /// What was said elsewhere: the members here hear it, unless it is too long.
    fn hear(&self, bytes: Bytes) {
        let limit = self.state.lock().options.max_message;
        if limit.is_some_and(|limit| bytes.len() > limit) {
            self.figures.dropped.size.add(1);
            return;
        }
        self.deliver(Message::Binary(bytes));
        self.end_turn().wake();
    }

    /// All members hear this here. They are sent it by [`Room::end_turn`]. How many they are.
    pub(super) fn deliver(&self, message: Message) -> usize {
        let message = Arc::new(Shared::new(detached(self.typed(message))));
        let mut state = self.state.lock();
        let State {
            roster, options, ..
        } = &mut *state;
        let members = roster.say_to_all(&message);
        roster.keep(&message, &options.member);
        members
    }

    /// A message as this room carries it.
    fn typed(&self, message: Message) -> Message {
        match message {
            Message::Text(text) if self.is_binary => Message::Binary(text.into()),
            Message::Binary(bytes) if !self.is_binary => text(bytes),
            message => message,
        }
    }

    /// Whether what was said has to be delivered before more is.
    pub(super) fn is_turn_full(&self) -> bool {
        self.state.lock().roster.is_turn_full()
    }

    /// Those who were sent something since this was called last.
    pub(super) fn end_turn(&self) -> Touched {
        let (touched, delivery) = self.state.lock().roster.end_turn();
        delivery.count(&self.figures, &self.name);
        touched
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.figures.rooms_open.subtract(1);
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Room")
            .field("name", &self.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
