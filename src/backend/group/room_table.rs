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

/// By path, and by whether they carry bytes: routes may differ in that, or times before and after a reload.
///
/// Nobody joins one that no configuration leads to any more. It is found again if one does.
type Table = BTreeMap<(String, bool), Arc<Room>>;

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
        let key = (name.to_owned(), options.is_binary);
        let room = match table.get(&key) {
            Some(room) => Arc::clone(room),
            None => Arc::new(Room::new(name, options, &self.figures, self.outside.get())),
        };
        let (id, queue) = room.enter(options, admission)?;
        table.entry(key).or_insert_with(|| Arc::clone(&room));
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

    /// Says something in the room of a path, all of it at once, as somebody who is no member: in that of text and in that
    /// of bytes, if there are both. Cancel safe: no; a part of it is said then.
    pub async fn say(
        &self,
        name: &str,
        messages: impl IntoIterator<Item = Message, IntoIter: Send>,
    ) {
        let rooms = self.find(name);
        for message in messages {
            if let Some(outside) = self.outside.get() {
                outside.publish(name, &message);
            }
            for room in &rooms {
                room.deliver(message.clone());
                if room.is_turn_full() {
                    room.end_turn().write().await;
                }
            }
        }
        for room in rooms {
            room.end_turn().write().await;
        }
    }

    /// The rooms of a path.
    fn find(&self, name: &str) -> Vec<Arc<Room>> {
        let table = self.table.lock();
        let keys = [false, true].map(|is_binary| (name.to_owned(), is_binary));
        keys.iter()
            .filter_map(|key| table.get(key).cloned())
            .collect()
    }

    /// Puts other terms in force, of paths and of whether they are about bytes. Rooms that have none go on for those who
    /// are there, on the terms of before.
    pub fn reconfigure(&self, find: impl Fn(&str, bool) -> Option<Arc<RoomOptions>>) {
        for ((name, is_binary), room) in &*self.table.lock() {
            if let Some(options) = find(name, *is_binary) {
                room.set_options(&options);
            }
        }
    }

    /// The paths of all rooms, and how many members each has.
    pub fn list(&self) -> Vec<(String, usize)> {
        let table = self.table.lock();
        let rooms = table.values();
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
        table.remove(&(self.room.name.clone(), self.room.is_binary));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{Inbound, MemberOptions, SlowPolicy, group::outside::Hear},
        message::Close,
    };
    use futures_util::{FutureExt, SinkExt, StreamExt};
    use std::any::Any;

    const LONGEST: usize = 9;

    fn options() -> Arc<RoomOptions> {
        Arc::new(RoomOptions {
            is_binary: false,
            max_members: None,
            max_message: Some(LONGEST),
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
    #[derive(Default)]
    struct Record {
        published: Mutex<Vec<(String, Message)>>,
        listening: Mutex<Vec<(String, Arc<Hear>)>>,
    }

    impl Record {
        fn listening(&self) -> Vec<String> {
            let listening = self.listening.lock();
            listening.iter().map(|(room, _)| room.clone()).collect()
        }

        /// Says something elsewhere.
        fn tell(&self, room: &str, said: &'static str) {
            let listening = self.listening.lock().clone();
            let of_room = listening.iter().filter(|(name, _)| name == room);
            of_room.for_each(|(_, hear)| hear(said.into()));
        }
    }

    struct Listener(Arc<Record>, Arc<Hear>);

    impl Drop for Listener {
        fn drop(&mut self) {
            let mut listening = self.0.listening.lock();
            listening.retain(|(_, hear)| !Arc::ptr_eq(hear, &self.1));
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
            move |room, hear| -> Box<dyn Any + Send + Sync> {
                let hear = Arc::new(hear);
                let listener = (room.to_owned(), Arc::clone(&hear));
                heard.listening.lock().push(listener);
                Box::new(Listener(Arc::clone(&heard), hear))
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
        record.tell("/a", "there");
        record.tell("/a", "0123456789");
        assert_eq!(told(&mut member), [text("here"), text("there")]);
        assert_eq!(rooms.figures().dropped.size.get(), 1);
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
        assert_eq!(record.listening(), ["/a"]);
        drop(first);
        assert_eq!(record.listening(), ["/a"]);
        drop(second);
        assert_eq!(record.listening(), [""; 0]);
        assert_eq!(rooms.list(), []);
    }

    #[tokio::test]
    async fn room_of_text_and_room_of_bytes_of_a_path_are_two() {
        let (rooms, record) = connected();
        let of_bytes = RoomOptions {
            is_binary: true,
            ..*options()
        };
        let mut first = rooms.join("/a", &options()).expect("a member");
        let bytes = rooms.join("/a", &Arc::new(of_bytes));
        let mut bytes = bytes.expect("a member");
        let mut second = rooms.join("/a", &options()).expect("a member");
        let said = Inbound::Message(text("text"));
        first.input.send(said).await.expect("said");
        record.tell("/a", "there");
        rooms.say("/a", [text("both")]).await;
        let heard = ["text", "there", "both"];
        for member in [&mut first, &mut second] {
            assert_eq!(told(member), heard.map(text));
        }
        let heard = ["there", "both"].map(|said| Message::Binary(said.into()));
        assert_eq!(told(&mut bytes), heard);
        assert_eq!(record.published.lock().len(), 2);
        let expected = [("/a".to_owned(), 2), ("/a".to_owned(), 1)];
        assert_eq!(rooms.list(), expected);
        drop((first, second));
        assert_eq!(rooms.list(), expected[1..]);
        assert_eq!(record.listening(), ["/a"]);
    }

    #[tokio::test]
    async fn room_that_has_no_terms_any_more_keeps_its_members_and_is_found_when_it_has() {
        let (rooms, record) = connected();
        let mut old = rooms.join("/a", &options()).expect("a member");
        rooms.reconfigure(|_, _| None);
        record.tell("/a", "there");
        assert_eq!(told(&mut old), [text("there")]);
        let mut new = rooms.join("/a", &options()).expect("a member");
        let said = Inbound::Message(text("new"));
        new.input.send(said).await.expect("said");
        assert_eq!(told(&mut old), [text("new")]);
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
