//! The body of a response by HTTP/1.1, whose end the time limits have to know: [`TrackedBody`].

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::{
    server::io::{CLOSING_GRACE, CutOffState, Phase},
    timer::LazyTimer,
};

/// A response's body, at whose end the connection is idle. One that fails says so when the client has what it said
/// before ([`cut_off`](crate::server::io)).
#[derive(Debug)]
pub(super) struct TrackedBody<B: Body> {
    body: B,
    /// `None` if the connection is a WebSocket from here on.
    phase: Option<Phase>,
    failure: Option<Box<Failure<B::Error>>>,
}

/// Why a body has failed, to be said later.
#[derive(Debug)]
struct Failure<E> {
    /// `None` when it was said.
    error: Option<E>,
    /// When the client had yet to take what was written.
    written: Option<Instant>,
    timer: LazyTimer,
}

impl<E> Failure<E> {
    fn new(error: E) -> Self {
        Failure {
            error: Some(error),
            written: None,
            timer: LazyTimer::default(),
        }
    }

    /// Ready when it may be said.
    fn poll_due(&mut self, phase: Option<&Phase>, context: &mut Context<'_>) -> Poll<()> {
        match phase.map_or(CutOffState::Over, Phase::cut_off) {
            // Whoever polls this flushes next, and is woken as that goes on.
            CutOffState::Unwritten => Poll::Pending,
            CutOffState::Written => {
                let written = *self.written.get_or_insert_with(Instant::now);
                self.timer.poll_expired(written + CLOSING_GRACE, context)
            }
            CutOffState::Over => Poll::Ready(()),
        }
    }
}

impl<B: Body> TrackedBody<B> {
    pub(super) fn new(body: B, phase: Option<Phase>) -> Self {
        TrackedBody {
            body,
            phase,
            failure: None,
        }
    }
}

impl<B: Body + Unpin> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = &mut *self;
        let failure = match &mut this.failure {
            Some(failure) => failure,
            None => match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Err(error)) => this.failure.insert(Box::new(Failure::new(error))),
                frame => return Poll::Ready(frame),
            },
        };
        ready!(failure.poll_due(this.phase.as_ref(), context));
        Poll::Ready(failure.error.take().map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> Drop for TrackedBody<B> {
    fn drop(&mut self) {
        if let Some(phase) = &self.phase {
            phase.end_request();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::io::HeadTimeout;
    use bytes::Bytes;
    use futures_util::{FutureExt, stream};
    use http_body_util::{BodyExt, StreamBody};
    use std::{io, time::Duration};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// A body that says something and fails, as far as that; its phase.
    async fn failed() -> (TrackedBody<impl Body<Error = io::Error> + Unpin>, Phase) {
        let pieces = [
            Ok(Frame::data(Bytes::from_static(b"a"))),
            Err(io::ErrorKind::UnexpectedEof.into()),
        ];
        let phase = Phase::default();
        phase.begin_request();
        let body = StreamBody::new(stream::iter(pieces));
        let mut body = TrackedBody::new(body, Some(phase.clone()));
        let piece = body.frame().await.expect("a piece");
        assert!(piece.is_ok());
        (body, phase)
    }

    #[tokio::test(start_paused = true)]
    async fn body_fails_when_what_it_said_is_written_and_the_client_has_had_its_time() {
        let (mut body, phase) = failed().await;
        let (stream, mut peer) = duplex(64);
        let mut stream = HeadTimeout::new(stream, phase, Duration::MAX);
        stream.write_all(b"a").await.expect("room");
        assert!(body.frame().now_or_never().is_none());
        stream.flush().await.expect("there");
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.expect("an end");
        assert_eq!(read, b"a");
        let begun = Instant::now();
        let failure = body.frame().await.expect("no end");
        assert!(failure.is_err() && begun.elapsed() >= CLOSING_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn body_fails_at_once_when_its_client_has_gone() {
        let (mut body, phase) = failed().await;
        let (stream, peer) = duplex(64);
        let mut stream = HeadTimeout::new(stream, phase, Duration::MAX);
        assert!(body.frame().now_or_never().is_none());
        stream.flush().await.expect("there");
        assert!(body.frame().now_or_never().is_none());
        drop(peer);
        assert!(stream.read_u8().await.is_err());
        let failure = body.frame().now_or_never().expect("now");
        assert!(failure.expect("no end").is_err());
    }

    #[tokio::test]
    async fn body_of_what_is_no_answer_fails_at_once() {
        let failing = stream::iter([Err::<Frame<Bytes>, _>(io::Error::from(
            io::ErrorKind::UnexpectedEof,
        ))]);
        let mut body = TrackedBody::new(StreamBody::new(failing), None);
        let failure = body.frame().now_or_never().expect("now");
        assert!(failure.expect("no end").is_err());
    }
}
