//! Reloading: a configuration that is read again, when that is asked for or its file has changed.

use std::{convert::Infallible, mem::replace};

use anyhow::{Result, anyhow};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use wsd::{
    backend::Supervisor,
    config::{Config, ConfigError},
    hub::HubOptions,
    server::{Server, signal::ReloadSignal, tls::Tls},
    service_manager,
};

use super::{rooms_listener::RoomsListener, watch::Watch};

/// What a configuration is put in force for.
pub(super) struct Reloader<'a> {
    pub(super) server: &'a Server,
    pub(super) supervisor: &'a Supervisor,
    pub(super) tls: Option<&'a Tls>,
    pub(super) rooms: RoomsListener,
    pub(super) watch: Watch<'a>,
    /// The hub as it was at the start.
    pub(super) hub: Option<&'a HubOptions>,
}

impl Reloader<'_> {
    /// Reads the configuration again whenever a signal asks for that, or its file has changed; meanwhile other files that
    /// change take effect, those of programs too that the supervisor has once it has `started` them.
    pub(super) async fn run(
        &mut self,
        signals: &mut ReloadSignal,
        started: &Notify,
        configure: impl Fn() -> Result<Config, ConfigError>,
    ) -> Infallible {
        loop {
            tokio::select! {
                () = signals.next() => {}
                () = self.watch.until_config_changes() => {}
                () = started.notified() => {
                    self.watch.follow_started();
                    continue;
                }
            }
            service_manager::reloading();
            let outcome = self.reload(configure()).await;
            service_manager::ready(outcome);
        }
    }

    /// Puts a configuration in force that was read again, and certificates with it. One that is wrong changes
    /// nothing. What came of it is for the service manager.
    async fn reload(&mut self, configured: Result<Config, ConfigError>) -> &'static str {
        let found = configured.and_then(|mut config| {
            let servers = replace(&mut config.found_servers, Ok(Vec::new()))?;
            Ok((servers, config))
        });
        let (servers, config) = match found {
            Ok(found) => found,
            Err(error) => {
                error!("the configuration stays as it is: {error}");
                return "The configuration is wrong and stays as it was";
            }
        };
        warn_of_other_hub(self.hub, &config);
        self.supervisor.replace(servers).await;
        warn_of(&config.warnings);
        if let Err(error) = self.rooms.open(config.rooms.as_ref(), self.server) {
            error!("{error:#}");
        }
        self.server.reload(config.server, config.http);
        match (self.tls, config.tls) {
            (Some(tls), Some(config)) => {
                tls.replace(config);
                tls.config().report();
            }
            (None, None) => {}
            _ => warn!("whether TLS is spoken stays as it is until a restart"),
        }
        if let Err(error) = start_kept_programs(self.server).await {
            error!("{error}");
        }
        self.watch.follow(config.watched_file);
        info!("the configuration was read again; addresses, port and log stay as they are");
        "The configuration was read again"
    }
}

fn warn_of_other_hub(now: Option<&HubOptions>, changed: &Config) {
    let way = |options: &HubOptions| {
        let credentials = options.credentials.clone();
        (options.url.clone(), options.prefix.clone(), credentials)
    };
    if now.map(way) != changed.hub.as_ref().map(way) {
        warn!("the hub, and what it is shown, stay as they are until a restart");
    }
}

/// Says what is hardly what was meant.
pub(super) fn warn_of(warnings: &[String]) {
    for warning in warnings {
        warn!("{warning}");
    }
}

/// Starts the shared programs that are there whoever comes.
pub(super) async fn start_kept_programs(server: &Server) -> Result<()> {
    let started = server.start_kept_programs().await;
    started.map_err(|(path, error)| anyhow!("--share-keep=always of '{path}': {error}"))
}
