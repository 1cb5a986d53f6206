//! What groups and their members are held to.

use std::{num::NonZeroU32, time::Duration};

use crate::backend::process::TerminationTimeouts;

/// The terms of a group: those of its program, and those of each member who joins from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOptions {
    /// Whether lines say to whom they go, and from whom they come.
    pub kind: GroupKind,
    /// How long its program is kept without members.
    pub keep: Keep,
    /// Whether a program that crashes is started again while its members stay.
    pub respawn: bool,
    /// Time between two ticks.
    pub tick: Option<Duration>,
    /// How many members there may be; `None` is no limit.
    pub max_members: Option<usize>,
    /// What a program gets for each step of its end.
    pub termination: TerminationTimeouts,
    /// What it gets to end by itself when the server stops.
    pub drain: Duration,
    /// Longest message that is taken from other machines, in bytes; `None` is no limit.
    pub max_message: Option<usize>,
    /// The terms of each member.
    pub member: MemberOptions,
    /// What helps whose program says lines that are malformed, for the log.
    pub remedy: &'static str,
}

/// The terms of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberOptions {
    /// Bytes that may wait for it.
    pub queue: usize,
    /// What becomes of it when more do.
    pub slow: SlowPolicy,
    /// Messages a second that are taken from it; `None` has no limit.
    pub max_rate: Option<NonZeroU32>,
    /// Whether what it says is thrown away.
    pub is_readonly: bool,
    /// How many messages it is sent that went to all before it came.
    pub history: usize,
}

/// The terms of a room without a program: those of each member who joins from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOptions {
    /// Whether it carries binary messages, and no text.
    pub is_binary: bool,
    /// How many members there may be; `None` is no limit.
    pub max_members: Option<usize>,
    /// Longest message that is taken from other machines, in bytes; `None` is no limit.
    pub max_message: Option<usize>,
    /// The terms of each member.
    pub member: MemberOptions,
}

/// Whether lines have addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// Whatever the program says goes to all.
    Plain,
    /// Each line says to or from whom it is.
    Tagged,
}

/// How long a program is kept without members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// For so long after the last has left.
    For(Duration),
    /// As long as the server runs.
    Always,
}

/// What becomes of a member that takes less than it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowPolicy {
    /// It is closed.
    Close,
    /// The oldest messages to many are left out.
    Drop,
    /// Of the messages to many only the newest of each address waits.
    Latest,
}

impl GroupKind {
    /// Its name, as it is chosen by, and as programs find it.
    pub fn name(self) -> &'static str {
        match self {
            GroupKind::Plain => "plain",
            GroupKind::Tagged => "tagged",
        }
    }
}

#[cfg(test)]
impl GroupOptions {
    /// Terms that leave out what a test does not ask for.
    pub(super) fn of(kind: GroupKind, member: MemberOptions) -> Self {
        GroupOptions {
            kind,
            keep: Keep::Always,
            respawn: false,
            tick: None,
            max_members: None,
            termination: TerminationTimeouts::default(),
            drain: Duration::ZERO,
            max_message: None,
            member,
            remedy: "",
        }
    }
}

#[cfg(test)]
impl MemberOptions {
    /// The same of a member.
    pub(super) fn of(queue: usize, slow: SlowPolicy) -> Self {
        MemberOptions {
            queue,
            slow,
            max_rate: None,
            is_readonly: false,
            history: 0,
        }
    }
}
