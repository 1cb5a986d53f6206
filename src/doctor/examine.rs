//! From a subject and a machine to a report.

use std::io;

use super::{machine::Machine, measure::measure, report::Report, subject::Subject};
use crate::backend::Resources;

/// Starts the program, measures it, ends it, and tells what follows; `machine` was read before the
/// spawner was started, which raises the limit of open files.
///
/// # Errors
/// When the program cannot be started: see [`Target::open`](crate::backend::Target::open).
pub async fn examine(
    subject: &Subject,
    machine: Machine,
    resources: &Resources,
) -> io::Result<Report> {
    let measured = measure(subject, resources).await?;
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
