//! HTTP/1.1 and 1.0 over a stream (RFC 9112).

use std::{convert::Infallible, pin::pin, sync::Arc};

use futures_util::FutureExt;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    exchange::Exchange,
    limits::{HEAD_TIMEOUT, IDLE_TIMEOUT, MAX_HEAD},
    tracked_body::TrackedBody,
};
use crate::{
    http::{Body, pages::SendfileQueue},
    server::io::{HeadTimeout, MaybeTls, Phase},
};

/// Serves until the connection closes or becomes a WebSocket.
///
/// Cancel safe: no; the connection is closed then.
pub(super) async fn serve(stream: MaybeTls, exchange: Arc<Exchange>, drain: CancellationToken) {
    let remote = exchange.connection.remote;
    let phase = Phase::default();
    let service = service(exchange, stream.sendfile_queue().cloned(), phase.clone());
    let stream = HeadTimeout::new(stream, phase.clone(), HEAD_TIMEOUT);
    let mut http = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // Header names are case-insensitive, but small clients have been seen to look for these.
            .title_case_headers(true)
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let result = tokio::select! {
        result = http.as_mut() => result,
        // hyper would wait for the first request, which browsers open connections without sending.
        () = drain.cancelled() => if !phase.has_asked() {
            return;
        } else {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if phase.began_with_tls() {
        info!(
            target: "access", %remote,
            "refused: the client speaks TLS, which this port does not; --ssl speaks it on that of --port"
        );
    } else if let Err(error) = result {
        debug!(%remote, "connection ended: {error}");
    }
}

/// Answers the requests of one connection, and says when each begins and ends.
fn service(
    exchange: Arc<Exchange>,
    files: Option<SendfileQueue>,
    phase: Phase,
) -> impl Service<
    Request<Incoming>,
    Response = Response<TrackedBody<Body>>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<TrackedBody<Body>>, Infallible>> + Send,
> {
    service_fn(move |mut request: Request<Incoming>| {
        if let Some(files) = &files {
            request.extensions_mut().insert(files.clone());
        }
        phase.begin_request();
        let phase = phase.clone();
        // Not a future around that future, which would hold the request twice.
        Arc::clone(&exchange).answer(request).map(|response| {
            let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let phase = (!is_websocket).then_some(phase);
            Ok(response.map(|body| TrackedBody::new(body, phase)))
        })
    })
}
