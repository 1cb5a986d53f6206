//! The roster: who is a member, in which rooms, and how a message comes into the queues of those for whom it is.
//!
//! A message is in the queue of each before the next is looked at. Nobody is taken off the list while it is walked: who
//! turns out to be too slow is, behind the walk.
//!
//! # How it works
//! What is said to all, one message behind the other, is put into the queues together ([`Burst`]): when something else
//! follows it, when somebody comes or goes, or when the turn ends. Nobody can tell, but that it costs less.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tracing::{Span, warn};

use super::{
    figures::Figures,
    grammar::{Address, MemberId},
    options::{MemberOptions, SlowPolicy},
    outside::Listening,
    queue::{self, Destination, Outcome, Queue, TURN_SHARE},
    replay::Replay,
    rooms::{Rooms, TooMany},
    touched::Touched,
};
use crate::{
    message::{Close, Shared},
    wire::Burst,
};

/// Bytes of a message from which on it is put into the queues by itself: it is long enough to be sent from where it lies.
const LONG: usize = 8 * 1024;

/// Bytes, as a queue counts them, that are put in together. More would be memory that no queue bounds, less would make
/// more pieces of a burst.
const MOST_AT_ONCE: usize = 128 * 1024;

/// Members and rooms of a group.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Those who are sent messages.
    listeners: BTreeMap<MemberId, Listener>,
    /// Those who have a session, of whom some are sent nothing more.
    open: usize,
    /// Those of them whose clients have gone.
    departed: BTreeSet<MemberId>,
    last_id: MemberId,
    rooms: Rooms,
    replay: Replay,
    stage: Stage,
    /// What was said to all, and is in no queue yet.
    to_all: Vec<Arc<Shared>>,
    /// What that takes, as in a queue.
    to_all_size: usize,
    /// What came of what was put in since that was asked.
    delivery: Delivery,
    turn: u64,
    /// What was said in this turn takes so much of each queue, at most.
    turn_size: usize,
    /// What the smallest queue of all takes.
    smallest_queue: Option<usize>,
    /// Those who were sent something in this turn.
    touched: Vec<Arc<Queue>>,
}

#[derive(Debug)]
struct Listener {
    queue: Arc<Queue>,
    slow: SlowPolicy,
    /// What its lines in the log are told apart by: who finds it slow is another.
    span: Span,
}

/// How far a group has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Others may join.
    #[default]
    Open,
    /// Nobody joins, and it ends with the last member.
    Retired,
    /// Its program ends, or has ended.
    Over,
}

/// What came of what was said.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// How many messages are in queues, each once for each member that has it.
    pub(super) delivered: usize,
    /// Bytes of these.
    pub(super) bytes: usize,
    /// Messages to members who get no more.
    pub(super) gone: usize,
    /// Messages that were left out for it.
    pub(super) dropped: usize,
    /// Those who have begun to be slow, by what becomes of them.
    pub(super) slow: Vec<SlowPolicy>,
    /// Those who are closed since they are slow.
    pub(super) evicted: Vec<MemberId>,
    /// The spans of these.
    evicted_spans: Vec<Span>,
}

/// For whom a message was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Members who have it, or will when the turn ends.
    pub(super) members: usize,
    /// Those for whom it was, and who are not there.
    pub(super) gone: usize,
}

impl Roster {
    /// Adds a member, who is sent first what there is for those who come late. The log tells of it in the span of the
    /// moment.
    pub(super) fn enter(&mut self, options: &MemberOptions) -> (MemberId, Arc<Queue>) {
        self.settle();
        let queue = Arc::new(Queue::new(options));
        queue.preload(self.replay.last(options.history));
        self.last_id += 1;
        let listener = Listener {
            queue: Arc::clone(&queue),
            slow: options.slow,
            span: Span::current(),
        };
        let smallest = match self.listeners.is_empty() {
            true => options.queue,
            false => self
                .smallest_queue
                .map_or(options.queue, |size| size.min(options.queue)),
        };
        self.smallest_queue = Some(smallest);
        self.listeners.insert(self.last_id, listener);
        self.open += 1;
        (self.last_id, queue)
    }

    /// A member's session has ended.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.silence(id);
        self.departed.remove(&id);
        self.open -= 1;
    }

    /// A member's client has gone, and its session has yet to end.
    pub(super) fn depart(&mut self, id: MemberId) {
        self.departed.insert(id);
    }

    /// Whether there are members whose clients have not gone.
    pub(super) fn is_in_use(&self) -> bool {
        self.open > self.departed.len()
    }

    /// A member is sent nothing more.
    pub(super) fn silence(&mut self, id: MemberId) -> Option<Arc<Queue>> {
        self.settle();
        self.remove(id)
    }

    fn remove(&mut self, id: MemberId) -> Option<Arc<Queue>> {
        self.rooms.exit_all(id);
        Some(self.listeners.remove(&id)?.queue)
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// It goes on to another stage; there is no way back.
    pub(super) fn advance(&mut self, stage: Stage) {
        if self.stage != Stage::Over {
            self.stage = stage;
        }
    }

    /// Keeps a message for those who come later.
    pub(super) fn keep(&mut self, message: &Arc<Shared>, options: &MemberOptions) {
        self.replay.push(message, options.history, options.queue);
    }

    /// Says a message to all; how many that are. What came of it is told by [`Roster::end_turn`].
    pub(super) fn say_to_all(&mut self, message: &Arc<Shared>) -> usize {
        if self.listeners.is_empty() {
            return 0;
        }
        self.count_in_turn(message);
        let is_long = message.message().len() >= LONG;
        if is_long {
            self.settle();
        }
        self.to_all.push(Arc::clone(message));
        self.to_all_size += queue::size(std::slice::from_ref(message));
        if is_long || self.to_all_size >= MOST_AT_ONCE {
            self.settle();
        }
        self.listeners.len()
    }

    fn count_in_turn(&mut self, message: &Arc<Shared>) {
        self.turn_size += queue::size(std::slice::from_ref(message));
    }

    /// Whether so much was said that the turn should end, before somebody's queue is full who has not been offered any of it.
    pub(super) fn is_turn_full(&self) -> bool {
        let smallest = self.smallest_queue;
        smallest.is_some_and(|size| self.turn_size >= size / TURN_SHARE)
    }

    /// Puts into the queues what was said to all.
    fn settle(&mut self) {
        let messages = std::mem::take(&mut self.to_all);
        self.to_all_size = 0;
        let evicted = self.delivery.evicted.len();
        match &messages[..] {
            [] => return,
            [message] => {
                let (delivery, touched) = (&mut self.delivery, &mut self.touched);
                for (id, listener) in &self.listeners {
                    delivery.push(*id, listener, self.turn, message, Destination::All, touched);
                }
            }
            _ => self.settle_burst(messages),
        }
        self.remove_evicted(evicted);
    }

    fn settle_burst(&mut self, messages: Vec<Arc<Shared>>) {
        let size = queue::size(&messages);
        let length: usize = messages.iter().map(|shared| shared.message().len()).sum();
        let burst = Arc::new(Burst::new(messages));
        let (delivery, touched) = (&mut self.delivery, &mut self.touched);
        for (id, listener) in &self.listeners {
            match listener.queue.push_burst(self.turn, &burst, size) {
                Some(is_first_of_turn) => {
                    delivery.delivered += burst.messages().len();
                    delivery.bytes += length;
                    if is_first_of_turn {
                        touched.push(Arc::clone(&listener.queue));
                    }
                }
                None => {
                    for message in burst.messages() {
                        delivery.push(*id, listener, self.turn, message, Destination::All, touched);
                    }
                }
            }
        }
    }

    /// Takes those off who were too slow, but for so many who are off already.
    fn remove_evicted(&mut self, before: usize) {
        for place in before..self.delivery.evicted.len() {
            self.remove(self.delivery.evicted[place]);
        }
    }

    /// Puts a message into the queues of those for whom it is. What came of it is told by [`Roster::end_turn`].
    pub(super) fn deliver(
        &mut self,
        message: &Arc<Shared>,
        to: &Address<'_>,
        not: &[MemberId],
    ) -> Reached {
        if let (Address::All, []) = (to, not) {
            return Reached {
                gone: usize::from(self.listeners.is_empty()),
                members: self.say_to_all(message),
            };
        }
        self.settle();
        self.count_in_turn(message);
        let delivery = &mut self.delivery;
        let (before, evicted) = (delivery.delivered, delivery.evicted.len());
        let mut push = |id: MemberId, listener: &Listener, to| {
            if not.binary_search(&id).is_err() {
                let touched = &mut self.touched;
                delivery.push(id, listener, self.turn, message, to, touched);
            }
        };
        let mut gone = 0;
        match to {
            Address::All => {
                for (id, listener) in &self.listeners {
                    push(*id, listener, Destination::All);
                }
                gone += usize::from(self.listeners.is_empty());
            }
            Address::Room(name) => match self.rooms.get(name) {
                Some(room) => {
                    for id in &room.members {
                        if let Some(listener) = self.listeners.get(id) {
                            push(*id, listener, Destination::Room(room.number));
                        }
                    }
                }
                None => gone += 1,
            },
            Address::Members(ids) => {
                for id in ids {
                    match self.listeners.get(id) {
                        Some(listener) => push(*id, listener, Destination::Members),
                        None => gone += 1,
                    }
                }
            }
        }
        self.remove_evicted(evicted);
        Reached {
            members: self.delivery.delivered - before,
            gone,
        }
    }

    /// Those of an address who are there, and how many are not.
    fn find(&self, who: &Address<'_>) -> (Vec<MemberId>, usize) {
        let found: Vec<MemberId> = match who {
            Address::All => self.listeners.keys().copied().collect(),
            Address::Room(name) => match self.rooms.get(name) {
                Some(room) => room.members.iter().copied().collect(),
                None => Vec::new(),
            },
            Address::Members(ids) => {
                let there = |id: &&MemberId| self.listeners.contains_key(id);
                let found: Vec<MemberId> = ids.iter().filter(there).copied().collect();
                let gone = ids.len() - found.len();
                return (found, gone);
            }
        };
        let gone = usize::from(found.is_empty());
        (found, gone)
    }

    /// Puts members into a room; how many of them are not there.
    ///
    /// # Errors
    /// There would be too many rooms.
    pub(super) fn enter_room(
        &mut self,
        who: &Address<'_>,
        room: &str,
        listen: impl FnOnce() -> Option<Listening>,
    ) -> Result<usize, TooMany> {
        let (ids, gone) = self.find(who);
        self.rooms.enter(&ids, room, listen)?;
        Ok(gone)
    }

    /// Takes members out of a room; how many of them are not there.
    pub(super) fn exit_room(&mut self, who: &Address<'_>, room: &str) -> usize {
        let (ids, gone) = self.find(who);
        ids.iter().for_each(|id| self.rooms.exit(*id, room));
        gone
    }

    /// Ends members, behind what waits for them: who they are, and how many of those of the address are not there.
    pub(super) fn close(&mut self, who: &Address<'_>, close: &Close) -> (Vec<MemberId>, usize) {
        let (ids, gone) = self.find(who);
        self.settle();
        for id in &ids {
            if let Some(queue) = self.remove(*id) {
                queue.finish(Some(close.clone()));
            }
        }
        (ids, gone)
    }

    /// Ends all members, behind what waits for them: with this, or as their sessions end anyway. Nobody joins.
    pub(super) fn finish(&mut self, close: Option<&Close>) {
        self.settle();
        self.stage = Stage::Over;
        for listener in self.listeners.values() {
            listener.queue.finish(close.cloned());
        }
        self.listeners.clear();
        self.rooms.clear();
        self.touched = Vec::new();
    }

    /// A program was started anew: it has said nothing, and there are no rooms.
    pub(super) fn restart(&mut self) {
        self.settle();
        self.rooms.clear();
        self.replay = Replay::default();
    }

    /// Ends a turn: those who were sent something are to be written to, and what came of it is to be counted.
    pub(super) fn end_turn(&mut self) -> (Touched, Delivery) {
        self.settle();
        self.turn += 1;
        self.turn_size = 0;
        let touched = std::mem::take(&mut self.touched);
        (Touched::new(touched), std::mem::take(&mut self.delivery))
    }
}

impl Delivery {
    /// Counts it, and logs who was closed in the group of this name.
    pub(super) fn count(&self, figures: &Figures, group: &str) {
        figures.deliveries.add(self.delivered);
        figures.delivery_bytes.add(self.bytes);
        figures.dropped.gone.add(self.gone);
        figures.dropped.slow.add(self.dropped);
        for policy in &self.slow {
            figures.slow.of(*policy).add(1);
        }
        for (id, span) in self.evicted.iter().zip(&self.evicted_spans) {
            warn!(
                parent: span,
                group,
                member = id,
                "too slow: the member is closed, and what waited for it is dropped"
            );
        }
    }

    fn push(
        &mut self,
        id: MemberId,
        listener: &Listener,
        turn: u64,
        message: &Arc<Shared>,
        to: Destination,
        touched: &mut Vec<Arc<Queue>>,
    ) {
        let pushed = listener.queue.push(turn, message, to);
        self.dropped += pushed.dropped;
        match pushed.outcome {
            Outcome::Taken => {
                self.delivered += 1;
                self.bytes += message.message().len();
            }
            Outcome::LeftOut => {}
            Outcome::Evicted => {
                self.evicted.push(id);
                self.evicted_spans.push(listener.span.clone());
            }
            Outcome::Ended => self.gone += 1,
        }
        if pushed.has_become_slow {
            self.slow.push(match pushed.outcome {
                Outcome::Evicted => SlowPolicy::Close,
                _ => listener.slow,
            });
        }
        if pushed.is_first_of_turn {
            touched.push(Arc::clone(&listener.queue));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use std::task::{Context, Poll, Waker};

    fn options(queue: usize) -> MemberOptions {
        MemberOptions::of(queue, SlowPolicy::Close)
    }

    /// Three members, the second of whom has room for one message alone.
    fn roster() -> Roster {
        let mut roster = Roster::default();
        for queue in [1000, 0, 1000] {
            roster.enter(&options(queue));
        }
        roster
    }

    /// For whom a message was that is the only one of its turn, and what came of it.
    fn say(roster: &mut Roster, to: &Address<'_>, not: &[MemberId]) -> (Reached, Delivery) {
        let reached = roster.deliver(&message("x"), to, not);
        let (touched, delivery) = roster.end_turn();
        touched.wake();
        (reached, delivery)
    }

    fn message(text: &str) -> Arc<Shared> {
        Arc::new(Shared::new(Message::Text(text.into())))
    }

    /// What waits for a member.
    fn waits(queue: &Queue) -> String {
        let mut texts = String::new();
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(shared))) = queue.poll_next(&mut context) {
            match shared.message() {
                Message::Text(text) => texts.push_str(text.as_str()),
                Message::Binary(_) => panic!("there is text alone"),
            }
        }
        texts
    }

    #[test]
    fn who_is_too_slow_is_taken_off_behind_the_walk() {
        let mut roster = roster();
        let entered = roster.enter_room(&Address::All, "red", || None);
        assert_eq!(entered, Ok(0));
        assert_eq!(say(&mut roster, &Address::All, &[]).1.delivered, 3);
        let (reached, delivery) = say(&mut roster, &Address::Room("red"), &[]);
        assert_eq!((delivery.delivered, delivery.evicted), (2, vec![2]));
        assert_eq!(delivery.slow, [SlowPolicy::Close]);
        assert_eq!(reached.members, 2);
        let (reached, delivery) = say(&mut roster, &Address::Members(vec![1, 2]), &[]);
        assert_eq!((delivery.delivered, reached.gone), (1, 1));
        assert_eq!(roster.len(), 3, "its session has yet to end");
        roster.leave(2);
        assert_eq!(roster.len(), 2);
    }

    #[test]
    fn each_who_was_sent_something_is_touched_once_a_turn() {
        let mut roster = roster();
        for not in [&[2][..], &[2, 3]] {
            roster.deliver(&message("x"), &Address::All, not);
        }
        assert_eq!(roster.end_turn().0.count(), 2);
        assert_eq!(roster.end_turn().0.count(), 0);
        roster.deliver(&message("x"), &Address::Members(vec![3]), &[]);
        assert_eq!(roster.end_turn().0.count(), 1);
    }

    #[test]
    fn what_is_said_to_all_at_once_keeps_its_place_among_what_is_said_to_some() {
        let mut roster = Roster::default();
        let (_, first) = roster.enter(&options(100_000));
        let (_, second) = roster.enter(&options(100_000));
        for text in ["a", "b"] {
            roster.deliver(&message(text), &Address::All, &[]);
        }
        let (_, late) = roster.enter(&options(100_000));
        roster.deliver(&message("c"), &Address::Members(vec![1]), &[]);
        for text in ["d", "e", "f"] {
            roster.deliver(&message(text), &Address::All, &[]);
        }
        roster.deliver(&message(&"g".repeat(LONG)), &Address::All, &[]);
        roster.deliver(&message("h"), &Address::All, &[]);
        let gone = roster.silence(2);
        roster.deliver(&message("i"), &Address::All, &[]);
        let (touched, delivery) = roster.end_turn();
        assert_eq!((touched.count(), delivery.delivered), (3, 8 + 1 + 6 + 7));
        let g = "g".repeat(LONG);
        assert_eq!(waits(&first), format!("abcdef{g}hi"));
        assert!(gone.is_some_and(|gone| Arc::ptr_eq(&gone, &second)));
        assert_eq!(waits(&second), format!("abdef{g}h"));
        assert_eq!(waits(&late), format!("def{g}hi"));
    }

    #[test]
    fn what_is_said_without_an_end_of_the_turn_is_bounded_by_queues() {
        let mut roster = Roster::default();
        let (_, slow) = roster.enter(&MemberOptions::of(1000, SlowPolicy::Drop));
        for _ in 0..10_000 {
            roster.deliver(&message(&"x".repeat(100)), &Address::All, &[]);
            assert!(roster.to_all_size < MOST_AT_ONCE);
        }
        let (_, delivery) = roster.end_turn();
        assert!(delivery.dropped > 9000);
        assert!(waits(&slow).len() < 1000);
    }

    #[test]
    fn of_what_is_said_at_once_a_member_gets_what_it_has_room_for() {
        let mut roster = Roster::default();
        let queue = 2 * (queue::OVERHEAD + 1);
        let (_, close) = roster.enter(&options(queue));
        let (_, drop) = roster.enter(&MemberOptions::of(queue, SlowPolicy::Drop));
        let (_, latest) = roster.enter(&MemberOptions::of(queue, SlowPolicy::Latest));
        let (_, roomy) = roster.enter(&options(10 * queue));
        for text in ["a", "b", "c"] {
            roster.deliver(&message(text), &Address::All, &[]);
        }
        let (_, delivery) = roster.end_turn();
        assert_eq!((delivery.dropped, delivery.evicted), (2, vec![1]));
        let waiting = [&close, &drop, &latest, &roomy].map(|queue| waits(queue));
        assert_eq!(waiting, ["", "bc", "bc", "abc"]);
    }

    #[test]
    fn those_who_are_not_there_are_counted_once() {
        let mut roster = roster();
        assert_eq!(say(&mut roster, &Address::Room("red"), &[]).0.gone, 1);
        assert_eq!(say(&mut roster, &Address::All, &[9]).0.gone, 0);
        assert_eq!(
            roster.enter_room(&Address::Members(vec![1, 9]), "red", || None),
            Ok(1)
        );
        assert_eq!(roster.exit_room(&Address::Room("blue"), "red"), 1);
        let closed = roster.close(&Address::All, &Close::new(1000, ""));
        assert_eq!(closed, (vec![1, 2, 3], 0));
        assert_eq!(say(&mut roster, &Address::All, &[]).0.gone, 1);
    }
}
