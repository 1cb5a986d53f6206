//! The HTTP library (hyper) over a connection's stream, for as long as it is needed: [`serve`].
//!
//! # How it works
//! The library is made for a connection as a whole, and has two buffers of 8 KiB for it. But a connection is silent most of
//! its life: between two requests, or while an event stream says nothing. Then the stream is taken from the library, which
//! is dropped with its buffers, and made anew for the next request. That loses nothing, since the stream knows when
//! the library has nothing of it in its hands ([`Phase::is_at_rest`], [`Phase::is_flushed`]).

use std::{
    future::{Future, poll_fn},
    os::fd::AsFd,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    server::conn::http1::{self, UpgradeableConnection},
    service::{Service, service_fn},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    exchange::Exchange,
    limits::MAX_HEAD,
    streamed_answer::{AnswerSlot, StreamedAnswer, Streaming},
    tracked_body::TrackedBody,
};
use crate::{
    http::{Body, HangUp, OwnConnection, sendfile::SendfileQueue, websocket::Detach},
    server::io::{CheckedHeads, HeadTimeout, MaybeTls, Notes, Phase},
    timer::LazyTimer,
    transport::{
        Client, TimeoutStream,
        websocket::{self, Role, Underlying, deflate::Negotiated},
    },
};

/// What the library reads and writes. Boxed, since it changes hands.
pub(super) type HttpStream = Box<CheckedHeads<HeadTimeout<TimeoutStream<MaybeTls>>>>;

/// What there is of a connection besides its stream.
pub(super) struct Connection {
    pub(super) exchange: Arc<Exchange>,
    pub(super) files: Option<SendfileQueue>,
    pub(super) phase: Phase,
    pub(super) drain: CancellationToken,
}

/// What the library leaves.
pub(super) enum Left {
    /// Nothing: the connection is over, or a WebSocket's.
    Over(hyper::Result<()>),
    /// A connection at rest.
    AtRest(HttpStream),
    /// One with an answer whose head is written.
    Streaming(HttpStream, StreamedAnswer),
}

/// Why the library is to be dropped.
enum Stop {
    Over(hyper::Result<()>),
    Rest,
    Stream,
}

/// Answers requests until there is nothing for the library to do, and has not been for `pause`.
///
/// Cancel safe: no; the connection is closed then.
pub(super) async fn serve(stream: HttpStream, connection: &Connection, pause: Duration) -> Left {
    let slot = AnswerSlot::default();
    let mut http = http1::Builder::new()
        // Header names are case-insensitive, but small clients have been seen to look for these.
        .title_case_headers(true)
        // Heads and pauses are limited beneath it, where no timer is made for each request.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service(connection, slot.clone()))
        .with_upgrades();
    let shut = UpgradeableConnection::graceful_shutdown;
    let rest = Rest::new(pause);
    if let Stop::Over(result) = drive(&mut http, shut, connection, &slot, rest).await {
        return Left::Over(result);
    }
    // `None` would be a WebSocket's.
    let Some(parts) = http.into_parts() else {
        return Left::Over(Ok(()));
    };
    debug_assert!(parts.read_buf.is_empty(), "the library had nothing");
    let stream = parts.io.into_inner();
    match slot.take() {
        Some(answer) => Left::Streaming(stream, answer),
        None => Left::AtRest(stream),
    }
}

/// Has the library serve until it can be dropped; `shut` tells it that no more requests are answered.
async fn drive<H: Future<Output = hyper::Result<()>> + Unpin>(
    http: &mut H,
    shut: impl Fn(Pin<&mut H>),
    connection: &Connection,
    slot: &AnswerSlot,
    mut rest: Rest,
) -> Stop {
    let phase = &connection.phase;
    let mut drained = pin!(connection.drain.cancelled());
    let mut is_draining = false;
    poll_fn(|context| {
        loop {
            // First, so that a request that has come is one.
            if let Poll::Ready(result) = Pin::new(&mut *http).poll(context) {
                return Poll::Ready(Stop::Over(result));
            }
            if is_draining || drained.as_mut().poll(context).is_pending() {
                break;
            }
            // hyper would wait for the first request, which browsers open connections without sending.
            if !phase.has_asked() {
                return Poll::Ready(Stop::Over(Ok(())));
            }
            is_draining = true;
            shut(Pin::new(&mut *http));
        }
        if slot.is_filled() && phase.is_flushed() {
            return Poll::Ready(Stop::Stream);
        }
        // Behind the last answer there is no rest, but an end, which is the library's. It overlooks that in the turn in
        // which a body ends without a byte to be written (hyper's `poll_loop` looks when it flushes). If it ends nothing
        // then, it waits for another request, which one by HTTP/1.0 has asked for.
        if slot.may_be_last()
            && phase.is_idle()
            && let Poll::Ready(result) = Pin::new(&mut *http).poll(context)
        {
            return Poll::Ready(Stop::Over(result));
        }
        rest.poll_over(phase, context).map(|()| Stop::Rest)
    })
    .await
}

/// How long a connection has been at rest.
#[derive(Debug)]
struct Rest {
    pause: Duration,
    since: Option<Instant>,
    timer: LazyTimer,
}

impl Rest {
    fn new(pause: Duration) -> Self {
        Rest {
            pause,
            since: None,
            timer: LazyTimer::default(),
        }
    }

    /// Ready when it has been for so long.
    fn poll_over(&mut self, phase: &Phase, context: &mut Context<'_>) -> Poll<()> {
        if !phase.is_at_rest() {
            self.since = None;
            return Poll::Pending;
        }
        if self.pause.is_zero() {
            return Poll::Ready(());
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.timer.poll_expired(since + self.pause, context)
    }
}

/// Answers the requests of one connection, and says when each begins and ends.
fn service(
    connection: &Connection,
    slot: AnswerSlot,
) -> impl Service<
    Request<Incoming>,
    Response = Response<TrackedBody<Body>>,
    Error = HangUp,
    Future = impl Future<Output = Result<Response<TrackedBody<Body>>, HangUp>> + Send + use<>,
> + use<> {
    let (exchange, phase) = (Arc::clone(&connection.exchange), connection.phase.clone());
    let own = Arc::new(OwnConnection {
        detach: Detach(detach),
        files: connection.files.clone(),
        lasting: phase.lasting(),
    });
    service_fn(move |mut request: Request<Incoming>| {
        own.tell(&mut request);
        let Notes {
            raw_target,
            bad_request,
            ..
        } = phase.begin_request();
        let extensions = request.extensions_mut();
        if let Some(raw_target) = raw_target {
            extensions.insert(raw_target);
        }
        if let Some(bad_request) = bad_request {
            extensions.insert(bad_request);
        }
        let (phase, slot) = (phase.clone(), slot.clone());
        slot.note_request(&request);
        let streaming = Streaming::of(&request);
        // In a box, or each connection would have the room for it, from its first byte to its last.
        let answer = Box::pin(Arc::clone(&exchange).answer(request));
        answer.map(move |response| {
            let response = HangUp::check(response)?;
            slot.note_response(&response);
            let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            let phase = (!is_websocket).then_some(phase);
            let response = response.map(|body| TrackedBody::new(body, phase));
            Ok(slot.take_stream(response, streaming))
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
    let parts = upgraded.downcast::<TokioIo<HttpStream>>()?;
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
            connection::{exchange::ConnectionRole, http1::layered, properties::site},
            io::Stream,
        },
    };
    use bytes::Bytes;
    use hyper::body::Frame;
    use std::{convert::Infallible, future::ready};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    /// A body that says something, and has ended when it is looked at a third time, of which it tells nobody.
    #[derive(Debug, Default)]
    struct EndsBetween(u8);

    impl hyper::body::Body for EndsBetween {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0 += 1;
            match self.0 {
                1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"said"))))),
                2 => Poll::Pending,
                _ => Poll::Ready(None),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn end_that_the_library_overlooks_ends_the_connection() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        let exchange = Exchange {
            connection: ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None)),
            role: ConnectionRole::Site,
            server: site(&Program::default(), ProcessLimit::default()),
        };
        let connection = Connection {
            exchange: Arc::new(exchange),
            files: None,
            phase: Phase::default(),
            drain: CancellationToken::new(),
        };
        let (phase, slot) = (connection.phase.clone(), AnswerSlot::default());
        let noted = slot.clone();
        let stream = layered(Stream::Right(near).into(), &phase, Duration::MAX);
        let service = service_fn(move |request| {
            noted.note_request(&request);
            phase.begin_request();
            let body = TrackedBody::new(EndsBetween::default(), Some(phase.clone()));
            ready(Ok::<_, Infallible>(Response::new(body)))
        });
        let mut http = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let asked = far.write_all(b"GET / HTTP/1.0\r\n\r\n");
        asked.await.expect("room");
        let shut = UpgradeableConnection::graceful_shutdown;
        let rest = Rest::new(Duration::ZERO);
        let begun = Instant::now();
        let stop = drive(&mut http, shut, &connection, &slot, rest).await;
        assert!(matches!(stop, Stop::Over(Ok(()))));
        assert_eq!(begun.elapsed(), Duration::ZERO, "no timer had to wake it");
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.expect("its end");
        assert!(
            answer.ends_with(b"\r\n\r\nsaid"),
            "{}",
            answer.escape_ascii()
        );
    }
}
