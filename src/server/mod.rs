//! Connections in, sessions out, and an orderly stop: [`run`].

mod connection;
pub mod listener;
mod phase;
mod sending;
pub mod signal;

use std::{future::Future, io, pin::pin, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info, warn};

use crate::http::Current;
use listener::Listener;

/// How long the accept loop waits when no descriptor is free: long enough not to spin, short enough
/// that a client does not notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an outage that goes on is reported.
const REPORT_PERIOD: Duration = Duration::from_secs(10);
/// What a stop allows on top of the sessions' own time for connections that are just being closed.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// Serves until `stop` is ready, then drains: accepts no more, lets requests and sessions finish, and
/// returns when all have ended or the drain timeout is over. A session that is still there then, and
/// its program, ends with the runtime.
pub async fn run(listeners: Vec<Listener>, current: Current, stop: impl Future<Output = ()>) {
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, current.clone()));
    }
    pin!(stop).await;
    accepting.shutdown().await;
    let handler = current.get();
    handler.drain().cancel();
    handler.tasks().close();
    let open = handler.tasks().len();
    if open > 0 {
        info!("stopping: waiting for {open} connections; a second signal ends them now");
    }
    let limit = handler.drain_timeout().saturating_add(CLOSING_GRACE);
    if timeout(limit, handler.tasks().wait()).await.is_err() {
        warn!(
            "stopping: {} connections were cut off",
            handler.tasks().len()
        );
    }
}

/// Accepts for ever. An error is one connection's, or passes: it never ends the loop and never makes it
/// spin.
async fn accept(listener: Listener, current: Current) {
    let mut reported: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, connection)) => {
                let serving = connection::serve(stream, connection, current.clone());
                current.get().tasks().spawn(serving);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if reported.is_none_or(|last| last.elapsed() >= REPORT_PERIOD) {
                    reported = Some(Instant::now());
                    error!(
                        "cannot accept on {}: {error}; trying again",
                        listener.address()
                    );
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Errors of the connection that was to be accepted, not of the listener (accept(2)).
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
