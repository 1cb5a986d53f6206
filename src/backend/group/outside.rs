//! Where else rooms have members: [`Outside`], the far end of every room, whatever carries it there.

use std::{any::Any, fmt, sync::Arc};

use bytes::Bytes;

use crate::message::Message;

/// What is said in a room elsewhere is listened to until this is dropped.
pub type Listening = Box<dyn Any + Send + Sync>;

/// What is done with what is said elsewhere; it neither waits nor takes long.
pub type Hear = Box<dyn Fn(Bytes) + Send + Sync>;

type Publish = Box<dyn Fn(&str, &Message) + Send + Sync>;
type Listen = Box<dyn Fn(&str, Hear) -> Listening + Send + Sync>;

/// The way to members of the same rooms on other machines. Neither function waits.
pub struct Outside {
    publish: Publish,
    listen: Listen,
}

impl Outside {
    /// What is said here in the room of a path is for `publish`; `listen` is asked once for each room that has members
    /// here, under a lock, and gives what is said in it elsewhere to what that room hears it by, and to no other: there
    /// may be several rooms of a path, of routes or of times before a reload. Paths are such as `/chat/lobby`.
    pub fn new(
        publish: impl Fn(&str, &Message) + Send + Sync + 'static,
        listen: impl Fn(&str, Hear) -> Listening + Send + Sync + 'static,
    ) -> Self {
        Outside {
            publish: Box::new(publish),
            listen: Box::new(listen),
        }
    }

    pub(super) fn publish(&self, room: &str, message: &Message) {
        (self.publish)(room, message);
    }

    pub(super) fn listen(&self, room: &str, hear: Hear) -> Listening {
        (self.listen)(room, hear)
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

    pub(super) fn listen(&self, room: &str, hear: Hear) -> Listening {
        self.outside.listen(&self.path(room), hear)
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outside").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{GroupKind, GroupOptions, MemberOptions, SlowPolicy, group::state::Group},
        framing::{Framing, Newline},
    };
    use futures_util::{FutureExt, StreamExt};
    use parking_lot::Mutex;
    use tokio_util::sync::CancellationToken;

    const LONGEST: usize = "from elsewhere".len();

    fn options() -> Arc<GroupOptions> {
        let member = MemberOptions::of(1000, SlowPolicy::Drop);
        Arc::new(GroupOptions {
            max_message: Some(LONGEST),
            ..GroupOptions::of(GroupKind::Tagged, member)
        })
    }

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    type Log = Arc<Mutex<Vec<String>>>;

    struct Listener(Log, String);

    impl Drop for Listener {
        fn drop(&mut self) {
            self.0.lock().push(format!("left {}", self.1));
        }
    }

    fn group(log: &Log) -> Arc<Group> {
        let (said, heard) = (Arc::clone(log), Arc::clone(log));
        let outside = Outside::new(
            move |room, message| said.lock().push(format!("{room} {message:?}")),
            move |room, _| {
                heard.lock().push(format!("joined {room}"));
                Box::new(Listener(Arc::clone(&heard), room.to_owned()))
            },
        );
        let outside = OutsideOfGroup {
            outside: Arc::new(outside),
            group: "/game".to_owned(),
        };
        Arc::new(Group::new(
            "/game",
            Framing::Lines(Newline::Split),
            options(),
            Arc::default(),
            Some(outside),
            CancellationToken::new(),
        ))
    }

    #[test]
    fn room_of_a_program_reaches_out_while_it_has_members() {
        let log = Log::default();
        let group = group(&log);
        let (backend, membership) = group.join(&options(), &[]).expect("a member");
        for line in [
            "+1\t#red",
            "#red\thi",
            "*\tall",
            "1\tone",
            "!1\t#red",
            "#red\tempty",
        ] {
            group.say(text(line));
        }
        let hi = format!("/game/red {:?}", text("hi"));
        let empty = format!("/game/red {:?}", text("empty"));
        let expected = ["joined /game/red", &hi, "left /game/red", &empty];
        assert_eq!(*log.lock(), expected);
        drop((backend, membership));
    }

    #[test]
    fn what_comes_in_is_for_members_of_the_room_here_and_goes_no_further() {
        let log = Log::default();
        let group = group(&log);
        let (mut red, _red) = group.join(&options(), &[]).expect("a member");
        let (mut other, _other) = group.join(&options(), &[]).expect("a member");
        group.say(text("+1\t#red"));
        group.hear("red", &"longer than that".into());
        assert_eq!(group.figures().dropped.size.get(), 1);
        group.hear("red", &"from elsewhere".into());
        group.hear("blue", &"to nobody".into());
        let heard = red.output.next().now_or_never().flatten();
        let heard = heard.and_then(Result::ok).expect("a message");
        assert_eq!(*heard.message(), text("from elsewhere"));
        assert!(other.output.next().now_or_never().is_none());
        assert_eq!(*log.lock(), ["joined /game/red"]);
    }
}
