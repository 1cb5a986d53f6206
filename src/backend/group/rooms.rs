//! The rooms of a program: which of its members are in which.

use std::collections::{BTreeSet, HashMap};

use super::grammar::MemberId;

/// Rooms that one member may be in. More would let a program that forgets to take members out grow without end.
const MOST_OF_MEMBER: usize = 64;
/// Rooms of one program.
const MOST: usize = 1000;

/// There are too many rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// Rooms that have members; another is there as soon as one enters.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_name: HashMap<String, Room>,
    /// The names of each member's rooms.
    of_member: HashMap<MemberId, BTreeSet<String>>,
    last_number: u32,
}

/// A room with members.
#[derive(Debug)]
pub(super) struct Room {
    /// Tells it apart from every other room of this program, as its name does, in less space.
    pub(super) number: u32,
    pub(super) members: BTreeSet<MemberId>,
}

impl Rooms {
    /// The room of that name, if there is anybody in it.
    pub(super) fn get(&self, name: &str) -> Option<&Room> {
        self.by_name.get(name)
    }

    /// Puts members into a room: all of them, or none.
    ///
    /// # Errors
    /// There would be too many rooms.
    pub(super) fn enter(&mut self, members: &[MemberId], name: &str) -> Result<(), TooMany> {
        if members.is_empty() {
            return Ok(());
        }
        let has_enough = |member: &MemberId| {
            let rooms = self.of_member.get(member);
            rooms.is_some_and(|rooms| rooms.len() >= MOST_OF_MEMBER && !rooms.contains(name))
        };
        let is_new = !self.by_name.contains_key(name);
        if is_new && self.by_name.len() >= MOST || members.iter().any(has_enough) {
            return Err(TooMany);
        }
        if is_new {
            self.last_number += 1;
        }
        let number = self.last_number;
        let room = self.by_name.entry(name.to_owned()).or_insert_with(|| Room {
            number,
            members: BTreeSet::new(),
        });
        for member in members {
            room.members.insert(*member);
            let rooms = self.of_member.entry(*member).or_default();
            rooms.insert(name.to_owned());
        }
        Ok(())
    }

    /// Takes a member out of a room.
    pub(super) fn exit(&mut self, member: MemberId, name: &str) {
        if let Some(rooms) = self.of_member.get_mut(&member) {
            rooms.remove(name);
            if rooms.is_empty() {
                self.of_member.remove(&member);
            }
        }
        self.remove_from(member, name);
    }

    /// Takes a member out of all rooms.
    pub(super) fn exit_all(&mut self, member: MemberId) {
        for name in self.of_member.remove(&member).unwrap_or_default() {
            self.remove_from(member, &name);
        }
    }

    /// Ends all rooms. Their numbers are not given again.
    pub(super) fn clear(&mut self) {
        self.by_name.clear();
        self.of_member.clear();
    }

    fn remove_from(&mut self, member: MemberId, name: &str) {
        if let Some(room) = self.by_name.get_mut(name) {
            room.members.remove(&member);
            if room.members.is_empty() {
                self.by_name.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(rooms: &Rooms, name: &str) -> Vec<MemberId> {
        let room = rooms.get(name);
        room.map_or(Vec::new(), |room| room.members.iter().copied().collect())
    }

    #[test]
    fn room_is_there_while_it_has_members() {
        let mut rooms = Rooms::default();
        rooms.enter(&[1, 2], "red").expect("a room");
        rooms.enter(&[2], "blue").expect("another");
        assert_eq!(members(&rooms, "red"), [1, 2]);
        rooms.exit(1, "red");
        rooms.exit_all(2);
        assert!(rooms.get("red").is_none() && rooms.get("blue").is_none());
        rooms.exit(7, "red");
        assert!(rooms.of_member.is_empty());
    }

    #[test]
    fn room_that_comes_back_is_another_one() {
        let mut rooms = Rooms::default();
        rooms.enter(&[1], "red").expect("a room");
        let first = rooms.get("red").expect("a room").number;
        rooms.exit(1, "red");
        rooms.enter(&[1], "red").expect("a room");
        assert_ne!(rooms.get("red").expect("a room").number, first);
    }

    #[test]
    fn rooms_of_a_member_and_of_a_program_are_limited() {
        let mut rooms = Rooms::default();
        for number in 0..MOST_OF_MEMBER {
            rooms.enter(&[1], &number.to_string()).expect("a room");
        }
        assert_eq!(rooms.enter(&[2, 1], "more"), Err(TooMany));
        assert!(rooms.get("more").is_none());
        rooms.enter(&[1], "0").expect("it is in there");
        for number in MOST_OF_MEMBER..MOST {
            let member = number as MemberId;
            rooms.enter(&[member], &number.to_string()).expect("a room");
        }
        assert_eq!(rooms.enter(&[5000], "more"), Err(TooMany));
        rooms.enter(&[5000], "0").expect("a room that is there");
    }
}
