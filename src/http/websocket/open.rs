//! From a checked handshake to a running session: a place, an id, a program, a task.

use std::{io, os::unix::process::ExitStatusExt, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Method, Response, Version, header, http::request::Parts, upgrade::OnUpgrade};
use tokio::time::Instant;
use tracing::{Instrument, error_span, info};
use uuid::Uuid;

use super::{
    handshake::Handshake,
    registry::{OpenSession, RegistryGuard},
    tunnel::Tunnel,
};
use crate::{
    backend::Backend,
    connection::ConnectionInfo,
    environ,
    http::{
        access::{Authority, ConnectionPermit, ProcessPermit},
        body::Body,
        metrics::Metrics,
        pages::RouteMatch,
        refusal::Refusal,
        state::State,
    },
    session::{self, Handle, SessionTimeouts, Summary},
    transport::{Client, websocket, websocket::deflate::Negotiated},
};

/// What a session is asked for with.
#[derive(Debug)]
pub(in crate::http) struct SessionRequest<'a> {
    pub(in crate::http) parts: &'a Parts,
    pub(in crate::http) host: Option<&'a Authority>,
    pub(in crate::http) found: RouteMatch<'a>,
    pub(in crate::http) connection: &'a ConnectionInfo,
    /// Kept by the session.
    pub(in crate::http) admitted: Option<ConnectionPermit>,
}

/// What programs are told of every opening handshake, also of HTTP/2's CONNECT, which is none of a proxy: CGI
/// programs and libraries look for nothing else.
static METHOD: Method = Method::GET;

/// Opens the program, starts the session's task and returns the 101 that the task waits for, or HTTP/2's 200.
///
/// # StderrTo
/// 400, 405 and 426 for what is wrong with the handshake; 503 when the server is full or stopping, or
/// the start may work later; 500 when it will not.
pub(in crate::http) async fn open(
    state: &State,
    mut request: SessionRequest<'_>,
    upgrade: OnUpgrade,
) -> Result<Response<Body>, Refusal> {
    let options = request.found.options;
    let handshake = Handshake::check(request.parts, &options.subprotocols, options.compression)?;
    if state.drain.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let permit = state.processes.acquire(&options.processes)?;
    let id = Uuid::now_v7();
    // Of the highest level, so that every line of a session has its id whatever the log shows.
    let name = id.to_string();
    let span = error_span!("session", id = name);
    let facts = request_facts(&request, &handshake, &name);
    let variables = options.environ.variables(request.connection, &facts);
    let begun = Instant::now();
    let opening = request.found.target.open(&state.spawner, &variables);
    let backend = opening.instrument(span.clone()).await;
    state.metrics.observe_spawn(begun.elapsed());
    let backend = backend.map_err(Refusal::Start)?;
    span.in_scope(|| log_start(&request, &backend, &handshake));
    state.metrics.count_session();
    let task = Task {
        guard: state.registry.enter(OpenSession {
            id,
            remote: request.connection.remote,
            uri: request.parts.uri.to_string(),
            subprotocol: handshake.subprotocol().map(str::to_owned),
            pid: backend.process.as_ref().map(|process| process.id()),
            begun: Instant::now(),
            handle: Handle::new(&state.drain),
        }),
        backend,
        upgrade,
        version: request.parts.version,
        websocket: options.websocket,
        compression: handshake.compression(),
        limits: Arc::clone(&options.limits),
        metrics: Arc::clone(&state.metrics),
        permit,
        admitted: request.admitted.take(),
    };
    state.tasks.spawn(task.run().instrument(span));
    let mut response = handshake.into_response();
    options.headers.add_to(&mut response);
    Ok(response)
}

fn request_facts<'a>(
    request: &SessionRequest<'a>,
    handshake: &'a Handshake,
    id: &'a str,
) -> environ::RequestInfo<'a> {
    environ::RequestInfo {
        method: &METHOD,
        uri: &request.parts.uri,
        version: request.parts.version,
        headers: &request.parts.headers,
        script_name: request.found.script_name,
        path_info: request.found.path_info,
        host: request.host.map(|host| (host.name.as_str(), host.port)),
        subprotocol: handshake.subprotocol(),
        id,
    }
}

fn log_start(request: &SessionRequest<'_>, backend: &Backend, handshake: &Handshake) {
    info!(
        target: "access",
        remote = %request.connection.remote,
        uri = %request.parts.uri,
        origin = request.parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()),
        subprotocol = handshake.subprotocol(),
        extension = handshake.compression().map(tracing::field::display),
        pid = backend.process.as_ref().map(|process| process.id()),
        "session started"
    );
}

/// A session's task: awaited by the server, through the tracker, when it stops.
struct Task {
    guard: RegistryGuard,
    backend: Backend,
    upgrade: OnUpgrade,
    version: Version,
    websocket: websocket::Options,
    compression: Option<Negotiated>,
    limits: Arc<SessionTimeouts>,
    metrics: Arc<Metrics>,
    permit: ProcessPermit,
    admitted: Option<ConnectionPermit>,
}

impl Task {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps what it was given a second time, in every idle session"
    )]
    fn run(self) -> impl Future<Output = ()> {
        async move {
            let open = &self.guard.session;
            let client = match self.upgrade.await {
                Ok(upgraded) => {
                    let tunnel = Tunnel::new(upgraded, self.version);
                    let compression = self.compression.as_ref();
                    websocket::open(
                        tunnel,
                        Bytes::new(),
                        websocket::Role::Server,
                        &self.websocket,
                        compression,
                    )
                }
                // The client went before it had the answer; the program is brought to its end all the same.
                Err(error) => Client::lost(io::Error::other(error)),
            };
            let session = session::run(client, self.backend, &self.limits, &open.handle);
            let summary = session.await;
            let duration = open.begun.elapsed();
            self.metrics.observe_session(&summary, duration);
            log_end(&summary, &open.handle, duration);
            // Kept until here.
            drop((self.permit, self.admitted));
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
