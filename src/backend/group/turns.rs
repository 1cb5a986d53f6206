//! Turns: what members say to their group's program, in the order in which it is told.
//!
//! Each member has a queue of its own, and in each round one message of it is told, so that who floods delays the
//! others by one message and not by all that it has said. Before messages go those who have left, then those who
//! have joined: while a program does not read, nobody becomes known to it, and so what it is owed at the end, a line
//! for each whom it knows, is never more than there are members.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{grammar::MemberId, queue::OVERHEAD};
use crate::backend::stdin::Intake;

/// Bytes that may wait of one member before it is read no more. Less would leave its pings unanswered sooner, more is
/// memory for each who speaks to a program that does not listen.
const LARGEST_UNWRITTEN: usize = 64 * 1024;

/// What waits to be told.
#[derive(Debug, Default)]
pub(super) struct Turns {
    seats: BTreeMap<MemberId, Seat>,
    /// Lines about those who have left.
    leaves: VecDeque<Bytes>,
    /// Those whom the program does not know yet.
    joins: BTreeSet<MemberId>,
    /// Those who have said something, in the order in which they speak.
    speakers: BTreeMap<u64, MemberId>,
    last_turn: u64,
    /// Nobody reads it.
    is_refused: bool,
}

/// A member, as one who says something.
#[derive(Debug)]
struct Seat {
    /// The line that makes it known; `None` where nobody is.
    join: Option<Bytes>,
    is_known: bool,
    said: VecDeque<Bytes>,
    /// What that counts together.
    bytes: usize,
    /// Its place among the speakers, which it keeps while it is not known yet.
    turn: Option<u64>,
    /// It says nothing more; behind what it has said it leaves with this.
    end: Option<Option<Bytes>>,
    session: Option<Waker>,
    intake: Intake,
}

impl Seat {
    fn wake(&mut self) {
        if let Some(session) = self.session.take() {
            session.wake();
        }
    }

    fn forget(&mut self) {
        for bytes in self.said.drain(..) {
            self.intake.count_taken(bytes.len());
        }
        self.said = VecDeque::new();
        self.bytes = 0;
        self.turn = None;
        self.wake();
    }
}

impl Turns {
    /// A member has joined; what is told of it is counted by `intake`.
    pub(super) fn enter(&mut self, id: MemberId, join: Option<Bytes>, intake: Intake) {
        let is_known = join.is_none();
        self.seats.insert(
            id,
            Seat {
                join,
                is_known,
                said: VecDeque::new(),
                bytes: 0,
                turn: None,
                end: None,
                session: None,
                intake,
            },
        );
        if !is_known && !self.is_refused {
            self.joins.insert(id);
        }
    }

    /// Ready when a member may say more.
    pub(super) fn poll_room(&mut self, id: MemberId, context: &mut Context<'_>) -> Poll<()> {
        self.poll_seat(id, context, |seat| seat.bytes < LARGEST_UNWRITTEN)
    }

    /// Ready when all that a member has said was told.
    pub(super) fn poll_told(&mut self, id: MemberId, context: &mut Context<'_>) -> Poll<()> {
        self.poll_seat(id, context, |seat| seat.said.is_empty())
    }

    fn poll_seat(
        &mut self,
        id: MemberId,
        context: &mut Context<'_>,
        is_ready: impl Fn(&Seat) -> bool,
    ) -> Poll<()> {
        match self.seats.get_mut(&id) {
            Some(seat) if !is_ready(seat) => {
                seat.session = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// A member says something. Where nobody reads that any more it is thrown away.
    pub(super) fn push(&mut self, id: MemberId, said: Bytes) {
        let is_refused = self.is_refused;
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        if is_refused || seat.end.is_some() {
            return;
        }
        seat.intake.count_offered(said.len());
        seat.bytes += said.len() + OVERHEAD;
        seat.said.push_back(said);
        self.queue_up(id);
    }

    /// A member says nothing more, and leaves with this line behind what it has said.
    pub(super) fn end(&mut self, id: MemberId, leave: Option<Bytes>) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        seat.end.get_or_insert(leave);
        if seat.said.is_empty() {
            self.remove(id, None);
        }
    }

    /// A member is no more: what it has said and nobody has taken is dropped, and the line is told, unless it leaves
    /// with another.
    pub(super) fn remove(&mut self, id: MemberId, leave: Option<Bytes>) {
        let Some(mut seat) = self.seats.remove(&id) else {
            return;
        };
        self.joins.remove(&id);
        if let Some(turn) = seat.turn {
            self.speakers.remove(&turn);
        }
        seat.forget();
        let leave = seat.end.flatten().or(leave);
        if seat.join.is_some() && seat.is_known && !self.is_refused {
            self.leaves.extend(leave);
        }
    }

    /// The next that the program is told.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if let Some(leave) = self.leaves.pop_front() {
            return Some(leave);
        }
        if let Some(id) = self.joins.pop_first() {
            let seat = self.seats.get_mut(&id)?;
            seat.is_known = true;
            let join = seat.join.clone();
            self.queue_up(id);
            return join;
        }
        let (_, id) = self.speakers.pop_first()?;
        let seat = self.seats.get_mut(&id)?;
        seat.turn = None;
        let said = seat.said.pop_front()?;
        seat.bytes -= said.len() + OVERHEAD;
        seat.intake.count_taken(said.len());
        seat.wake();
        match (seat.said.is_empty(), &seat.end) {
            (false, _) => self.queue_up(id),
            (true, Some(_)) => self.remove(id, None),
            (true, None) => seat.said.shrink_to(0),
        }
        Some(said)
    }

    /// Gives a member its place among the speakers, if it has something to say; who is not known has it later.
    fn queue_up(&mut self, id: MemberId) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        if seat.said.is_empty() {
            return;
        }
        let turn = *seat.turn.get_or_insert_with(|| {
            self.last_turn += 1;
            self.last_turn
        });
        if seat.is_known {
            self.speakers.insert(turn, id);
        }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty() && self.joins.is_empty() && self.speakers.is_empty()
    }

    /// Nobody reads any more, unless a program is started anew.
    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
        self.leaves.clear();
        self.joins.clear();
        self.speakers.clear();
        self.seats.values_mut().for_each(Seat::forget);
        // Who has said its last leaves without a word.
        self.seats.retain(|_, seat| seat.end.is_none());
    }

    /// A program was started anew: it knows nobody, and is told of everybody, and then what has not been told, in the
    /// order in which it was said.
    pub(super) fn restart(&mut self) {
        self.is_refused = false;
        self.leaves.clear();
        self.speakers.clear();
        self.joins.clear();
        let ids: Vec<MemberId> = self.seats.keys().copied().collect();
        for id in ids {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.is_known = seat.join.is_none();
                if !seat.is_known {
                    self.joins.insert(id);
                }
            }
            self.queue_up(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker;

    fn text(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    /// Those of these numbers, who have joined.
    fn turns(ids: &[MemberId]) -> Turns {
        let mut turns = Turns::default();
        for id in ids {
            let join = Some(text(&format!("+{id}")));
            turns.enter(*id, join, Intake::default());
        }
        turns
    }

    fn say(turns: &mut Turns, id: MemberId, words: &[&str]) {
        words.iter().for_each(|word| turns.push(id, text(word)));
    }

    fn told(turns: &mut Turns) -> Vec<String> {
        let next = std::iter::from_fn(|| turns.next());
        next.map(|line| String::from_utf8_lossy(&line).into_owned())
            .collect()
    }

    #[test]
    fn each_says_one_message_a_round() {
        let mut turns = turns(&[1, 2, 3]);
        say(&mut turns, 1, &["a", "b", "c"]);
        say(&mut turns, 3, &["x"]);
        say(&mut turns, 2, &["y"]);
        assert_eq!(told(&mut turns)[..3], ["+1", "+2", "+3"]);
        say(&mut turns, 1, &["a", "b", "c"]);
        say(&mut turns, 3, &["x"]);
        say(&mut turns, 2, &["y"]);
        assert_eq!(told(&mut turns), ["a", "x", "y", "b", "c"]);
        assert!(turns.is_empty());
    }

    #[test]
    fn join_precedes_and_leave_follows_all_that_is_said() {
        let mut turns = turns(&[1]);
        say(&mut turns, 1, &["a", "b"]);
        turns.end(1, Some(text("-1 1000")));
        say(&mut turns, 1, &["late"]);
        turns.remove(1, None);
        assert_eq!(told(&mut turns), [""; 0], "it was never known");
        let mut turns = super::tests::turns(&[1]);
        say(&mut turns, 1, &["a", "b"]);
        assert_eq!(turns.next(), Some(text("+1")));
        turns.end(1, Some(text("-1 1000")));
        assert_eq!(told(&mut turns), ["a", "b", "-1 1000"]);
        assert!(turns.seats.is_empty());
    }

    #[test]
    fn who_is_no_more_leaves_without_the_rest() {
        let mut turns = turns(&[1, 2]);
        turns.next();
        turns.next();
        say(&mut turns, 1, &["a", "b"]);
        turns.remove(1, Some(text("-1 1006")));
        turns.enter(3, Some(text("+3")), Intake::default());
        say(&mut turns, 2, &["x"]);
        assert_eq!(told(&mut turns), ["-1 1006", "+3", "x"]);
    }

    #[test]
    fn program_that_does_not_read_is_owed_no_more_lines_than_it_knows_members() {
        let mut turns = turns(&[1]);
        turns.next();
        turns.remove(1, Some(text("-1")));
        for id in 2..1000 {
            turns.enter(id, Some(text("+")), Intake::default());
            say(&mut turns, id, &["x"]);
            turns.remove(id, Some(text("-")));
        }
        assert_eq!(told(&mut turns), ["-1"]);
        assert!(turns.seats.is_empty() && turns.speakers.is_empty());
    }

    #[test]
    fn member_waits_for_room_until_some_is_told() {
        let mut turns = turns(&[1]);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(turns.poll_room(1, &mut context).is_ready());
        turns.push(1, Bytes::from(vec![b'x'; LARGEST_UNWRITTEN]));
        assert!(turns.poll_room(1, &mut context).is_pending());
        assert!(turns.poll_told(1, &mut context).is_pending());
        turns.next();
        turns.next();
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        assert!(turns.poll_room(1, &mut context).is_ready());
        assert!(turns.poll_told(1, &mut context).is_ready());
    }

    #[test]
    fn new_program_is_told_of_all_in_their_order_and_then_the_rest() {
        let mut turns = turns(&[2, 1]);
        told(&mut turns);
        say(&mut turns, 2, &["a"]);
        say(&mut turns, 1, &["b"]);
        turns.remove(1, Some(text("-1")));
        turns.enter(3, Some(text("+3")), Intake::default());
        turns.restart();
        assert_eq!(told(&mut turns), ["+2", "+3", "a"]);
    }

    #[test]
    fn new_program_is_told_what_was_said_meanwhile_in_the_order_of_saying() {
        let mut turns = turns(&[1, 2, 3]);
        told(&mut turns);
        for id in [3, 2, 1, 3] {
            say(&mut turns, id, &[&format!("of {id}")]);
        }
        turns.enter(4, Some(text("+4")), Intake::default());
        say(&mut turns, 4, &["of 4"]);
        say(&mut turns, 2, &["again"]);
        turns.restart();
        let expected = [
            "+1", "+2", "+3", "+4", "of 3", "of 2", "of 1", "of 4", "of 3", "again",
        ];
        assert_eq!(told(&mut turns), expected);
    }

    #[test]
    fn what_nobody_reads_is_thrown_away_and_nobody_waits() {
        let mut turns = turns(&[1]);
        let mut context = Context::from_waker(std::task::Waker::noop());
        turns.next();
        turns.push(1, Bytes::from(vec![b'x'; LARGEST_UNWRITTEN]));
        turns.refuse();
        assert!(turns.poll_room(1, &mut context).is_ready());
        say(&mut turns, 1, &["x"]);
        turns.enter(2, Some(text("+2")), Intake::default());
        assert!(turns.is_empty());
        turns.restart();
        assert_eq!(told(&mut turns), ["+1", "+2"]);
    }
}
