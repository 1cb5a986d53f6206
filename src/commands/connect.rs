//! `--connect`: a client from its start to its exit status.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tokio::{runtime::Builder, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use wsd::{
    backend::{Linger, Resources, Spawner},
    client::{self, ClientTls, LocalEnd, Options, Outcome},
    config::Client,
    exit_status, logging,
    server::signal::StopSignals,
};

use super::{advice, message::complain, runtime};

/// What the session of a client that was interrupted gets to end in order: a second for the last words of
/// its program, and as much for the closing handshake. A user who types Ctrl-C waits for it.
const STOPPING_GRACE: Duration = Duration::from_secs(2);

/// Is the client, and says what went wrong.
///
/// # Errors
/// When a thread or the runtime cannot be started.
pub(crate) fn run(client: Client) -> Result<ExitCode> {
    let _log =
        logging::init(client.log.level, client.log.format).context("cannot start a thread")?;
    // Before the runtime, and dropped after it: the program ends with the thread that started it.
    let start = || {
        let spawner = Spawner::start()?;
        Ok(Resources::new(spawner))
    };
    let options = client
        .options(start)
        .context("programs cannot be started")?;
    let runtime = runtime::build(&mut Builder::new_multi_thread())?;
    let outcome = runtime.block_on(connect(options));
    // A thread may wait in a read of stdin, for ever.
    runtime.shutdown_background();
    outcome
}

/// Connects until that has ended for good; a signal ends it in order, a second one at once.
async fn connect(options: Options) -> Result<ExitCode> {
    if options.tls.as_ref().is_some_and(ClientTls::trusts_anybody) {
        let url = &options.url;
        warn!("--insecure: {url} may be anybody, and who is in between reads and changes all");
    }
    let mut stops = StopSignals::new().context("signals cannot be caught")?;
    let stop = CancellationToken::new();
    let announcement = announcement(&options);
    let mut work = Box::pin(client::run(&options, announcement.as_deref(), &stop));
    let signal = tokio::select! {
        outcome = &mut work => return Ok(exit_code(&options, outcome)),
        signal = stops.next() => signal,
    };
    stop.cancel();
    tokio::select! {
        _ = &mut work => {}
        _ = stops.next() => {}
        () = sleep(STOPPING_GRACE) => {}
    }
    Ok(ExitCode::from(exit_status::of_signal(signal.into())))
}

/// What a user who sits at a terminal is told of a connection: that it is there, and how it ends. One that waits for
/// no line of theirs needs no word.
fn announcement(options: &Options) -> Option<String> {
    let LocalEnd::Stdio(_, linger) = options.local_end else {
        return None;
    };
    let listens = linger == Some(Linger::Forever);
    let waits_for_a_user = io::stdin().is_terminal() || listens;
    let keys = match listens {
        true => "Ctrl-C ends it",
        false => "Ctrl-D or Ctrl-C ends it",
    };
    let line = format!("connected to {}; {keys}", options.url);
    (io::stderr().is_terminal() && waits_for_a_user).then_some(line)
}

fn exit_code(options: &Options, outcome: Outcome) -> ExitCode {
    let advice = outcome.related_option.map_or("", advice::of_option);
    match (outcome.complaint, outcome.related_option) {
        (Some(complaint), _) => complain(&anyhow!("{complaint}{advice}")),
        (None, Some(_)) => {
            let url = &options.url;
            warn!("{url}: closed, since stdin was empty and no message came for a while; {advice}");
        }
        (None, None) => {}
    }
    ExitCode::from(outcome.status)
}
