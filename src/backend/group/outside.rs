//! Where else rooms have members: [`Outside`], the far end of every room, whatever carries it there.

use std::{any::Any, fmt, sync::Arc};

use crate::message::Message;

/// What is said in a room elsewhere is listened to until this is dropped.
pub type Listening = Box<dyn Any + Send + Sync>;

type Publish = Box<dyn Fn(&str, &Message) + Send + Sync>;
type Listen = Box<dyn Fn(&str) -> Listening + Send + Sync>;

/// The way to members of the same rooms on other machines. Neither function waits.
pub struct Outside {
    publish: Publish,
    listen: Listen,
}

impl Outside {
    /// What is said here in the room of a path is for `publish`; `listen` is asked once for each room that has members
    /// here, under a lock, and what it hears of it then comes by [`Rooms::hear`](super::Rooms::hear), or by
    /// [`Group::hear`](super::Group::hear) for rooms of a program. Paths are such as `/chat/lobby`.
    pub fn new(
        publish: impl Fn(&str, &Message) + Send + Sync + 'static,
        listen: impl Fn(&str) -> Listening + Send + Sync + 'static,
    ) -> Self {
        Outside {
            publish: Box::new(publish),
            listen: Box::new(listen),
        }
    }

    pub(super) fn publish(&self, room: &str, message: &Message) {
        (self.publish)(room, message);
    }

    pub(super) fn listen(&self, room: &str) -> Listening {
        (self.listen)(room)
    }
}

/// The way to members of the same rooms of a program on other machines.
#[derive(Debug, Clone)]
pub struct OutsideOfGroup {
    /// The way there.
    pub outside: Arc<Outside>,
    /// The group's path, which those of its rooms lie beneath.
    pub group: String,
}

impl OutsideOfGroup {
    fn path(&self, room: &str) -> String {
        format!("{}/{room}", self.group.trim_end_matches('/'))
    }

    pub(super) fn publish(&self, room: &str, message: &Message) {
        self.outside.publish(&self.path(room), message);
    }

    pub(super) fn listen(&self, room: &str) -> Listening {
        self.outside.listen(&self.path(room))
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outside").finish_non_exhaustive()
    }
}
