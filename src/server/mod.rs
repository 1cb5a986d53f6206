//! Connections in, sessions out, and an orderly stop: [`Server`].

pub(crate) mod connection;
mod entrance;
pub mod inetd;
mod lifecycle;
pub mod listener;
mod options;
pub(crate) mod proxy_protocol;
mod sending;
pub mod signal;
mod state;
pub mod stream;
pub mod tls;

use std::{future::Future, io, pin::pin, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::connection::ConnectionInfo;
pub use entrance::{Entrance, Purpose, Redirect, Wanted};
use inetd::Accepted;
use listener::{Listener, Succession};
pub use options::Options;
pub use state::Server;
use stream::Stream;

/// How long the accept loop waits when no descriptor is free: long enough not to spin, short enough
/// that a client does not notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an outage that goes on is reported.
const REPORT_PERIOD: Duration = Duration::from_secs(10);

/// What a stop waits before it drains when another process takes over: the clients that have connected
/// to this one get to send their requests, and are answered as ever. Shorter would cut off those on slow
/// lines, longer only delays the end.
const HANDOVER: Duration = Duration::from_millis(500);

impl Server {
    /// Serves until `stop` is ready, then drains: it says that it leaves, goes on for the drain delay, accepts
    /// no more, lets requests and sessions finish, and returns when all have ended or the drain timeout is
    /// over. A session that is still there then, and its program, ends with the runtime. Operators are
    /// answered to the end.
    ///
    /// Cancel safe: no; what is dropped accepts no more, and waits for nothing.
    pub async fn run(&self, entrances: Vec<Entrance>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let (mut accepting, mut operators) = (JoinSet::new(), JoinSet::new());
        if let Some(tls) = entrances.iter().find_map(|entrance| entrance.purpose.tls()) {
            let watching = tls::watch(tls.clone());
            let stopping = stopping.clone();
            accepting
                .spawn(async move { stopping.run_until_cancelled(watching).await.unwrap_or(()) });
        }
        for entrance in entrances {
            match entrance.purpose {
                Purpose::Admin => operators.spawn(answer_operators(entrance, self.clone())),
                _ => accepting.spawn(serve(entrance, self.clone(), stopping.clone())),
            };
        }
        pin!(stop).await;
        self.lifecycle.leave();
        sleep(self.options().drain_delay).await;
        stopping.cancel();
        while accepting.join_next().await.is_some() {}
        self.lifecycle.drain(self.options().drain_timeout).await;
    }

    /// Serves one connection until it has ended; drains when `stop` is ready before.
    ///
    /// Cancel safe: no; the connection goes on, and nobody waits for it.
    ///
    /// # Errors
    /// When the client has gone already.
    pub async fn run_one(
        &self,
        accepted: Accepted,
        purpose: Purpose,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (stream, connection) = accepted.open()?;
        let serving = entrance::serve(stream, connection, purpose, self.clone());
        self.lifecycle.spawn(serving);
        tokio::select! {
            () = self.lifecycle.ended() => {}
            () = stop => self.lifecycle.drain(self.options().drain_timeout).await,
        }
        Ok(())
    }
}

/// Answers operators until this is dropped.
async fn answer_operators(entrance: Entrance, server: Server) {
    let mut tasks = JoinSet::new();
    accept(&entrance.listener, |stream, connection| {
        while tasks.try_join_next().is_some() {}
        tasks.spawn(entrance::serve(
            stream,
            connection,
            Purpose::Admin,
            server.clone(),
        ));
    })
    .await;
}

/// Accepts until the server is stopping, and hands over to the next process if there may be one.
async fn serve(entrance: Entrance, server: Server, stopping: CancellationToken) {
    let Entrance { listener, purpose } = &entrance;
    let welcome = |stream, connection| {
        let serving = entrance::serve(stream, connection, purpose.clone(), server.clone());
        server.lifecycle.spawn(serving);
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = accept(listener, welcome) => {}
    }
    match listener.succession() {
        Succession::None => {}
        // What waits in the socket is the next process's.
        Succession::SameSocket if server.lifecycle.is_idle() => {}
        Succession::SameSocket => sleep(HANDOVER).await,
        Succession::Beside => {
            // What has come to this socket goes to no other, and is reset when it is closed. So nothing
            // new may come to it, and all that is on its way is accepted.
            let accepting = async { tokio::join!(listener.retire(), accept(listener, welcome)) };
            let _ = timeout(HANDOVER, accepting).await;
            listener.leave();
        }
    }
}

/// Accepts for ever. An error is one connection's, or passes: it never ends the loop and never makes it
/// spin.
async fn accept(listener: &Listener, mut welcome: impl FnMut(Stream, ConnectionInfo)) {
    let mut reported: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, connection)) => welcome(stream, connection),
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

/// Errors of the connection that was to be accepted, not of the listener (accept(2)).
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
