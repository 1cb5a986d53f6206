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
//!
//! It tells what lies beneath when an answer begins that may last, and when another does; and behind what was said of an
//! answer that breaks off it shuts our direction ([`cut_off`](super::cut_off)).
//!
//! And it sees a head that is refused before it has come as a whole, too long or malformed: then the client may
//! still be sending, and a socket that is closed before all of that is read resets the connection, by which the
//! answer is lost (RFC 1122 §4.2.2.13). So what still comes is read and thrown away.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::{
    cut_off::{CutOff, CutOffState},
    maybe_tls::HANDSHAKE_RECORD,
    standstill::Standstill,
};
use crate::{
    http::{BadRequest, LastingFlag, RawTarget},
    timer::FairTimer,
};

/// What a client gets to read the last answer, whatever it sends meanwhile. Shorter would lose it the answer on a
/// slow line; longer lets it send for nothing.
pub(in crate::server) const CLOSING_GRACE: Duration = Duration::from_secs(2);
/// What is thrown away at once, in bytes.
const DISCARDED: usize = 4 * 1024;

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
    /// Whether what it is answered with may last.
    lasting: LastingFlag,
    /// Whether it breaks off.
    cut_off: CutOff,
    standstill: Standstill,
    notes: Mutex<Notes>,
}

/// What the stream knows of the next request that its head does not say.
#[derive(Debug, Default)]
pub(in crate::server) struct Notes {
    /// The target as it came, where it is another now.
    pub(in crate::server) raw_target: Option<RawTarget>,
    /// The request that this one stands for.
    pub(in crate::server) bad_request: Option<BadRequest>,
    /// Who waits for the end of the request that is being answered.
    waiting: Option<Waker>,
}

/// A head is on its way; where a connection begins.
const HEAD: u8 = 0;
/// A request is being answered, or the connection is a WebSocket.
const BUSY: u8 = 1;
/// Between two requests.
const IDLE: u8 = 2;
/// As [`HEAD`], but its time has yet to begin: some of it came before the request in front of it was answered.
const NEXT_HEAD: u8 = 3;

impl Phase {
    /// A request has come, and is being answered.
    pub(in crate::server) fn begin_request(&self) -> Notes {
        self.0.asked.store(true, Ordering::Relaxed);
        self.0.lasting.set(false);
        self.set(BUSY);
        std::mem::take(&mut *self.0.notes.lock())
    }

    /// By which it is said that what it is answered with may last.
    pub(in crate::server) fn lasting(&self) -> LastingFlag {
        self.0.lasting.clone()
    }

    /// It breaks off, and the connection with it. How far that is; who asks is woken when it goes on, as who
    /// writes the answer.
    pub(in crate::server) fn cut_off(&self) -> CutOffState {
        self.0.cut_off.ask()
    }

    /// It has been answered.
    pub(in crate::server) fn end_request(&self) {
        self.set(IDLE);
        let waiting = self.0.notes.lock().waiting.take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Whether a request has been answered and no other has begun.
    pub(in crate::server) fn is_idle(&self) -> bool {
        self.is(IDLE)
    }

    /// The next head has begun to come.
    pub(super) fn begin_head(&self) {
        self.set(NEXT_HEAD);
    }

    /// What is known of what the library has in its hands.
    pub(super) fn standstill(&self) -> &Standstill {
        &self.0.standstill
    }

    /// Whether all that the library has written is flushed.
    pub(in crate::server) fn is_flushed(&self) -> bool {
        self.0.standstill.is_flushed()
    }

    /// Whether all requests are answered, and the library waits for another with nothing in its hands.
    pub(in crate::server) fn is_at_rest(&self) -> bool {
        self.is_idle() && self.0.standstill.awaits_head()
    }

    /// Has a task woken when the request that is being answered has been.
    pub(super) fn wait_idle(&self, context: &Context<'_>) {
        self.0.notes.lock().waiting = Some(context.waker().clone());
        if self.is_idle() {
            context.waker().wake_by_ref();
        }
    }

    /// Notes what the next request is told.
    pub(super) fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.0.notes.lock());
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
    closing: Closing,
    /// Told whether what is written now may last.
    on_lasting: fn(&S, bool),
    is_lasting: bool,
}

/// How far the end of a stream is.
#[derive(Debug)]
enum Closing {
    Open,
    /// Our direction is shut, and what still comes is thrown away, for so long.
    Discarding(Pin<Box<Sleep>>),
    Done,
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
            closing: Closing::Open,
            on_lasting: |_, _| {},
            is_lasting: false,
        }
    }

    /// The same, which tells the stream beneath when an answer begins that may last, and when one that may not.
    pub(in crate::server) fn telling(self, on_lasting: fn(&S, bool)) -> Self {
        HeadTimeout { on_lasting, ..self }
    }

    fn tell_lasting(&mut self) {
        let is_lasting = self.phase.0.lasting.get();
        if std::mem::replace(&mut self.is_lasting, is_lasting) != is_lasting {
            (self.on_lasting)(&self.stream, is_lasting);
        }
    }

    /// The stream beneath, without a limit.
    pub(in crate::server) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> HeadTimeout<S> {
    /// Shuts our direction; whether the client may still be sending.
    fn poll_shut(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        let is_cut_off = self.has_begun && self.phase.is(HEAD);
        let found = self.poll_discard(context);
        Poll::Ready(Ok(match found {
            Poll::Ready(more) => more,
            Poll::Pending => is_cut_off,
        }))
    }

    /// Throws away a piece of what has come; whether there may be more.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let mut piece = [MaybeUninit::uninit(); DISCARDED];
        let mut piece = ReadBuf::uninit(&mut piece);
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece));
        Poll::Ready(read.is_ok() && !piece.filled().is_empty())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.tell_lasting();
        if !this.phase.is(HEAD) {
            this.since = None;
            this.timer.stop();
        }
        if this.phase.is(NEXT_HEAD) {
            this.phase.set(HEAD);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() && buffer.filled().len() == before {
            this.phase.0.cut_off.note_end();
        }
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

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tell_lasting();
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tell_lasting();
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        if this.phase.0.cut_off.is_wanted() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            this.phase.0.cut_off.note_shut();
            // The body waits for it, in the same task.
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when nothing can be lost by a close.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // What follows is an end, and no rest.
        this.phase.standstill().note_read(false);
        if let Closing::Open = this.closing {
            this.closing = match ready!(this.poll_shut(context))? {
                true => Closing::Discarding(Box::pin(sleep(CLOSING_GRACE))),
                false => Closing::Done,
            };
        }
        while let Closing::Discarding(grace) = &mut this.closing {
            // First, for a client that never stops leaves no room for it behind what it sends.
            if grace.as_mut().poll(context).is_ready() || !ready!(this.poll_discard(context)) {
                this.closing = Closing::Done;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
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

    #[tokio::test]
    async fn answer_that_may_last_is_told_of_once_and_the_next_one_that_does_not() {
        static TOLD: Mutex<Vec<bool>> = Mutex::new(Vec::new());
        let (stream, _peer, phase) = timed();
        let mut stream = stream.telling(|_, lasts| TOLD.lock().push(lasts));
        for lasts in [false, true, false] {
            phase.begin_request();
            if lasts {
                phase.lasting().set(true);
            }
            stream.write_all(b"ab").await.expect("room");
            stream.write_all(b"c").await.expect("room");
        }
        assert_eq!(*TOLD.lock(), [true, false]);
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
    async fn client_that_is_cut_off_may_send_on_for_a_while() {
        let (mut stream, mut peer, _) = timed();
        peer.write_u8(b'G').await.expect("room");
        stream.read_u8().await.expect("there");
        let sending = async {
            for _ in 0..10 {
                peer.write_all(&[b'x'; 64]).await.expect("it reads");
            }
            std::future::pending::<()>().await;
        };
        let begun = Instant::now();
        tokio::select! {
            shut = stream.shutdown() => shut.expect("shut"),
            () = sending => {}
        }
        assert_eq!(begun.elapsed(), CLOSING_GRACE);
        // One whose request was answered has nothing to send.
        let (mut stream, _peer, phase) = timed();
        phase.begin_request();
        phase.end_request();
        let begun = Instant::now();
        stream.shutdown().await.expect("shut");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn connection_that_is_being_shut_is_not_at_rest() {
        let (mut stream, mut peer, phase) = timed();
        phase.begin_request();
        phase.end_request();
        phase.standstill().note_read(true);
        assert!(phase.is_at_rest());
        // What is read in vain behind the last answer.
        peer.write_u8(1).await.expect("room");
        assert!(stream.shutdown().now_or_never().is_none());
        assert!(!phase.is_at_rest());
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
