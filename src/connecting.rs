//! A client from its start to its exit status.

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, anyhow};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use wsd::{
    client::{self, Options, Outcome},
    server::signal::StopSignals,
};

/// A client that was stopped by signal number n, as shells say it.
const EXIT_SIGNAL: u8 = 128;
/// What the session of a client that was interrupted gets to end in order: a second for the last words of
/// its program, and as much for the closing handshake. Whoever types Ctrl-C waits for it.
const STOPPING_GRACE: Duration = Duration::from_secs(2);

/// Connects until that has ended for good; a signal ends it in order, a second one at once. `complain`
/// says what went wrong.
pub(crate) async fn connect(options: Options, complain: fn(&anyhow::Error)) -> Result<ExitCode> {
    let mut stops = StopSignals::new()?;
    let stop = CancellationToken::new();
    let mut work = Box::pin(client::run(&options, &stop));
    let signal = tokio::select! {
        outcome = &mut work => return Ok(told(outcome, complain)),
        signal = stops.next() => signal,
    };
    stop.cancel();
    tokio::select! {
        _ = &mut work => {}
        _ = stops.next() => {}
        () = sleep(STOPPING_GRACE) => {}
    }
    Ok(ExitCode::from(EXIT_SIGNAL + signal))
}

fn told(outcome: Outcome, complain: fn(&anyhow::Error)) -> ExitCode {
    if let Some(complaint) = outcome.complaint {
        complain(&anyhow!(complaint));
    }
    ExitCode::from(outcome.status)
}
