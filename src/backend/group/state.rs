//! A group: a shared program's members, as its task and their sessions see them.
//!
//! # How it works
//! There are two ways, and each has a lock of its own: the [`Roster`], by which what the program says comes into the
//! queues of members, and the [`Turns`], by which what members say comes to the program. One task has the program's
//! streams (`relay`); a session touches its own queue, its own seat, and nobody else's. Who takes both locks takes the
//! roster's first.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    complaints::Complaints,
    figures::Figures,
    grammar::{Address, Instruction, MemberId, parse},
    options::{GroupKind, GroupOptions, Keep},
    outside::{Listening, OutsideOfGroup},
    queue::Queue,
    roster::{Roster, Stage},
    tagging::Tagging,
    touched::Touched,
    turns::Turns,
};
use crate::{
    backend::stdin::Intake,
    framing::Framing,
    message::{Close, Message, Shared, text},
};

/// Text up to so many bytes is copied out of the buffer that it was read into, which is of this size: else a short
/// line would keep all of it.
const LONG: usize = 32 * 1024;

/// A shared program and its members.
#[derive(Debug)]
pub struct Group {
    /// For operators: its path.
    name: String,
    roster: Mutex<Roster>,
    pub(super) turns: Mutex<Turns>,
    options: Mutex<Arc<GroupOptions>>,
    framing: Framing,
    /// How it tells the program who says what; `None` if it does not.
    pub(super) tagging: Option<Tagging>,
    /// There is something to tell the program, or members have come or gone.
    pub(super) changed: Notify,
    /// The server is stopping.
    pub(super) drain: CancellationToken,
    /// The program has ended, and another may take its place.
    ended: CancellationToken,
    /// The program's file is another one.
    pub(super) replaced: Notify,
    figures: Arc<Figures>,
    /// Where else its rooms have members.
    outside: Option<OutsideOfGroup>,
    complaints: Mutex<Complaints>,
}

/// Why nobody can join a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJoined {
    /// It has as many members as it may have.
    #[error("there are {0} members, as many as may be")]
    Full(usize),
    /// It is coming to its end.
    #[error("it is coming to its end")]
    Over,
}

/// What a group knows of somebody who has joined.
pub(super) struct Entered {
    pub(super) id: MemberId,
    pub(super) queue: Arc<Queue>,
    pub(super) intake: Intake,
}

impl Group {
    /// A group without members, of a program that is not there yet.
    pub fn new(
        name: &str,
        framing: Framing,
        options: Arc<GroupOptions>,
        figures: Arc<Figures>,
        outside: Option<OutsideOfGroup>,
        drain: CancellationToken,
    ) -> Self {
        figures.groups_open.add(1);
        Group {
            name: name.to_owned(),
            roster: Mutex::default(),
            turns: Mutex::default(),
            tagging: (options.kind == GroupKind::Tagged).then(|| Tagging::of(framing)),
            options: Mutex::new(options),
            framing,
            changed: Notify::new(),
            drain,
            ended: CancellationToken::new(),
            replaced: Notify::new(),
            figures,
            outside,
            complaints: Mutex::default(),
        }
    }

    /// How many members there are.
    pub fn members(&self) -> usize {
        self.roster.lock().len()
    }

    /// Its terms, as of now.
    pub(super) fn options(&self) -> Arc<GroupOptions> {
        Arc::clone(&self.options.lock())
    }

    /// Puts other terms in force; members who are there keep their own.
    pub fn set_options(&self, options: &Arc<GroupOptions>) {
        *self.options.lock() = Arc::clone(options);
    }

    /// Whether its program is kept as long as the server runs.
    pub fn is_kept(&self) -> bool {
        self.options().keep == Keep::Always
    }

    /// Lets nobody join any more: it ends with its last member.
    pub fn retire(&self) {
        self.roster.lock().advance(Stage::Retired);
        self.changed.notify_one();
    }

    /// Has its program end, whose file is another one by now: members go, or stay for the next where such are started.
    pub fn replace_program(&self) {
        self.replaced.notify_one();
    }

    /// Retires it if it has no members whose clients are there; whether it has none.
    pub fn yield_place(&self) -> bool {
        let is_empty = {
            let mut roster = self.roster.lock();
            let is_empty = !roster.is_in_use();
            if is_empty {
                roster.advance(Stage::Retired);
            }
            is_empty
        };
        self.changed.notify_one();
        is_empty
    }

    /// Resolves when its program has ended. Cancel safe: yes.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }

    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Adds a member with what there is to tell of it.
    pub(super) fn enter(
        &self,
        options: &Arc<GroupOptions>,
        variables: &[(String, String)],
    ) -> Result<Entered, NotJoined> {
        let intake = Intake::default();
        let mut roster = self.roster.lock();
        if roster.stage() != Stage::Open {
            return Err(NotJoined::Over);
        }
        if let Some(most) = options.max_members.filter(|most| roster.len() >= *most) {
            return Err(NotJoined::Full(most));
        }
        self.set_options(options);
        let (id, queue) = roster.enter(&options.member);
        let join = self.tagging.map(|tagging| tagging.join(id, variables));
        self.turns.lock().enter(id, join, intake.clone());
        drop(roster);
        self.figures.members_open.add(1);
        self.figures.members.add(1);
        self.changed.notify_one();
        Ok(Entered { id, queue, intake })
    }

    /// A member has gone; so it is told, unless it was already.
    pub(super) fn leave(&self, id: MemberId, close: &Close) {
        let leave = self.tagging.map(|tagging| tagging.leave(id, close));
        self.roster.lock().leave(id);
        self.turns.lock().remove(id, leave);
        self.figures.members_open.subtract(1);
        self.changed.notify_one();
    }

    /// A member's client has gone; what it has said may have yet to be told.
    pub(super) fn depart(&self, id: MemberId) {
        self.roster.lock().depart(id);
        self.changed.notify_one();
    }

    /// A member says nothing more, and goes with this.
    pub(super) fn end(&self, id: MemberId, close: &Close) {
        let leave = self.tagging.map(|tagging| tagging.leave(id, close));
        self.turns.lock().end(id, leave);
        self.changed.notify_one();
    }

    /// A member whose session is to end is sent nothing more.
    pub(super) fn silence(&self, id: MemberId) {
        if let Some(queue) = self.roster.lock().silence(id) {
            queue.finish(None);
        }
    }

    /// What the program says; the members for whom it is are sent it by [`Group::end_turn`]. How many that are.
    pub(super) fn say(self: &Arc<Self>, message: Message) -> usize {
        match self.tagging {
            None => {
                let message = Arc::new(Shared::new(detached(message)));
                let options = self.options();
                let mut roster = self.roster.lock();
                let members = roster.say_to_all(&message);
                roster.keep(&message, &options.member);
                members
            }
            Some(_) => self.obey(&message),
        }
    }

    /// What was said in a room of a tagged program elsewhere: its members here hear it as text, unless it is too long.
    pub(super) fn hear(&self, room: &str, bytes: &Bytes) {
        let limit = self.options().max_message;
        if limit.is_some_and(|limit| bytes.len() > limit) {
            self.figures.dropped.size.add(1);
            return;
        }
        let message = Arc::new(Shared::new(detached(text(bytes.clone()))));
        // Who has left meanwhile is no error of this program.
        let _ = self
            .roster
            .lock()
            .deliver(&message, &Address::Room(room), &[]);
        self.end_turn().wake();
    }

    /// Begins to hear what is said in a room elsewhere.
    fn listen(self: &Arc<Self>, room: &str) -> Option<Listening> {
        let (group, name) = (Arc::downgrade(self), room.to_owned());
        let hear = move |bytes| {
            if let Some(group) = group.upgrade() {
                group.hear(&name, &bytes);
            }
        };
        Some(self.outside.as_ref()?.listen(room, Box::new(hear)))
    }

    /// Does what a tagged program says.
    fn obey(self: &Arc<Self>, line: &Message) -> usize {
        let bytes = match line {
            Message::Text(text) => text.as_str().as_bytes(),
            Message::Binary(bytes) => bytes,
        };
        let is_text = matches!(line, Message::Text(_));
        let gone = match parse(bytes) {
            Some(Instruction::Say { to, not, text }) => {
                let message = Arc::new(Shared::new(behind(line, text)));
                if let (Address::Room(room), Some(outside)) = (&to, &self.outside) {
                    outside.publish(room, message.message());
                }
                let reached = self.roster.lock().deliver(&message, &to, &not);
                self.figures.dropped.gone.add(reached.gone);
                return reached.members;
            }
            // Events are text.
            Some(Instruction::Enter { who, room }) if is_text => {
                let listen = || self.listen(room);
                self.roster.lock().enter_room(&who, room, listen).ok()
            }
            Some(Instruction::Exit { who, room }) if is_text => {
                Some(self.roster.lock().exit_room(&who, room))
            }
            Some(Instruction::Close { who, close }) if is_text => {
                let (closed, gone) = self.roster.lock().close(&who, &close);
                // What they say from now on nobody reads, whenever they take what was written to them.
                closed.iter().for_each(|id| self.end(*id, &close));
                Some(gone)
            }
            _ => None,
        };
        match gone {
            Some(gone) => self.figures.dropped.gone.add(gone),
            None => {
                self.figures.dropped.malformed.add(1);
                // What is a line of its kind, and too much, is not helped so.
                let remedy = parse(bytes).is_none().then(|| self.options.lock().remedy);
                self.complaints.lock().malformed(bytes, remedy);
            }
        }
        1
    }

    /// Those who were sent something since this was called last.
    pub(super) fn end_turn(&self) -> Touched {
        let (touched, delivery) = self.roster.lock().end_turn();
        delivery.count(&self.figures, &self.name);
        for id in &delivery.evicted {
            self.end(*id, &Close::new(Close::TRY_AGAIN_LATER, "too slow"));
        }
        touched
    }

    /// Whether what was said has to be delivered before more is.
    pub(super) fn is_turn_full(&self) -> bool {
        self.roster.lock().is_turn_full()
    }

    /// Whether there are members whose clients have not gone, and whether more may come.
    pub(super) fn state(&self) -> (bool, Stage) {
        let roster = self.roster.lock();
        (roster.is_in_use(), roster.stage())
    }

    /// Lets nobody join any more, if nobody is there; whether that is so.
    pub(super) fn close_if_empty(&self) -> bool {
        let mut roster = self.roster.lock();
        if !roster.is_in_use() {
            roster.advance(Stage::Over);
        }
        roster.stage() == Stage::Over
    }

    /// The program has ended, or is about to: all members end with this, behind what it has said.
    pub(super) fn finish(&self, close: Option<&Close>) {
        self.roster.lock().finish(close);
        self.turns.lock().refuse();
    }

    /// A program that has ended is started again while its members stay.
    pub(super) fn restart(&self) {
        self.roster.lock().restart();
        self.turns.lock().restart();
    }

    /// All is over: another group may take this one's place.
    pub fn set_ended(&self) {
        self.ended.cancel();
    }

    /// Its task has gone without bringing it to an end, as a fault of ours would have it: its members end, and another
    /// group may take its place.
    pub fn abandon(&self) {
        self.finish(Some(&Close::new(Close::INTERNAL, "the program was lost")));
        self.set_ended();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.figures.groups_open.subtract(1);
    }
}

/// A message that keeps nothing beside itself in memory.
pub(super) fn detached(message: Message) -> Message {
    match message {
        Message::Text(text) if text.len() < LONG => Message::Text(text.as_str().into()),
        Message::Binary(bytes) if bytes.len() < LONG => Message::Binary(bytes.to_vec().into()),
        long => long,
    }
}

/// What stands at the end of a line, as a message of the line's type.
fn behind(line: &Message, text: &[u8]) -> Message {
    let length = text.len();
    detached(match line {
        Message::Text(line) => {
            let start = line.len() - length;
            match length < LONG {
                true => Message::Text(line.as_str()[start..].into()),
                false => {
                    let rest = Bytes::from(line.clone()).slice(start..);
                    // What follows a TAB of text is text.
                    Message::Text(rest.try_into().unwrap_or_default())
                }
            }
        }
        Message::Binary(bytes) => Message::Binary(bytes.slice(bytes.len() - length..)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &Message) -> &str {
        match message {
            Message::Text(text) => text.as_str(),
            Message::Binary(_) => panic!("it is text"),
        }
    }

    #[test]
    fn short_text_keeps_nothing_of_the_buffer_that_it_was_read_into() {
        let read = Message::Text(format!("*\t{}", "x".repeat(2 * LONG)).into());
        let whole = text(&read).as_bytes().as_ptr_range();
        let of = |length| behind(&read, &text(&read).as_bytes()[2 * LONG + 2 - length..]);
        let (short, long) = (of(10), of(LONG));
        assert_eq!((text(&short).len(), text(&long).len()), (10, LONG));
        assert!(!whole.contains(&text(&short).as_ptr()));
        assert!(whole.contains(&text(&long).as_ptr()));
    }

    #[test]
    fn members_of_a_group_whose_task_is_gone_are_closed() {
        use crate::backend::{MemberOptions, SlowPolicy};
        use futures_util::{FutureExt, StreamExt};

        let member = MemberOptions::of(1024, SlowPolicy::Close);
        let options = Arc::new(GroupOptions::of(GroupKind::Plain, member));
        let framing = Framing::Lines(crate::framing::Newline::Split);
        let group = Arc::new(Group::new(
            "/",
            framing,
            Arc::clone(&options),
            Arc::default(),
            None,
            CancellationToken::new(),
        ));
        let (mut backend, _membership) = group.join(&options, &[]).expect("a member");
        group.abandon();
        let end = backend.output.next().now_or_never().flatten();
        let close = match end {
            Some(Err(crate::backend::BackendError::Closed(close))) => close,
            end => panic!("{end:?}"),
        };
        assert_eq!(close.code, Close::INTERNAL);
        assert!(group.ended().now_or_never().is_some());
        assert!(matches!(group.join(&options, &[]), Err(NotJoined::Over)));
    }
}
