//! `--doctor`: examines, prints, ends.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::runtime::Builder;

use wsd::{
    backend::{Resources, Spawner, Target},
    doctor::{self, Machine, Subject},
    exit_status,
};

use super::{message::print, runtime};

/// Prints the report; fails if not one session is possible.
pub(crate) fn run(subject: &Subject) -> Result<ExitCode> {
    let machine = Machine::read(subject);
    let spawner = Spawner::start().context("programs cannot be started")?;
    let runtime = runtime::build(&mut Builder::new_current_thread())?;
    let report = runtime
        .block_on(doctor::examine(subject, machine, &Resources::new(spawner)))
        .with_context(|| match subject.target {
            Target::Program(..) => format!("COMMAND '{}' cannot be started", subject.name),
            Target::Socket(_) | Target::Room(_) => "nothing can be measured".to_owned(),
        })?;
    let printed = print(&report.to_string());
    Ok(match report.sessions() {
        Some(0) => ExitCode::from(exit_status::FAILURE),
        _ => printed,
    })
}
