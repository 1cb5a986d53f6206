//! Connections in, sessions out, and an orderly stop: [`run`].

mod connection;
pub mod inetd;
pub mod listener;
mod phase;
mod proxy_protocol;
pub mod signal;
pub mod stream;

use std::{future::Future, io, pin::pin, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{environ::Connection, http::Current};
use inetd::Accepted;
use listener::{Listener, Succession};
use stream::Stream;

/// How long the accept loop waits when no descriptor is free: long enough not to spin, short enough
/// that a client does not notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an outage that goes on is reported.
const REPORT_PERIOD: Duration = Duration::from_secs(10);
/// What a stop allows on top of the sessions' own time for connections that are just being closed.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// What a stop waits before it drains when another process takes over: the clients that have connected
/// to this one get to send their requests, and are answered as ever. Shorter would cut off those on slow
/// lines, longer only delays the end.
const HANDOVER: Duration = Duration::from_millis(500);

/// Serves until `stop` is ready, then drains: accepts no more, lets requests and sessions finish, and
/// returns when all have ended or the drain timeout is over. A session that is still there then, and
/// its program, ends with the runtime.
pub async fn run(listeners: Vec<Listener>, current: Current, stop: impl Future<Output = ()>) {
    let stopping = CancellationToken::new();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(serve(listener, current.clone(), stopping.clone()));
    }
    pin!(stop).await;
    stopping.cancel();
    current.get().leaving().cancel();
    while accepting.join_next().await.is_some() {}
    drain(&current).await;
}

/// Serves one connection until it has ended; drains when `stop` is ready before.
///
/// # Errors
/// When the client has gone already.
pub async fn run_one(
    accepted: Accepted,
    current: Current,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stream, connection) = accepted.open()?;
    let handler = current.get();
    let serving = welcome(stream, connection, current.clone());
    handler.tasks().spawn(serving);
    handler.tasks().close();
    tokio::select! {
        () = handler.tasks().wait() => {}
        () = stop => drain(&current).await,
    }
    Ok(())
}

/// Lets requests and sessions finish, for as long as they may take.
async fn drain(current: &Current) {
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

/// Accepts until the server is stopping, and hands over to the next process if there may be one.
async fn serve(listener: Listener, current: Current, stopping: CancellationToken) {
    tokio::select! {
        () = stopping.cancelled() => {}
        () = accept(&listener, &current) => {}
    }
    match listener.succession() {
        Succession::None => {}
        // What waits in the socket is the next process's.
        Succession::SameSocket if current.get().tasks().is_empty() => {}
        Succession::SameSocket => sleep(HANDOVER).await,
        Succession::Beside => {
            // What has come to this socket goes to no other, and is reset when it is closed. So nothing
            // new may come to it, and all that is on its way is accepted.
            let accepting = async { tokio::join!(listener.retire(), accept(&listener, &current)) };
            let _ = timeout(HANDOVER, accepting).await;
            listener.leave();
        }
    }
}

/// Accepts for ever. An error is one connection's, or passes: it never ends the loop and never makes it
/// spin.
async fn accept(listener: &Listener, current: &Current) {
    let mut reported: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, connection)) => {
                let serving = welcome(stream, connection, current.clone());
                current.get().tasks().spawn(serving);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if reported.is_none_or(|last| last.elapsed() >= REPORT_PERIOD) {
                    reported = Some(Instant::now());
                    error!("cannot accept on {listener}: {error}; trying again");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection once it has said what comes before HTTP.
async fn welcome(mut stream: Stream, mut connection: Connection, current: Current) {
    if current.get().proxy_protocol()
        && let Err(error) = proxy_protocol::read(&mut stream, &mut connection).await
    {
        let remote = connection.remote;
        match error.is_a_look() {
            true => debug!(%remote, "connection ended: {error}"),
            false => warn!(target: "access", %remote, reason = %error, "refused"),
        }
        return;
    }
    connection::serve(stream, connection, current).await;
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
