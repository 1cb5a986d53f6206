//! From a subject and a machine to a report.

use std::io;

use super::{machine::Machine, measure::measure, report::Report, subject::Subject};
use crate::backend::{Resources, Target};

/// Starts the program, measures it, ends it, or connects to the target, and tells what follows; `machine` was read before the
/// spawner was started, which raises the limit of open files.
///
/// # Errors
/// When the program cannot be started, or the target not be reached: see [`Target::open`](crate::backend::Target::open).
pub async fn examine(
    subject: &Subject,
    machine: Machine,
    resources: &Resources,
) -> io::Result<Report> {
    let measured = measure(subject, resources).await?;
    let mut limits = subject.flags.clone();
    limits.extend(machine.limits);
    // What a session takes nothing of does not limit their number.
    let is_target = !matches!(subject.target, Target::Program(..));
    let is_selective = is_target || subject.is_shared;
    limits.retain(|limit| !is_selective || measured.need.of(limit.resource) > 0);
    Ok(Report {
        name: subject.name.clone(),
        is_target,
        is_stand_in: subject.is_stand_in,
        measured,
        limits,
        notes: machine.notes,
    })
}
