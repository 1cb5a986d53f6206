//! HTTP/2 over a stream (RFC 9113), with WebSockets on streams of its own (RFC 8441).
//!
//! # How it works
//! One task for the connection, one for each stream that is being answered; a WebSocket has one that
//! carries what it is sent, besides its session's. All of them end with the connection, whose task waits
//! for them. Streams are limited in number, and each in what may be on its way on it: memory is held for
//! what a client has sent and a program has not taken, and for what a client has not taken, never for more.

use std::{sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::http2,
    service::{Service, service_fn},
};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    answers::{Answers, SentBody},
    exchange::{ConnectionRole, Exchange},
    hyper_timer::HyperTimer,
    limits::{HEAD_TIMEOUT, MAX_HEAD},
    streams::Streams,
};
use crate::{
    http::{
        HangUp,
        access::{DescriptorBudget, FirstWebSocket},
    },
    server::{Options, io::MaybeTls},
    timer::sleep,
    transport::TimeoutStream,
};

/// Streams at a time: a thousand sessions, and what else a page asks for.
const STREAMS: u32 = 1024;
/// Bytes that a client may send ahead on a stream: what HTTP/2 has without being told (RFC 9113 §6.9.2).
/// Less would slow uploads over long lines down, more is memory that a client can have held.
const STREAM_WINDOW: u32 = 64 * 1024 - 1;
/// The same on all streams together: as much as all of them may, so that those whose programs do not read
/// cannot hold up the others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS;
/// Bytes that wait in a stream for the connection to take them. Less would have tasks take turns for each
/// frame, more is memory that a client which does not read can have held.
const SEND_BUFFER: usize = 32 * 1024;
/// When a connection on which nothing comes is asked for a sign of life, and how long that may take: it waits
/// behind all that the kernel has taken for a client, which may be on a slow line.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// What a client gets to agree to the end of a connection without streams (RFC 9113 §6.8 has it take a round
/// trip).
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// Serves until the connection closes.
///
/// Cancel safe: no; the connection is closed then, and nobody waits for its streams.
pub(super) async fn serve(mut stream: MaybeTls, exchange: Arc<Exchange>, drain: CancellationToken) {
    let permit = stream.take_permit();
    let remote = exchange.connection.remote;
    let is_turned_away = matches!(exchange.role, ConnectionRole::TurnAway(_));
    let streams = Streams::default();
    let Options {
        write_timeout,
        keepalive_timeout,
        ..
    } = exchange.server.options();
    let answers = Answers::new(write_timeout);
    let service = service(exchange, answers.clone());
    let io = TokioIo::new(TimeoutStream::new(stream, None, Some(write_timeout)));
    let mut http = Box::pin(builder(streams.clone()).serve_connection(io, service));
    let result = tokio::select! {
        result = &mut http => Some(result),
        () = drain.cancelled() => None,
        () = streams.wait_idle(HEAD_TIMEOUT, keepalive_timeout) => None,
        () = streams.wait_first(), if is_turned_away => None,
        () = answers.wait_stalled(&streams) => Some(Ok(())),
    };
    let result = match result {
        Some(result) => result,
        // A client that has asked for nothing loses nothing.
        None if !streams.have_begun() => Ok(()),
        None => {
            http.as_mut().graceful_shutdown();
            let ended = async {
                streams.wait_none().await;
                sleep(CLOSING_GRACE).await;
            };
            tokio::select! {
                result = &mut http => result,
                () = ended => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        debug!(%remote, "connection ended: {error}");
    }
    drop(http);
    // Their streams are closed, so they end by themselves.
    streams.wait_none().await;
    drop(permit);
}

/// Answers the requests of one connection, each when it is its turn.
fn service(
    exchange: Arc<Exchange>,
    answers: Answers,
) -> impl Service<
    Request<Incoming>,
    Response = Response<SentBody>,
    Error = HangUp,
    Future = impl Future<Output = Result<Response<SentBody>, HangUp>> + Send,
> {
    let (first, descriptors) = (FirstWebSocket::default(), DescriptorBudget::default());
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(first.clone());
        request.extensions_mut().insert(descriptors.clone());
        let (exchange, answers) = (Arc::clone(&exchange), answers.clone());
        async move {
            let turn = answers.turn(&request).await;
            // In a box, or each of a thousand streams that wait would have the room that an answer takes.
            let response = Box::pin(exchange.answer(request)).await;
            // Which resets its stream, and leaves the others alone.
            let response = HangUp::check(response)?;
            Ok(answers.send(response, turn))
        }
    })
}

fn builder(streams: Streams) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(HyperTimer)
        .enable_connect_protocol()
        .max_header_list_size(MAX_HEAD as u32)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
