//! From sockets to signals: serves, reloads, stops.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use tracing::{Level, error, event, info, warn};

use wsd::{
    backend::Spawner,
    config::Config,
    manager,
    server::{Entrance, Purpose, Server, inetd::Accepted, listener::Inherited, signal, tls::Tls},
};

/// A stop by signal number n that was not waited for, as shells say it.
const EXIT_SIGNAL: u8 = 128;
/// What a stop may take beyond the drain, for connections that are being closed.
const STOPPING_GRACE: Duration = Duration::from_secs(5);

/// Where connections come from.
pub(crate) enum Source {
    /// Sockets that listen: these, and those to be bound.
    Listening(Inherited),
    /// inetd, which has accepted one.
    Accepted(Accepted),
}

/// Serves until a signal; a second one does not wait for anything. `configure` reads the configuration
/// again.
pub(crate) async fn serve(
    config: Config,
    source: Source,
    spawner: Spawner,
    configure: impl Fn() -> Result<Config>,
) -> Result<ExitCode> {
    let mut stops = signal::StopSignals::new()?;
    let mut reloads = signal::ReloadSignal::new()?;
    let tls = config.tls.map(Tls::new);
    let server = Server::new(config.server, config.http, spawner);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let serving = async {
        match source {
            Source::Accepted(accepted) => {
                tls.iter().for_each(|tls| tls.terms().report());
                let purpose = Purpose::site(tls.as_ref());
                server.run_one(accepted, purpose, stopped).await?;
            }
            Source::Listening(inherited) => {
                let inherited = inherited.listeners()?;
                let entrances = config.entrances.open(inherited, tls.as_ref())?;
                let status = announce(&entrances, config.scheme);
                manager::ready(&status);
                tls.iter().for_each(|tls| tls.terms().report());
                server.run(entrances, stopped).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    };
    let stops = async {
        stops.next().await;
        let options = server.options();
        manager::stopping(options.drain_delay + options.drain_timeout + STOPPING_GRACE);
        let _ = stop.send(());
        stops.next().await
    };
    let reloads = async {
        loop {
            reloads.next().await;
            manager::reloading();
            let outcome = reload(configure(), &server, tls.as_ref());
            manager::ready(outcome);
        }
    };
    tokio::select! {
        outcome = serving => outcome,
        signal = stops => Ok(ExitCode::from(EXIT_SIGNAL + signal)),
        never = reloads => never,
        never = manager::watch(&server) => match never {},
    }
}

/// Says where the server can be reached; in a word to the service manager, too.
fn announce(entrances: &[Entrance], scheme: &str) -> String {
    let mut urls = Vec::new();
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
                urls.push(url);
            }
        }
    }
    format!("Serving on {}", urls.join(", "))
}

/// Puts a configuration in force that was read again, and certificates with it. One that is wrong changes
/// nothing. What came of it is for the service manager.
fn reload(configured: Result<Config>, server: &Server, tls: Option<&Tls>) -> &'static str {
    let config = match configured {
        Ok(config) => config,
        Err(error) => {
            error!("the configuration stays as it is: {error:#}");
            return "The configuration is wrong and stays as it was";
        }
    };
    server.reload(config.server, config.http);
    match (tls, config.tls) {
        (Some(tls), Some(terms)) => {
            tls.replace(terms);
            tls.terms().report();
        }
        (None, None) => {}
        _ => warn!("whether TLS is spoken stays as it is until a restart"),
    }
    info!("the configuration was read again; addresses, port and log stay as they are");
    "The configuration was read again"
}
