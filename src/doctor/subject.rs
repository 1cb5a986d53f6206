//! What is to be examined: a program, and the limits that flags set.

use super::limit::Limit;
use crate::backend::{Environment, Target, TerminationTimeouts};

/// What is to be examined.
#[derive(Debug)]
pub struct Subject {
    /// The program of a session.
    pub target: Target,
    /// What it finds in its environment.
    pub environment: Environment,
    /// The program and its arguments, for people.
    pub name: String,
    /// Whether it stands for one that was not given.
    pub is_stand_in: bool,
    /// Whether all sessions have it together.
    pub is_shared: bool,
    /// What it gets to end.
    pub patience: TerminationTimeouts,
    /// The limits that were set by flags.
    pub flags: Vec<Limit>,
    /// The user that the program runs as, and how many processes that one may have, where they are not
    /// wsd's own.
    pub user: Option<u32>,
    /// See `user`; with it, what sets another limit.
    pub processes: Option<(u64, &'static str)>,
    /// Connections that wait to be accepted, as listeners ask for.
    pub backlog: u64,
}
