//! `wsd`: arguments, configuration, server, exit status.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use tracing::{Level, error, event, info, warn};

use wsd::{
    args::{Args, Words},
    backend::Spawner,
    config::{Config, file::File},
    http::{Current, Handler},
    init, logging,
    server::{
        self, Entrance, Purpose,
        inetd::{self, Accepted},
        listener::{Inherited, InheritedError},
        signal,
        tls::Tls,
    },
};

/// Wrong usage or configuration.
const EXIT_USAGE: u8 = 2;
/// A stop by signal number n that was not waited for, as shells say it.
const EXIT_SIGNAL: u8 = 128;

/// What sessions that are cut off get to kill their programs.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Where connections come from.
enum Source {
    /// Sockets that listen: these, and those to be bound.
    Listening(Inherited),
    /// inetd, which has accepted one.
    Accepted(Accepted),
}

fn main() -> ExitCode {
    inetd::hide_stderr();
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
    // First of all, while no other descriptor is open.
    let inherited = Inherited::take();
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
    let (args, config) = match configure(&typed) {
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
    let source = match source(&config, inherited) {
        Ok(source) => source,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    let _log = logging::init(args.loglevel, args.log_format).context("cannot start a thread")?;
    // Before the runtime, and dropped after it: programs end with the thread that started them.
    let spawner = Spawner::start().context("cannot start a thread")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(&typed, config, source, spawner.clone()));
    // Drops the sessions that are left, which kills their programs; a thread that waits for a disk or a
    // name server is not waited for.
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// What was typed and what is written, together and checked.
fn configure(typed: &[OsString]) -> Result<(Args, Config)> {
    let args = Args::parse_from_words(typed.to_vec())?;
    let Some(path) = &args.config else {
        let config = Config::new(&args)?;
        return Ok((args, config));
    };
    let file = File::read(path)?;
    let (args, routes) = file.merge(&Words::new(typed.to_vec())?)?;
    let config = Config::with_routes(&args, &routes).map_err(|error| file.locate(error))?;
    Ok((args, config))
}

fn source(config: &Config, inherited: Result<Inherited, InheritedError>) -> Result<Source> {
    Ok(match config.inetd {
        true => Source::Accepted(Accepted::take()?),
        false => Source::Listening(inherited?),
    })
}

/// Serves until a signal; a second one does not wait for anything.
async fn serve(
    typed: &[OsString],
    config: Config,
    source: Source,
    spawner: Spawner,
) -> Result<ExitCode> {
    let mut stops = signal::StopSignals::new()?;
    let mut reloads = signal::ReloadSignal::new()?;
    let tls = config.tls.map(Tls::new);
    let current = Current::new(Handler::new(config.options, spawner));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let server = async {
        match source {
            Source::Accepted(accepted) => {
                tls.iter().for_each(|tls| tls.terms().report());
                let purpose = Purpose::site(tls.as_ref());
                server::run_one(accepted, purpose, current.clone(), stopped).await?;
            }
            Source::Listening(inherited) => {
                let inherited = inherited.listeners()?;
                let entrances = config.entrances.open(inherited, tls.as_ref())?;
                announce(&entrances, config.scheme);
                tls.iter().for_each(|tls| tls.terms().report());
                server::run(entrances, current.clone(), stopped).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    };
    let stops = async {
        stops.next().await;
        let _ = stop.send(());
        stops.next().await
    };
    let reloads = async {
        loop {
            reloads.next().await;
            reload(typed, &current, tls.as_ref());
        }
    };
    tokio::select! {
        outcome = server => outcome,
        signal = stops => Ok(ExitCode::from(EXIT_SIGNAL + signal)),
        never = reloads => never,
    }
}

/// Says where the server can be reached.
fn announce(entrances: &[Entrance], scheme: &str) {
    for Entrance { listener, purpose } in entrances {
        let address = listener.address();
        let scope = match address.is_some_and(|address| address.ip().is_unspecified()) {
            true => " (open to the network: every interface)",
            false => "",
        };
        match purpose {
            Purpose::Redirect(to) => {
                let (url, port) = (listener.url("http"), to.port);
                event!(target: "listening", Level::INFO, "sending {url} on to port {port}{scope}");
            }
            Purpose::Admin => {
                let url = listener.url("http");
                event!(target: "listening", Level::INFO, "telling operators about it on {url}{scope}");
            }
            Purpose::Plain | Purpose::Tls(_) => {
                let url = listener.url(scheme);
                event!(target: "listening", Level::INFO, "serving on {url}{scope}");
            }
        }
    }
}

/// Reads the configuration again, and certificates with it. One that is wrong changes nothing.
fn reload(typed: &[OsString], current: &Current, tls: Option<&Tls>) {
    match configure(typed) {
        Ok((_, config)) => {
            current.replace(current.get().succeed(config.options));
            match (tls, config.tls) {
                (Some(tls), Some(terms)) => {
                    tls.replace(terms);
                    tls.terms().report();
                }
                (None, None) => {}
                _ => warn!("whether TLS is spoken stays as it is until a restart"),
            }
            info!("the configuration was read again; addresses, port and log stay as they are");
        }
        Err(error) => error!("the configuration stays as it is: {error:#}"),
    }
}
