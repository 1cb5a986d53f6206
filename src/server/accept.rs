//! A server from its first connection to its last: [`Server::run`], and the loops that accept.

use std::{future::Future, io, pin::pin, time::Duration};

use futures_util::FutureExt;
use rustix::io::Errno;
use tokio::{
    task::{JoinSet, unconstrained},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    entry_point::{EntryPoint, Role},
    establish,
    inetd::Accepted,
    io::Stream,
    listener::{Handover, Listener},
    state::Server,
    tls,
};
use crate::{connection::ConnectionInfo, room, timer};

/// How long the accept loop waits when no descriptor or memory is free: long enough not to spin, short enough
/// that a client does not notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an outage that goes on is reported.
const REPORT_PERIOD: Duration = Duration::from_secs(10);

/// What a stop waits before it drains when another process takes over: the clients that have connected
/// to this one get to send their requests, and are answered as ever. Shorter would cut off those on slow
/// lines, longer only delays the end.
const HANDOVER_DELAY: Duration = Duration::from_millis(500);

impl Server {
    /// Serves until `stop` is ready, then drains: it says that it leaves, goes on for the drain delay, accepts
    /// no more, lets requests and sessions finish, and returns when all have ended or the drain timeout is
    /// over. A session that is still there then, and its program, ends with the runtime. Operators are
    /// answered to the end.
    ///
    /// Cancel safe: no; what is dropped accepts no more, and waits for nothing.
    pub async fn run(&self, entries: Vec<EntryPoint>, stop: impl Future<Output = ()>) {
        let stopping = CancellationToken::new();
        let (mut accepting, mut operators) = (JoinSet::new(), JoinSet::new());
        if let Some(tls) = entries.iter().find_map(|entry| entry.role.tls()) {
            let watching = tls::watch(tls.clone());
            let stopping = stopping.clone();
            accepting
                .spawn(async move { stopping.run_until_cancelled(watching).await.unwrap_or(()) });
        }
        let (current, until) = (self.current.clone(), stopping.clone());
        accepting.spawn(async move {
            until
                .run_until_cancelled(current.watch_logins())
                .await
                .unwrap_or(())
        });
        for entry in entries {
            match entry.role {
                Role::Admin => operators.spawn(answer_operators(entry, self.clone())),
                _ => accepting.spawn(serve(entry, self.clone(), stopping.clone())),
            };
        }
        pin!(stop).await;
        self.lifecycle.leave();
        sleep(self.options().drain_delay).await;
        stopping.cancel();
        while accepting.join_next().await.is_some() {}
        self.lifecycle.drain(self.options().drain_timeout).await;
        self.handler().finish_recordings().await;
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
        role: Role,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (stream, connection) = accepted.open()?;
        let serving = establish::serve(stream, connection, role, self.clone());
        self.lifecycle.spawn(serving);
        tokio::select! {
            () = self.lifecycle.wait_ended() => {}
            () = self.current.watch_logins() => {}
            () = stop => self.lifecycle.drain(self.options().drain_timeout).await,
        }
        self.handler().finish_recordings().await;
        Ok(())
    }
}

/// Answers operators until this is dropped.
async fn answer_operators(entry: EntryPoint, server: Server) {
    let mut tasks = JoinSet::new();
    accept(&entry.listener, |stream, connection| {
        while tasks.try_join_next().is_some() {}
        tasks.spawn(establish::serve(
            stream,
            connection,
            Role::Admin,
            server.clone(),
        ));
    })
    .await;
}

/// Accepts until the server is stopping, and hands over to the next process if there may be one. What has come to a
/// socket that nobody else has would be reset when that is closed: it is accepted, and answered.
async fn serve(entry: EntryPoint, server: Server, stopping: CancellationToken) {
    let EntryPoint { listener, role } = &entry;
    let on_accept = |stream, connection| {
        let serving = establish::serve(stream, connection, role.clone(), server.clone());
        server.lifecycle.spawn(serving);
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = accept(listener, on_accept) => {}
    }
    match listener.handover() {
        Handover::None => accept_waiting(listener, on_accept),
        // What waits in the socket is the next process's.
        Handover::SameSocket if server.lifecycle.is_idle() => {}
        Handover::SameSocket => timer::sleep(HANDOVER_DELAY).await,
        Handover::OwnSocket => {
            // Nothing new may come to it.
            let accepting =
                async { tokio::join!(listener.stop_receiving(), accept(listener, on_accept)) };
            let _ = timer::timeout(HANDOVER_DELAY, accepting).await;
            accept_waiting(listener, on_accept);
            listener.detach_filter();
        }
    }
}

/// Accepts what has come, and waits for no more.
fn accept_waiting(listener: &Listener, on_accept: impl Fn(Stream, ConnectionInfo)) {
    // Whatever this task has done in its turn.
    while let Some(Ok((stream, connection))) = unconstrained(listener.accept()).now_or_never() {
        on_accept(stream, connection);
    }
}

/// Accepts for ever. An error is one connection's, or passes: it never ends the loop and never makes it
/// spin.
async fn accept(listener: &Listener, mut on_accept: impl FnMut(Stream, ConnectionInfo)) {
    let mut reported: Option<Instant> = None;
    loop {
        match accept_with_room(listener).await {
            Ok((stream, connection)) => on_accept(stream, connection),
            Err(error) if is_of_one_connection(&error) => {}
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

/// Accepts a connection that there is memory for; the others wait, as they do for descriptors.
async fn accept_with_room(listener: &Listener) -> io::Result<(Stream, ConnectionInfo)> {
    room::check_for_connection().map_err(|_| Errno::NOMEM)?;
    listener.accept().await
}

/// Errors of the connection that was to be accepted, not of the listener (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
