//! How many sessions this machine allows: what one takes, measured by starting its program once as a
//! session would, against every limit that is in the way.
//!
//! Nothing is listened on and nothing is changed. What cannot be read is left out.

mod cgroup;
mod limit;
mod machine;
mod need;
mod processes;
mod report;

use std::io;

use crate::backend::{Environment, Resources, Target, TerminationTimeouts};
pub use limit::{Limit, Resource};
pub use machine::Machine;
pub use need::{Measured, Need};
pub use report::Report;

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

/// Starts the program, measures it, ends it, and tells what follows; `machine` was read before the
/// spawner was started, which raises the limit of open files.
///
/// # Errors
/// When the program cannot be started: see [`Target::open`].
pub async fn examine(
    subject: &Subject,
    machine: Machine,
    resources: &Resources,
) -> io::Result<Report> {
    let measured = need::measure(subject, resources).await?;
    let mut limits = subject.flags.clone();
    limits.extend(machine.limits);
    Ok(Report {
        name: subject.name.clone(),
        is_stand_in: subject.is_stand_in,
        measured,
        limits,
        notes: machine.notes,
    })
}
