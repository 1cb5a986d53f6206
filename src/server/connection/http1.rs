//! HTTP/1.1 and 1.0 over a stream (RFC 9112).

use std::{error::Error as _, io, os::fd::AsFd, pin::pin, sync::Arc};

use futures_util::FutureExt;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    exchange::Exchange,
    hyper_timer::HyperTimer,
    limits::{HEAD_TIMEOUT, MAX_HEAD},
    tracked_body::TrackedBody,
};
use crate::{
    http::{Body, BreakOff, ConnectionRefusal, HangUp, sendfile::SendfileQueue, websocket::Detach},
    server::{
        Options,
        io::{CheckedHeads, HeadTimeout, MaybeTls, Notes, Phase},
    },
    transport::{
        Client, Stalled, TimeoutStream,
        websocket::{self, Role, Underlying, deflate::Negotiated},
    },
};

/// Serves until the connection closes or becomes a WebSocket.
///
/// Cancel safe: no; the connection is closed then.
pub(super) async fn serve(stream: MaybeTls, exchange: Arc<Exchange>, drain: CancellationToken) {
    serve_in(Phase::default(), stream, exchange, drain).await;
}

/// The same, in a phase that others can look at.
async fn serve_in(
    phase: Phase,
    stream: MaybeTls,
    exchange: Arc<Exchange>,
    drain: CancellationToken,
) {
    let remote = exchange.connection.remote;
    let server = exchange.server.clone();
    let Options {
        write_timeout,
        keepalive_timeout,
        ..
    } = exchange.server.options();
    let service = service(exchange, stream.sendfile_queue().cloned(), phase.clone());
    let stream = TimeoutStream::new(stream, None, Some(write_timeout)).measured_by(MaybeTls::sent);
    let stream = HeadTimeout::new(stream, phase.clone(), HEAD_TIMEOUT);
    let stream = stream.telling(|stream, lasts| stream.get_ref().notice_loss(lasts));
    let stream = CheckedHeads::new(stream, phase.clone(), MAX_HEAD);
    let mut http = pin!(
        http1::Builder::new()
            .timer(HyperTimer)
            // Header names are case-insensitive, but small clients have been seen to look for these.
            .title_case_headers(true)
            .header_read_timeout(keepalive_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let result = tokio::select! {
        // First, so that a request that has come is one.
        biased;
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
        info!(target: "access", %remote, "refused: {}", ConnectionRefusal::Tls);
    } else if let Err(error) = result {
        if is_stalled(&error) {
            info!(target: "access", %remote, "an answer is broken off: {}", BreakOff::StalledClient);
        } else if error.is_parse() {
            // What is not found wrong before the library looks: a chunk of a body.
            server.handler().count_refusal("bad_request");
            warn!(target: "access", %remote, reason = error.to_string(), "refused");
        } else {
            debug!(%remote, "connection ended: {error}");
        }
    }
}

/// Whether a connection ended since its client took nothing of an answer.
fn is_stalled(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref());
    let inner = source.and_then(io::Error::get_ref);
    inner.is_some_and(|inner| inner.is::<Stalled>())
}

/// Answers the requests of one connection, and says when each begins and ends.
fn service(
    exchange: Arc<Exchange>,
    files: Option<SendfileQueue>,
    phase: Phase,
) -> impl Service<
    Request<Incoming>,
    Response = Response<TrackedBody<Body>>,
    Error = HangUp,
    Future = impl Future<Output = Result<Response<TrackedBody<Body>>, HangUp>> + Send,
> {
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Detach(detach));
        if let Some(files) = &files {
            request.extensions_mut().insert(files.clone());
        }
        let Notes {
            raw_target,
            bad_request,
            ..
        } = phase.begin_request();
        let extensions = request.extensions_mut();
        extensions.insert(phase.lasting());
        if let Some(raw_target) = raw_target {
            extensions.insert(raw_target);
        }
        if let Some(bad_request) = bad_request {
            extensions.insert(bad_request);
        }
        let phase = phase.clone();
        // In a box, or each connection would have the room for it, from its first byte to its last.
        let answer = Box::pin(Arc::clone(&exchange).answer(request));
        answer.map(|response| {
            let response = HangUp::check(response)?;
            let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let phase = (!is_websocket).then_some(phase);
            Ok(response.map(|body| TrackedBody::new(body, phase)))
        })
    })
}

/// Takes the stream of a connection that has become a WebSocket out of hyper's hands and from beneath the limit
/// on heads, so that no message passes either.
fn detach(
    upgraded: Upgraded,
    options: &websocket::Options,
    compression: Option<&Negotiated>,
) -> Result<Client, Upgraded> {
    let parts =
        upgraded.downcast::<TokioIo<CheckedHeads<HeadTimeout<TimeoutStream<MaybeTls>>>>>()?;
    let (stream, held) = parts.io.into_inner().into_parts();
    let stream = stream.into_inner().into_inner();
    // Copied: the session would keep hyper's whole buffer for what is in it, be it nothing.
    let read_ahead = [parts.read_buf, held].concat().into();
    Ok(websocket::open_watched(
        stream,
        read_ahead,
        Role::Server,
        options,
        compression,
        |stream: &MaybeTls| Some(underlying(stream)),
    ))
}

fn underlying(stream: &MaybeTls) -> Underlying<'_> {
    Underlying {
        socket: stream.as_fd(),
        is_bare: !stream.is_tls(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::Program,
        connection::{ConnectionInfo, Endpoint},
        http::access::ProcessLimit,
        server::{
            connection::{exchange::ConnectionRole, properties::site},
            io::Stream,
        },
        transport::websocket::frame,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[tokio::test]
    async fn messages_pass_no_limit_on_heads_and_none_that_was_read_ahead_is_lost() {
        let program = Program {
            file: "/bin/cat".into(),
            arguments: vec!["cat".into()],
            ..Program::default()
        };
        let (near, mut far) = UnixStream::pair().expect("two ends");
        // Programs end with it.
        let server = site(&program, ProcessLimit::default());
        let exchange = Exchange {
            connection: ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None)),
            role: ConnectionRole::Site,
            server: server.clone(),
        };
        let phase = Phase::default();
        let serving = tokio::spawn(serve_in(
            phase.clone(),
            Stream::Right(near).into(),
            Arc::new(exchange),
            CancellationToken::new(),
        ));
        let message = frame::encode(0x81, b"hello", Some([1, 2, 3, 4]));
        let asked = [HANDSHAKE, &message].concat();
        far.write_all(&asked).await.expect("room");
        let mut read = Vec::new();
        while !read.ends_with(b"\x81\x05hello") {
            let more = far.read_buf(&mut read).await.expect("a session");
            assert!(more > 0, "{}", read.escape_ascii());
        }
        serving.await.expect("the connection is the session's");
        assert!(!phase.is_watched(), "a stream of the session looks at it");
    }
}
