//! What a connection is doing, and the time limit on a request's head.
//!
//! # How it works
//! hyper has one time limit for all that comes before a request is complete, the pause between two
//! requests too. A pause may be long, a head may not: else a thousand clients that send a byte now and
//! then hold a thousand connections (slowloris). So the byte stream beneath hyper watches for the first
//! byte after a pause, and fails a head that takes too long from there. A connection starts within a
//! head, so one that never sends a byte is limited as well.
//!
//! The same stream sees whether a connection begins with a TLS handshake, of which hyper could only say
//! that it is no HTTP.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::http::access::ConnectionPermit;

/// The first byte of a TLS connection: a record of type handshake (RFC 8446 §5.1). No method of HTTP begins
/// with it.
pub(in crate::server) const HANDSHAKE_RECORD: u8 = 0x16;

/// Shared by the stream, which sees bytes, and the service, which sees requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Phase(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    phase: AtomicU8,
    tls: AtomicBool,
}

/// A head is on its way; where a connection begins.
const HEAD: u8 = 0;
/// A request is being answered, or the connection is a WebSocket.
const BUSY: u8 = 1;
/// Between two requests.
const IDLE: u8 = 2;

impl Phase {
    /// A request is complete.
    pub(super) fn request(&self) {
        self.set(BUSY);
    }

    /// Whether the first byte was that of a TLS handshake.
    pub(super) fn began_with_tls(&self) -> bool {
        self.0.tls.load(Ordering::Relaxed)
    }

    fn set(&self, phase: u8) {
        self.0.phase.store(phase, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.phase.load(Ordering::Relaxed) == phase
    }
}

/// A stream on which a request's head may take only so long.
#[derive(Debug)]
pub(super) struct Timed<S> {
    stream: S,
    phase: Phase,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    has_begun: bool,
    /// The connection counts for as long as there is a stream.
    _admitted: Option<ConnectionPermit>,
}

impl<S> Timed<S> {
    pub(super) fn new(
        stream: S,
        phase: Phase,
        limit: Duration,
        admitted: Option<ConnectionPermit>,
    ) -> Self {
        Timed {
            stream,
            phase,
            limit,
            timer: None,
            has_begun: false,
            _admitted: admitted,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.phase.is(HEAD) {
            this.timer = None;
        }
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() && !this.has_begun {
            this.has_begun = true;
            let is_tls = buffer.filled().first() == Some(&HANDSHAKE_RECORD);
            this.phase.0.tls.store(is_tls, Ordering::Relaxed);
        }
        if read.is_ready() && this.phase.is(IDLE) {
            this.phase.set(HEAD);
        }
        if read.is_pending() && this.phase.is(HEAD) {
            let limit = this.limit;
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
            ready!(timer.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A response's body, at whose end the connection is idle.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: B,
    /// `None` if the connection is a WebSocket from here on.
    phase: Option<Phase>,
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, phase: Option<Phase>) -> Self {
        Answer { body, phase }
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        if let Some(phase) = &self.phase {
            phase.set(IDLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::{Instant, sleep, timeout},
    };

    const LIMIT: Duration = Duration::from_secs(10);

    fn timed() -> (Timed<DuplexStream>, DuplexStream, Phase) {
        let (stream, peer) = duplex(64);
        let phase = Phase::default();
        (Timed::new(stream, phase.clone(), LIMIT, None), peer, phase)
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_never_sends_is_limited() {
        let (mut stream, _peer, _) = timed();
        let error = stream.read_u8().await.expect_err("nothing comes");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_trickle_do_not_prolong_a_head() {
        let (mut stream, mut peer, _) = timed();
        let started = Instant::now();
        let trickle = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                if peer.write_u8(1).await.is_err() {
                    break;
                }
            }
        };
        let read = async { while stream.read_u8().await.is_ok() {} };
        tokio::select! {
            () = trickle => {}
            () = read => {}
        }
        assert_eq!(started.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_answer_nor_a_pause_is_limited() {
        let (mut stream, mut peer, phase) = timed();
        phase.request();
        assert!(timeout(10 * LIMIT, stream.read_u8()).await.is_err());
        drop(Answer::new((), Some(phase)));
        assert!(timeout(10 * LIMIT, stream.read_u8()).await.is_err());
        // The first byte of the next head starts the clock.
        peer.write_u8(1).await.expect("the other end reads");
        assert!(stream.read_u8().await.is_ok());
        let started = Instant::now();
        assert!(stream.read_u8().await.is_err());
        assert_eq!(started.elapsed(), LIMIT);
    }
}
