//! The roster: who is a member, in which rooms, and how a message comes into the queues of those for whom it is.
//!
//! A message is in the queue of each before the next is looked at. Nobody is taken off the list while it is walked: who
//! turns out to be too slow is, behind the walk.

use std::{collections::BTreeMap, sync::Arc};

use tracing::warn;

use super::{
    figures::Figures,
    grammar::{Address, MemberId},
    options::{MemberOptions, SlowPolicy},
    outside::Listening,
    queue::{Destination, Outcome, Queue},
    replay::Replay,
    rooms::{Rooms, TooMany},
};
use crate::message::{Close, Shared};

/// Members and rooms of a group.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Those who are sent messages.
    listeners: BTreeMap<MemberId, Listener>,
    /// Those who have a session, of whom some are sent nothing more.
    open: usize,
    last_id: MemberId,
    rooms: Rooms,
    replay: Replay,
    stage: Stage,
    turn: u64,
    /// Those who were sent something in this turn.
    touched: Vec<Arc<Queue>>,
}

#[derive(Debug)]
struct Listener {
    queue: Arc<Queue>,
    slow: SlowPolicy,
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

/// What came of one instruction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Delivery {
    /// How many members have it in their queues.
    pub(super) delivered: usize,
    /// Those for whom it was, and who are not there.
    pub(super) gone: usize,
    /// Messages that were left out for it.
    pub(super) dropped: usize,
    /// Those who have begun to be slow, by what becomes of them.
    pub(super) slow: Vec<SlowPolicy>,
    /// Those who are closed since they are slow.
    pub(super) evicted: Vec<MemberId>,
}

impl Roster {
    /// Adds a member, who is sent first what there is for those who come late.
    pub(super) fn enter(&mut self, options: &MemberOptions) -> (MemberId, Arc<Queue>) {
        let queue = Arc::new(Queue::new(options));
        queue.preload(self.replay.last(options.history));
        self.last_id += 1;
        let listener = Listener {
            queue: Arc::clone(&queue),
            slow: options.slow,
        };
        self.listeners.insert(self.last_id, listener);
        self.open += 1;
        (self.last_id, queue)
    }

    /// A member's session has ended.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.silence(id);
        self.open -= 1;
    }

    /// A member is sent nothing more.
    pub(super) fn silence(&mut self, id: MemberId) -> Option<Arc<Queue>> {
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

    /// Puts a message into the queues of those for whom it is.
    pub(super) fn deliver(
        &mut self,
        message: &Arc<Shared>,
        to: &Address<'_>,
        not: &[MemberId],
    ) -> Delivery {
        let mut delivery = Delivery::default();
        let mut push = |id: MemberId, listener: &Listener, to| {
            if not.binary_search(&id).is_err() {
                let touched = &mut self.touched;
                delivery.push(id, listener, self.turn, message, to, touched);
            }
        };
        match to {
            Address::All => {
                for (id, listener) in &self.listeners {
                    push(*id, listener, Destination::All);
                }
                delivery.gone += usize::from(self.listeners.is_empty());
            }
            Address::Room(name) => match self.rooms.get(name) {
                Some(room) => {
                    for id in &room.members {
                        if let Some(listener) = self.listeners.get(id) {
                            push(*id, listener, Destination::Room(room.number));
                        }
                    }
                }
                None => delivery.gone += 1,
            },
            Address::Members(ids) => {
                let mut gone = 0;
                for id in ids {
                    match self.listeners.get(id) {
                        Some(listener) => push(*id, listener, Destination::Members),
                        None => gone += 1,
                    }
                }
                delivery.gone += gone;
            }
        }
        for id in &delivery.evicted {
            self.silence(*id);
        }
        delivery
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

    /// Ends members, behind what waits for them; how many of them are not there.
    pub(super) fn close(&mut self, who: &Address<'_>, close: &Close) -> usize {
        let (ids, gone) = self.find(who);
        for id in ids {
            if let Some(queue) = self.silence(id) {
                queue.finish(Some(close.clone()));
            }
        }
        gone
    }

    /// Ends all members, behind what waits for them: with this, or as their sessions end anyway. Nobody joins.
    pub(super) fn finish(&mut self, close: Option<&Close>) {
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
        self.rooms.clear();
        self.replay = Replay::default();
    }

    /// Ends a turn; those who were sent something are to be woken.
    pub(super) fn end_turn(&mut self) -> Vec<Arc<Queue>> {
        self.turn += 1;
        std::mem::take(&mut self.touched)
    }
}

impl Delivery {
    /// Counts it; the message has so many bytes.
    pub(super) fn count(&self, figures: &Figures, length: usize) {
        figures.deliveries.add(self.delivered);
        figures.delivery_bytes.add(self.delivered * length);
        figures.dropped.gone.add(self.gone);
        figures.dropped.slow.add(self.dropped);
        for policy in &self.slow {
            figures.slow.of(*policy).add(1);
        }
        for id in &self.evicted {
            warn!(
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
            Outcome::Taken => self.delivered += 1,
            Outcome::LeftOut => {}
            Outcome::Evicted => self.evicted.push(id),
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

    fn say(roster: &mut Roster, to: &Address<'_>, not: &[MemberId]) -> Delivery {
        let message = Arc::new(Shared::new(Message::Text("x".into())));
        roster.deliver(&message, to, not)
    }

    #[test]
    fn who_is_too_slow_is_taken_off_behind_the_walk() {
        let mut roster = roster();
        let entered = roster.enter_room(&Address::All, "red", || None);
        assert_eq!(entered, Ok(0));
        assert_eq!(say(&mut roster, &Address::All, &[]).delivered, 3);
        let delivery = say(&mut roster, &Address::Room("red"), &[]);
        assert_eq!((delivery.delivered, delivery.evicted), (2, vec![2]));
        assert_eq!(delivery.slow, [SlowPolicy::Close]);
        let delivery = say(&mut roster, &Address::Members(vec![1, 2]), &[]);
        assert_eq!((delivery.delivered, delivery.gone), (1, 1));
        assert_eq!(roster.len(), 3, "its session has yet to end");
        roster.leave(2);
        assert_eq!(roster.len(), 2);
    }

    #[test]
    fn each_who_was_sent_something_is_woken_once_a_turn() {
        let mut roster = roster();
        for not in [&[2][..], &[2, 3]] {
            say(&mut roster, &Address::All, not);
        }
        assert_eq!(roster.end_turn().len(), 2);
        assert_eq!(roster.end_turn().len(), 0);
        say(&mut roster, &Address::Members(vec![3]), &[]);
        assert_eq!(roster.end_turn().len(), 1);
    }

    #[test]
    fn those_who_are_not_there_are_counted_once() {
        let mut roster = roster();
        assert_eq!(say(&mut roster, &Address::Room("red"), &[]).gone, 1);
        assert_eq!(say(&mut roster, &Address::All, &[9]).gone, 0);
        assert_eq!(
            roster.enter_room(&Address::Members(vec![1, 9]), "red", || None),
            Ok(1)
        );
        assert_eq!(roster.exit_room(&Address::Room("blue"), "red"), 1);
        assert_eq!(roster.close(&Address::All, &Close::new(1000, "")), 0);
        assert_eq!(say(&mut roster, &Address::All, &[]).gone, 1);
    }
}
