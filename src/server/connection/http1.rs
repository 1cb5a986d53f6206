//! HTTP/1.1 and 1.0 over a stream.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt;
use hyper::{Request, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    Exchange, HEAD_TIMEOUT, IDLE_TIMEOUT, LARGEST_HEAD,
    phase::{Answer, Phase, Timed},
};
use crate::{http::access::ConnectionPermit, server::tls::MaybeTls};

/// Serves until the connection closes or becomes a WebSocket, which keeps `admitted`.
pub(super) async fn serve(
    stream: MaybeTls,
    exchange: Arc<Exchange>,
    drain: CancellationToken,
    admitted: Option<ConnectionPermit>,
) {
    let remote = exchange.connection.remote;
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
        let phase = phase.clone();
        // Not a future around that future, which would hold the request twice.
        Arc::clone(&exchange).answer(request).map(|response| {
            let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let phase = (!is_websocket).then_some(phase);
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, phase)))
        })
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
