//! From a checked handshake to a running session: a place, an id, a program, a task.

use std::{io, os::unix::process::ExitStatusExt, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Method, Response, Version, header, http::request::Parts, upgrade::OnUpgrade};
use tokio::time::Instant;
use tracing::{Instrument, error_span, info};
use uuid::Uuid;

use super::{
    Body,
    access::Authority,
    connections::Admitted,
    metrics::Metrics,
    places::Place,
    refusal::Refusal,
    registry::{Entry, Live},
    router::Found,
    shared::Shared,
    tunnel::Tunnel,
    upgrade::Handshake,
};
use crate::{
    backend::Backend,
    connection::ConnectionInfo,
    environ,
    session::{self, Handle, SessionTimeouts, Summary},
    transport::{
        Client,
        websocket::{self, Role, deflate::Negotiated},
    },
};

/// What a session is asked for with.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) parts: &'a Parts,
    pub(super) host: Option<&'a Authority>,
    pub(super) found: Found<'a>,
    pub(super) connection: &'a ConnectionInfo,
    /// Kept by the session.
    pub(super) admitted: Option<Admitted>,
}

/// What programs are told of every opening handshake, also of HTTP/2's CONNECT, which is none of a proxy: CGI
/// programs and libraries look for nothing else.
static METHOD: Method = Method::GET;

/// Opens the program, starts the session's task and returns the 101 that the task waits for, or HTTP/2's 200.
///
/// # Errors
/// 400, 405 and 426 for what is wrong with the handshake; 503 when the server is full or stopping, or
/// the start may work later; 500 when it will not.
pub(super) async fn open(
    shared: &Shared,
    mut ask: Ask<'_>,
    upgrade: OnUpgrade,
) -> Result<Response<Body>, Refusal> {
    let service = ask.found.service;
    let handshake = Handshake::check(ask.parts, &service.subprotocols, service.compression)?;
    if shared.drain.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let place = shared.places.take(&service.places)?;
    let id = Uuid::now_v7();
    // Of the highest level, so that every line of a session has its id whatever the log shows.
    let name = id.to_string();
    let span = error_span!("session", id = name);
    let request = request(&ask, &handshake, &name);
    let variables = service.environ.variables(ask.connection, &request);
    let begun = Instant::now();
    let opening = ask.found.target.open(&shared.spawner, &variables);
    let backend = opening.instrument(span.clone()).await;
    shared.metrics.spawned(begun.elapsed());
    let backend = backend.map_err(Refusal::Start)?;
    span.in_scope(|| log_start(&ask, &backend, &handshake));
    shared.metrics.opened();
    let task = Task {
        entry: shared.registry.enter(Live {
            id,
            remote: ask.connection.remote,
            uri: ask.parts.uri.to_string(),
            subprotocol: handshake.subprotocol().map(str::to_owned),
            pid: backend.process.as_ref().map(|process| process.id()),
            begun: Instant::now(),
            handle: Handle::new(&shared.drain),
        }),
        backend,
        upgrade,
        version: ask.parts.version,
        websocket: service.websocket,
        compression: handshake.compression(),
        limits: Arc::clone(&service.limits),
        metrics: Arc::clone(&shared.metrics),
        place,
        admitted: ask.admitted.take(),
    };
    shared.tasks.spawn(task.run().instrument(span));
    let mut response = handshake.into_response();
    service.headers.add_to(&mut response);
    Ok(response)
}

fn request<'a>(ask: &Ask<'a>, handshake: &'a Handshake, id: &'a str) -> environ::RequestInfo<'a> {
    environ::RequestInfo {
        method: &METHOD,
        uri: &ask.parts.uri,
        version: ask.parts.version,
        headers: &ask.parts.headers,
        script_name: ask.found.script_name,
        path_info: ask.found.path_info,
        host: ask.host.map(|host| (host.name.as_str(), host.port)),
        subprotocol: handshake.subprotocol(),
        id,
    }
}

fn log_start(ask: &Ask<'_>, backend: &Backend, handshake: &Handshake) {
    info!(
        target: "access",
        remote = %ask.connection.remote,
        uri = %ask.parts.uri,
        origin = ask.parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()),
        subprotocol = handshake.subprotocol(),
        extension = handshake.compression().map(tracing::field::display),
        pid = backend.process.as_ref().map(|process| process.id()),
        "session started"
    );
}

/// A session's task: awaited by the server, through the tracker, when it stops.
struct Task {
    entry: Entry,
    backend: Backend,
    upgrade: OnUpgrade,
    version: Version,
    websocket: websocket::Options,
    compression: Option<Negotiated>,
    limits: Arc<SessionTimeouts>,
    metrics: Arc<Metrics>,
    place: Place,
    admitted: Option<Admitted>,
}

impl Task {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps what it was given a second time, in every idle session"
    )]
    fn run(self) -> impl Future<Output = ()> {
        async move {
            let live = &self.entry.live;
            let client = match self.upgrade.await {
                Ok(upgraded) => {
                    let tunnel = Tunnel::new(upgraded, self.version);
                    let compression = self.compression.as_ref();
                    websocket::open(
                        tunnel,
                        Bytes::new(),
                        Role::Server,
                        &self.websocket,
                        compression,
                    )
                }
                // The client went before it had the answer; the program is brought to its end all the same.
                Err(error) => Client::lost(io::Error::other(error)),
            };
            let session = session::run(client, self.backend, &self.limits, &live.handle);
            let summary = session.await;
            let duration = live.begun.elapsed();
            self.metrics.ended(&summary, duration);
            log_end(&summary, &live.handle, duration);
            // Kept until here.
            drop((self.place, self.admitted));
        }
    }
}

fn log_end(summary: &Summary, handle: &Handle, duration: Duration) {
    let (received, sent) = (handle.received.traffic(), handle.sent.traffic());
    let close = summary.ended.close();
    info!(
        target: "access",
        duration_ms = duration.as_millis() as u64,
        messages_in = received.messages,
        bytes_in = received.bytes,
        messages_out = sent.messages,
        bytes_out = sent.bytes,
        exit_status = summary.exit.and_then(|status| status.code()),
        signal = summary.exit.and_then(|status| status.signal()),
        code = close.code,
        reason = close.reason.as_str(),
        by = summary.ended.side(),
        "session ended"
    );
}
