//! One accepted stream: HTTP over it, until it closes or becomes a WebSocket.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{Request, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    phase::{Answer, Phase, Timed},
    tls::MaybeTls,
};
use crate::{
    environ::Connection,
    http::{
        Current,
        admin::Admin,
        connections::{Admitted, Overload},
        redirect::Destination,
    },
};

/// What a request's head may take. Shorter would cut off slow lines, longer lets idle connections pile
/// up (slowloris).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may wait for its next request. Shorter costs browsers a connection per click,
/// longer holds a descriptor for a reader who has left.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head, beyond which hyper answers 431 (it reads a little further). A variable of
/// the program's environment is made of each header, and execve(2) takes 128 KiB of one.
const LARGEST_HEAD: usize = 32 * 1024;
/// What looking up a client's name may take before the address has to do.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Who answers a connection's requests.
pub(super) enum Service {
    /// The handler in force.
    Site,
    /// The handler in force, by sending on.
    Redirect(Destination),
    /// Somebody who tells operators about the handler in force.
    Admin(Admin),
    /// Nobody: there are too many connections.
    TurnAway(Overload),
}

/// Serves a connection, over whatever carries its bytes.
pub(super) async fn serve(
    stream: MaybeTls,
    mut connection: Connection,
    service: Service,
    current: Current,
    admitted: Option<Admitted>,
) {
    let handler = current.get();
    if let Some(address) = connection.remote.ip().filter(|_| handler.reverse_lookup()) {
        connection.remote_name = name_of(address).await;
    }
    let remote = connection.remote;
    let drain = match service {
        // As long as there is a server there is something to ask about it.
        Service::Admin(_) => CancellationToken::new(),
        _ => handler.drain().clone(),
    };
    let shared = Arc::new((connection, service));
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let phase = Phase::default();
    let watched = phase.clone();
    let outlet = stream.outlet().cloned();
    let stream = Timed::new(stream, phase.clone(), HEAD_TIMEOUT, admitted);
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(outlet) = &outlet {
            request.extensions_mut().insert(outlet.clone());
        }
        seen.store(true, Ordering::Relaxed);
        phase.request();
        let (handler, shared) = (current.get(), Arc::clone(&shared));
        let phase = phase.clone();
        async move {
            let (connection, service) = &*shared;
            let response = match service {
                Service::Site => handler.handle(request, connection).await,
                Service::Redirect(to) => handler.redirect(request, connection, to),
                Service::Admin(admin) => admin.handle(request, connection),
                Service::TurnAway(overload) => handler.turn_away(*overload),
            };
            let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let phase = (!is_websocket).then_some(phase);
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, phase)))
        }
    });
    let mut http = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // Header names are case-insensitive, but small clients have been seen to look for these.
            .title_case_headers(true)
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let result = tokio::select! {
        result = http.as_mut() => result,
        // hyper would wait for the first request, which browsers open connections without sending.
        () = drain.cancelled() => if !asked.load(Ordering::Relaxed) {
            return;
        } else {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if watched.began_with_tls() {
        info!(
            target: "access", %remote,
            "refused: the client speaks TLS, which this port does not; --ssl speaks it on that of --port"
        );
    } else if let Err(error) = result {
        debug!(%remote, "connection ended: {error}");
    }
}

/// The name of an address, by the system's resolver.
async fn name_of(address: IpAddr) -> Option<String> {
    let lookup = spawn_blocking(move || dns_lookup::lookup_addr(&address).ok());
    timeout(LOOKUP_TIMEOUT, lookup).await.ok()?.ok()?
}
