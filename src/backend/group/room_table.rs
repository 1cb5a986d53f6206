//! Rooms by path: [`Rooms`]. Who joins makes one, and it goes with its last member.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;

use super::{
    figures::Figures,
    grammar::MemberId,
    options::RoomOptions,
    outside::{Outside, OutsideOfGroup},
    queue::Queue,
    room::{Admission, Room},
    state::NotJoined,
};
use crate::message::Message;

/// All rooms without a program.
#[derive(Debug, Default)]
pub struct Rooms {
    /// A room is in here as long as it has members. Who looks for one, joins or leaves holds this lock, so that nobody
    /// joins a room that goes.
    table: Mutex<Table>,
    figures: Arc<Figures>,
    outside: OnceLock<Arc<Outside>>,
}

#[derive(Debug, Default)]
struct Table {
    open: BTreeMap<String, Arc<Room>>,
    /// Those that no configuration leads to any more: they go with their members.
    retired: Vec<Arc<Room>>,
}

/// A member's place in a room, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    rooms: Arc<Rooms>,
    pub(super) room: Arc<Room>,
    pub(super) id: MemberId,
    pub(super) queue: Arc<Queue>,
    admission: Admission,
}

impl Rooms {
    /// What is counted of them.
    pub fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// Sets where else there are members; once, and before anybody joins.
    pub fn connect(&self, outside: Outside) {
        let _ = self.outside.set(Arc::new(outside));
    }

    /// Where else the rooms of the program at a path have members.
    pub fn outside_of(&self, group: &str) -> Option<OutsideOfGroup> {
        let outside = self.outside.get()?;
        Some(OutsideOfGroup {
            outside: Arc::clone(outside),
            group: group.to_owned(),
        })
    }

    /// Gives somebody a seat in the room of a path.
    pub(super) fn sit_down(
        self: &Arc<Self>,
        name: &str,
        options: &Arc<RoomOptions>,
        admission: Admission,
    ) -> Result<Seat, NotJoined> {
        let mut table = self.table.lock();
        let fits = |room: &&Arc<Room>| room.is_binary == options.is_binary;
        let room = match table.open.get(name).filter(fits) {
            Some(room) => Arc::clone(room),
            None => Arc::new(Room::new(name, options, &self.figures, self.outside.get())),
        };
        let (id, queue) = room.enter(options, admission)?;
        if let Some(other) = table.open.insert(name.to_owned(), Arc::clone(&room))
            && !Arc::ptr_eq(&other, &room)
        {
            table.retired.push(other);
        }
        drop(table);
        room.listen();
        Ok(Seat {
            rooms: Arc::clone(self),
            room,
            id,
            queue,
            admission,
        })
    }

    /// Says something in the room of a path, all of it at once, as somebody who is no member. Cancel safe: no; a part of it is
    /// said then.
    pub async fn say(
        &self,
        name: &str,
        messages: impl IntoIterator<Item = Message, IntoIter: Send>,
    ) {
        let room = self.find(name);
        for message in messages {
            match (&room, self.outside.get()) {
                (Some(room), _) => {
                    room.say(message);
                    if room.is_turn_full() {
                        room.end_turn().write().await;
                    }
                }
                (None, Some(outside)) => outside.publish(name, &message),
                (None, None) => {}
            }
        }
        if let Some(room) = room {
            room.end_turn().write().await;
        }
    }

    /// What was said elsewhere in the room of a path: its members here hear it.
    pub fn hear(&self, name: &str, message: Message) {
        if let Some(room) = self.find(name) {
            room.hear(message);
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Room>> {
        self.table.lock().open.get(name).cloned()
    }

    /// Puts other terms in force: rooms that have some go on, the others keep their members and get no new ones.
    pub fn reconfigure(&self, find: impl Fn(&str) -> Option<Arc<RoomOptions>>) {
        let mut table = self.table.lock();
        let Table { open, retired } = &mut *table;
        open.retain(|name, room| match find(name) {
            Some(options) if options.is_binary == room.is_binary => {
                room.set_options(&options);
                true
            }
            _ => {
                retired.push(Arc::clone(room));
                false
            }
        });
    }

    /// The paths of all rooms, and how many members each has.
    pub fn list(&self) -> Vec<(String, usize)> {
        let table = self.table.lock();
        let rooms = table.open.values().chain(&table.retired);
        rooms
            .map(|room| (room.name.clone(), room.members()))
            .collect()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What it has said without a pause may not have woken anybody yet.
        self.room.end_turn().wake();
        let mut table = self.rooms.table.lock();
        self.room.leave(self.id, self.admission);
        if self.room.members() > 0 {
            return;
        }
        let is_this = |other: &Arc<Room>| Arc::ptr_eq(other, &self.room);
        if table.open.get(&self.room.name).is_some_and(is_this) {
            table.open.remove(&self.room.name);
        }
        table.retired.retain(|other| !is_this(other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{Inbound, MemberOptions, SlowPolicy},
        message::Close,
    };
    use futures_util::{FutureExt, SinkExt, StreamExt};
    use std::any::Any;

    fn options() -> Arc<RoomOptions> {
        Arc::new(RoomOptions {
            is_binary: false,
            max_members: None,
            member: MemberOptions::of(1000, SlowPolicy::Drop),
        })
    }

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    /// What a member is told without waiting.
    fn told(backend: &mut crate::backend::Backend) -> Vec<Message> {
        let mut told = Vec::new();
        while let Some(Some(Ok(said))) = backend.output.next().now_or_never() {
            told.push(said.message().clone());
        }
        told
    }

    /// What goes out, and which rooms are listened to.
    #[derive(Debug, Default)]
    struct Record {
        published: Mutex<Vec<(String, Message)>>,
        listening: Mutex<Vec<String>>,
    }

    struct Listener(Arc<Record>, String);

    impl Drop for Listener {
        fn drop(&mut self) {
            self.0.listening.lock().retain(|room| *room != self.1);
        }
    }

    fn connected() -> (Arc<Rooms>, Arc<Record>) {
        let (rooms, record) = (Arc::new(Rooms::default()), Arc::new(Record::default()));
        let (out, heard) = (Arc::clone(&record), Arc::clone(&record));
        rooms.connect(Outside::new(
            move |room, message| {
                let said = (room.to_owned(), message.clone());
                out.published.lock().push(said);
            },
            move |room| -> Box<dyn Any + Send + Sync> {
                heard.listening.lock().push(room.to_owned());
                Box::new(Listener(Arc::clone(&heard), room.to_owned()))
            },
        ));
        (rooms, record)
    }

    #[tokio::test]
    async fn what_is_said_here_goes_out_and_what_comes_in_does_not() {
        let (rooms, record) = connected();
        let mut member = rooms.join("/a", &options()).expect("a member");
        let said = Inbound::Message(text("here"));
        member.input.send(said).await.expect("it is said");
        rooms.hear("/a", text("there"));
        rooms.hear("/b", text("elsewhere"));
        assert_eq!(told(&mut member), [text("here"), text("there")]);
        rooms.say("/nobody", [text("out")]).await;
        let expected = [("/a", "here"), ("/nobody", "out")];
        let expected = expected.map(|(room, said)| (room.to_owned(), text(said)));
        assert_eq!(*record.published.lock(), expected);
    }

    #[tokio::test]
    async fn room_is_listened_to_while_it_has_members() {
        let (rooms, record) = connected();
        let first = rooms.join("/a", &options()).expect("a member");
        let second = rooms.join("/a", &options()).expect("a member");
        assert_eq!(*record.listening.lock(), ["/a"]);
        drop(first);
        assert_eq!(*record.listening.lock(), ["/a"]);
        drop(second);
        assert_eq!(*record.listening.lock(), [""; 0]);
        assert_eq!(rooms.list(), []);
    }

    #[tokio::test]
    async fn retired_room_keeps_its_members_and_another_is_made_beside_it() {
        let (rooms, _) = connected();
        let mut old = rooms.join("/a", &options()).expect("a member");
        rooms.reconfigure(|_| None);
        let mut new = rooms.join("/a", &options()).expect("a member");
        new.input
            .send(Inbound::Message(text("new")))
            .await
            .expect("said");
        old.input
            .send(Inbound::Message(text("old")))
            .await
            .expect("said");
        assert_eq!(told(&mut old), [text("old")]);
        assert_eq!(told(&mut new), [text("new")]);
        assert_eq!(rooms.list().len(), 2);
        drop(old);
        assert_eq!(rooms.list(), [("/a".to_owned(), 1)]);
    }

    #[tokio::test]
    async fn who_is_about_to_go_hears_what_waits_and_no_more() {
        let (rooms, _) = connected();
        let mut member = rooms.join("/a", &options()).expect("a member");
        let mut other = rooms.join("/a", &options()).expect("a member");
        other
            .input
            .send(Inbound::Message(text("one")))
            .await
            .expect("said");
        let close = Inbound::Close(Close::new(Close::NORMAL, ""));
        member.input.send(close).await.expect("told");
        member.input.close().await.expect("closed");
        other
            .input
            .send(Inbound::Message(text("two")))
            .await
            .expect("said");
        assert_eq!(told(&mut member), [text("one")]);
        assert!(matches!(member.output.next().now_or_never(), Some(None)));
    }

    #[tokio::test]
    async fn turn_of_a_large_room_lets_others_go_on() {
        let rooms = Arc::new(Rooms::default());
        let options = options();
        let join = || rooms.join("/a", &options).expect("a member");
        let mut members: Vec<_> = std::iter::repeat_with(join).take(6000).collect();
        let speaker = &mut members[0].input;
        let mut fed = 0;
        while speaker
            .feed(Inbound::Message(text("x")))
            .now_or_never()
            .is_some()
        {
            fed += 1;
            assert!(fed < 20, "it never yields");
        }
        // All were woken for what was said until then.
        assert_eq!(told(&mut members[5999]).len(), fed);
    }
}
