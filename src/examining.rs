//! `--doctor`: examines, prints, ends.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};

use wsd::{
    backend::Spawner,
    doctor::{self, Machine, Subject},
};

/// Prints the report; fails if not one session is possible.
pub(crate) fn examine(subject: &Subject) -> Result<ExitCode> {
    let machine = Machine::read(subject);
    let spawner = Spawner::start().context("cannot start a thread")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime
        .block_on(doctor::examine(subject, machine, &spawner))
        .with_context(|| format!("COMMAND '{}' cannot be started", subject.name))?;
    let _ = write!(io::stdout(), "{report}");
    Ok(match report.sessions() {
        Some(0) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}
