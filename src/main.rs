//! `wsd`: arguments, configuration, server, exit status.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use tracing::{Level, event};

use wsd::{
    args::{Args, Words},
    backend::Spawner,
    config::{Config, file::File},
    http::Handler,
    init, logging,
    server::{self, listener::Listener, signal},
};

/// Wrong usage or configuration.
const EXIT_USAGE: u8 = 2;
/// A stop by signal number n that was not waited for, as shells say it.
const EXIT_SIGNAL: u8 = 128;

/// What sessions that are cut off get to kill their programs.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let outcome = match init::is_needed() {
        true => init::run().context("as process 1"),
        false => start(),
    };
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Says what is wrong; a stderr that is closed is no reason to panic.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "error: {error:#}");
}

fn start() -> Result<ExitCode> {
    let typed: Vec<_> = env::args_os().skip(1).collect();
    let args = match Args::parse_from_words(typed.clone()) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return Ok(ExitCode::from(error.exit_code() as u8));
        }
    };
    if args.license {
        let _ = io::stdout().write_all(include_bytes!("../LICENSE"));
        return Ok(ExitCode::SUCCESS);
    }
    let (args, config) = match configure(args, typed) {
        Ok(configured) => configured,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    if args.check_config {
        let _ = writeln!(io::stdout(), "the configuration is fine");
        return Ok(ExitCode::SUCCESS);
    }
    let _log = logging::init(args.loglevel, args.log_format).context("cannot start a thread")?;
    // Before the runtime, and dropped after it: programs end with the thread that started them.
    let spawner = Spawner::start().context("cannot start a thread")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(config, spawner.clone()));
    // Drops the sessions that are left, which kills their programs; a thread that waits for a disk or a
    // name server is not waited for.
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// What was typed and what is written, together and checked.
fn configure(args: Args, typed: Vec<OsString>) -> Result<(Args, Config)> {
    let Some(path) = &args.config else {
        let config = Config::new(&args)?;
        return Ok((args, config));
    };
    let file = File::read(path)?;
    let args = file.merge(&Words::new(typed)?)?;
    let config = Config::new(&args).map_err(|error| file.locate(error))?;
    Ok((args, config))
}

/// Serves until a signal; a second one does not wait for anything.
async fn serve(config: Config, spawner: Spawner) -> Result<ExitCode> {
    let mut signals = signal::StopSignals::new()?;
    signal::ignore_hangup()?;
    let listeners = Listener::bind_all(&config.addresses, config.port)?;
    for listener in &listeners {
        let url = listener.url(config.scheme);
        let scope = match listener.address().ip().is_unspecified() {
            true => " (open to the network: every interface)",
            false => "",
        };
        event!(target: "listening", Level::INFO, "serving on {url}{scope}");
    }
    let handler = Arc::new(Handler::new(config.options, spawner));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = server::run(listeners, handler, async {
        let _ = stopped.await;
    });
    let signals = async {
        signals.next().await;
        let _ = stop.send(());
        signals.next().await
    };
    tokio::select! {
        () = server => Ok(ExitCode::SUCCESS),
        signal = signals => Ok(ExitCode::from(EXIT_SIGNAL + signal)),
    }
}
