//! A member's queue: what waits to be sent to it, and what becomes of that when it takes less than it is sent.
//!
//! # How it works
//! The group's task puts messages in, the member's session takes them out; a lock is held for as long as that takes.
//! The session is woken once for all that a group says in one turn. What it has taken out no longer counts: the
//! kernel has it, or will have it before the session asks for more.
//!
//! While the session has nothing to do, whoever ends the turn writes what was put in to the client's wire ([`Wire`](crate::wire::Wire)): that
//! costs less than to wake the session for it. Under the queue's lock, in its order, and all that waits or nothing; so
//! it matters to nobody whether it was the one or the other.

mod entry;
mod member_queue;
mod state;

pub(super) use self::{
    entry::{Destination, OVERHEAD, size},
    member_queue::{Queue, TAKING},
    state::{Outcome, TURN_SHARE},
};

#[cfg(test)]
mod tests;
