//! The server from sockets to signals: serves, reloads, stops.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, anyhow};
use tokio::{
    runtime::Builder,
    signal::unix::{self, SignalKind},
    sync::Notify,
    task::yield_now,
};

use wsd::{
    backend::{Spawner, SupervisedProgram, Supervisor},
    config::{Config, ConfigError, FlagError, Servers},
    exit_status,
    hub::{Hub, HubOptions},
    logging,
    server::{
        ListenOptions, Role, Server,
        inetd::Accepted,
        listener::{Inherited, InheritedError},
        signal,
        tls::Tls,
    },
    service_manager, start_code,
};

use super::{
    advice,
    announcement::Announcement,
    message::refuse,
    reload::{Reloader, start_kept_programs, warn_of},
    rooms_listener::RoomsListener,
    runtime,
    watch::Watch,
};

/// What sessions that are cut off get to kill their programs.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// What the hub gets to send what was said in rooms last. Longer holds up a stop behind a broker that takes nothing.
const LAST_MESSAGES: Duration = Duration::from_secs(1);
/// What a stop may take beyond the drain, for connections that are being closed.
const STOPPING_GRACE: Duration = Duration::from_secs(5);

/// Where connections come from.
enum Source {
    /// Sockets that listen: these, and those to be bound.
    Listening(Inherited),
    /// inetd, which has accepted one.
    Accepted(Accepted),
}

impl Source {
    fn of(config: &Config, inherited: Result<Inherited, InheritedError>) -> Result<Self> {
        Ok(match config.inetd {
            true => Source::Accepted(Accepted::take().map_err(|error| {
                FlagError::about("--inetd", format!("needs a connection: {error}"))
            })?),
            false => Source::Listening(
                inherited.map_err(|error| anyhow!("{error}{}", advice::of_inherited(&error)))?,
            ),
        })
    }
}

/// Is the server. `configure` reads the configuration again.
///
/// # Errors
/// When it cannot start, or not go on.
pub(crate) fn run(
    config: Config,
    inherited: Result<Inherited, InheritedError>,
    configure: impl Fn() -> Result<Config, ConfigError>,
) -> Result<ExitCode> {
    let source = match Source::of(&config, inherited) {
        Ok(source) => source,
        Err(error) => return Ok(refuse(&error)),
    };
    let _log =
        logging::init(config.log.level, config.log.format).context("cannot start a thread")?;
    warn_of(&config.warnings);
    // Before the runtime, and dropped after it: programs end with the thread that started them.
    let spawner = Spawner::start().context("programs cannot be started")?;
    let runtime = runtime::build(&mut threads(config.workers))?;
    let outcome = runtime.block_on(serve(config, source, spawner.clone(), configure));
    // Drops the sessions that are left, which kills their programs; a thread that waits for a disk or a
    // name server is not waited for.
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// The threads that serve; `None` is one for each CPU.
fn threads(workers: Option<usize>) -> Builder {
    let mut threads = Builder::new_multi_thread();
    if let Some(workers) = workers {
        threads.worker_threads(workers);
    }
    threads
}

/// Serves until a signal; a second one does not wait for anything.
async fn serve(
    config: Config,
    source: Source,
    spawner: Spawner,
    configure: impl Fn() -> Result<Config, ConfigError>,
) -> Result<ExitCode> {
    let no_signals = "signals cannot be caught";
    let mut stops = signal::StopSignals::new().context(no_signals)?;
    let mut reloads = signal::ReloadSignal::new().context(no_signals)?;
    // A file that is as long as it may be (setrlimit(2), RLIMIT_FSIZE) is an error of its writer, and not our end.
    let _too_long = unix::signal(SignalKind::from_raw(libc::SIGXFSZ)).context(no_signals)?;
    let announcement = Announcement::of(&config);
    let tls = config.tls.map(Tls::new);
    let server = Server::new(config.server, config.http, spawner.clone());
    let hub = connect_hub(config.hub.as_ref(), &server)?;
    let mut rooms = RoomsListener::default();
    // Before any program looks for it.
    rooms.open(config.rooms.as_ref(), &server)?;
    let supervisor = Supervisor::new(spawner, server.recent_starts());
    let started = Notify::new();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let serving = async {
        let servers = (config.found_servers, &config.servers);
        let begun = start(hub.as_ref(), &supervisor, servers, &server).await;
        let outcome = match begun {
            Ok(()) => {
                started.notify_one();
                let announced = (&config.listen, &announcement);
                accept(&server, source, announced, tls.as_ref(), stopped).await
            }
            Err(error) => Err(error),
        };
        supervisor.end().await;
        if let Some(hub) = &hub {
            // What programs have said last.
            hub.flush(LAST_MESSAGES).await;
        }
        outcome
    };
    let stops = async {
        stops.next().await;
        service_manager::stopping(patience(&server, &config.servers));
        let _ = stop.send(());
        stops.next().await
    };
    let mut reloader = Reloader {
        server: &server,
        supervisor: &supervisor,
        tls: tls.as_ref(),
        rooms,
        watch: Watch::start(&server, &supervisor, config.watched_file)?,
        hub: config.hub.as_ref(),
    };
    let reloads = reloader.run(&mut reloads, &started, configure);
    tokio::select! {
        outcome = serving => outcome,
        signal = stops => Ok(ExitCode::from(exit_status::of_signal(signal.into()))),
        never = reloads => match never {},
        never = service_manager::watch(&server) => match never {},
    }
}

/// Has rooms meet those of other machines, where there is a hub.
fn connect_hub(options: Option<&HubOptions>, server: &Server) -> Result<Option<Hub>> {
    let hub = options.cloned().map(Hub::start).transpose();
    let hub = hub.context("there is no thread for the hub")?;
    if let Some(hub) = &hub {
        server.connect_hub(hub);
    }
    Ok(hub)
}

/// What a stop may take.
fn patience(server: &Server, servers: &Servers) -> Duration {
    let options = server.options();
    let sessions = options.drain_delay + options.drain_timeout;
    sessions + servers.patience() + STOPPING_GRACE
}

/// Starts what is to run beside the sessions, or before the first.
async fn start(
    hub: Option<&Hub>,
    supervisor: &Supervisor,
    (found, servers): (Result<Vec<SupervisedProgram>, ConfigError>, &Servers),
    server: &Server,
) -> Result<()> {
    if let Some(hub) = hub {
        hub.attempted().await;
    }
    let started = supervisor.start(found?).await;
    started.map_err(|(index, error)| {
        let word = servers.words().nth(index).unwrap_or_default();
        anyhow!("--start '{word}' cannot be started: {error}")
    })?;
    start_kept_programs(server).await
}

/// Accepts connections until `stopped`.
async fn accept(
    server: &Server,
    source: Source,
    (listen, announcement): (&ListenOptions, &Announcement),
    tls: Option<&Tls>,
    stopped: impl Future<Output = ()>,
) -> Result<ExitCode> {
    let report = || tls.iter().for_each(|tls| tls.config().report());
    match source {
        Source::Accepted(accepted) => {
            report();
            server.run_one(accepted, Role::site(tls), stopped).await?;
        }
        Source::Listening(inherited) => {
            let entries = listen.bind(inherited.listeners()?, tls);
            let entries = entries
                .map_err(|error| anyhow!("{error}{}", advice::of_bind_failure(error.failure())))?;
            let status = announcement.make(&entries);
            service_manager::ready(&status);
            report();
            let give_back = async {
                // Behind the first turn of all that has been started.
                yield_now().await;
                start_code::give_back_start_code();
            };
            tokio::join!(server.run(entries, stopped), give_back);
        }
    }
    Ok(ExitCode::SUCCESS)
}
