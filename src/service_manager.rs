//! Service manager notification (sd_notify(3)), where `NOTIFY_SOCKET` is set, as systemd sets it. Without one nothing happens.

use std::{convert::Infallible, time::Duration};

use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::debug;

use crate::server::Server;

/// The server listens; so does it after a reload.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] is to follow.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The server is stopping; `patience` is what it may take.
pub fn stopping(patience: Duration) {
    let micros = u32::try_from(patience.as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("Draining: what runs may end by itself"),
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// Says that the server is alive as often as the manager wants to hear it (`WatchdogSec=`), and what it
/// does. Never ready; pending for ever if nobody wants to.
pub async fn watch(server: &Server) -> Infallible {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    // Half of it, as sd_watchdog_enabled(3) advises.
    let mut ticks = interval(period / 2);
    loop {
        ticks.tick().await;
        let sessions = server.sessions() as u64;
        let status = format!("Sessions open: {sessions}");
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!("the service manager cannot be told: {error}");
    }
}
