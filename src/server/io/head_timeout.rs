//! The time limit on a request's head: [`HeadTimeout`].
//!
//! # How it works
//! hyper has one time limit for all that comes before a request is complete, the pause between two
//! requests too. A pause may be long, a head may not: else a thousand clients that send a byte now and
//! then hold a thousand connections (slowloris). So the byte stream beneath hyper watches for the first
//! byte after a pause, and fails a head that takes too long from there. A connection starts within a
//! head, so one that never sends a byte is limited as well.
//!
//! The same stream sees whether a connection begins with a TLS handshake, of which hyper could only say
//! that it is no HTTP. When the connection becomes a WebSocket, it leaves the stack
//! ([`HeadTimeout::into_inner`]).

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

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::maybe_tls::HANDSHAKE_RECORD;
use crate::timer::FairTimer;

/// Shared by the stream, which sees bytes, and the service, which sees requests.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Phase(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    /// Whether the first byte was that of a TLS handshake.
    tls: AtomicBool,
    /// Whether a request has come.
    asked: AtomicBool,
}

/// A head is on its way; where a connection begins.
const HEAD: u8 = 0;
/// A request is being answered, or the connection is a WebSocket.
const BUSY: u8 = 1;
/// Between two requests.
const IDLE: u8 = 2;

impl Phase {
    /// A request has come, and is being answered.
    pub(in crate::server) fn begin_request(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
        self.set(BUSY);
    }

    /// It has been answered.
    pub(in crate::server) fn end_request(&self) {
        self.set(IDLE);
    }

    /// Whether a request has ever come.
    pub(in crate::server) fn has_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Whether the first byte was that of a TLS handshake.
    pub(in crate::server) fn began_with_tls(&self) -> bool {
        self.0.tls.load(Ordering::Relaxed)
    }

    /// Whether anybody else has it: a stream, or a service.
    #[cfg(test)]
    pub(in crate::server) fn is_watched(&self) -> bool {
        Arc::strong_count(&self.0) > 1
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
pub(in crate::server) struct HeadTimeout<S> {
    stream: S,
    phase: Phase,
    limit: Duration,
    /// When the head began, or was expected to.
    since: Option<Instant>,
    timer: FairTimer,
    has_begun: bool,
}

impl<S> HeadTimeout<S> {
    /// Limits heads to `limit`, by what `phase` is told of requests.
    pub(in crate::server) fn new(stream: S, phase: Phase, limit: Duration) -> Self {
        HeadTimeout {
            stream,
            phase,
            limit,
            since: None,
            timer: FairTimer::default(),
            has_begun: false,
        }
    }

    /// The stream beneath, without a limit.
    pub(in crate::server) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.phase.is(HEAD) {
            this.since = None;
            this.timer.stop();
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
            let since = *this.since.get_or_insert_with(Instant::now);
            ready!(this.timer.poll_expired(since, this.limit, context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimeout<S> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::{Instant, sleep, timeout},
    };

    const LIMIT: Duration = Duration::from_secs(10);

    fn timed() -> (HeadTimeout<DuplexStream>, DuplexStream, Phase) {
        let (stream, peer) = duplex(64);
        let phase = Phase::default();
        (HeadTimeout::new(stream, phase.clone(), LIMIT), peer, phase)
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
        assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_answer_nor_a_pause_is_limited() {
        let (mut stream, mut peer, phase) = timed();
        phase.begin_request();
        assert!(timeout(10 * LIMIT, stream.read_u8()).await.is_err());
        phase.end_request();
        assert!(timeout(10 * LIMIT, stream.read_u8()).await.is_err());
        // The first byte of the next head starts the clock.
        peer.write_u8(1).await.expect("the other end reads");
        assert!(stream.read_u8().await.is_ok());
        let started = Instant::now();
        assert!(stream.read_u8().await.is_err());
        assert_eq!(started.elapsed().as_secs(), LIMIT.as_secs());
    }
}
