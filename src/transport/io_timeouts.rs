//! I/O timeouts of a byte stream, one on reads and one on writes: how long a client may be silent, how long it may take nothing.
//!
//! # How it works
//! Time counts only while we wait. The clock of a direction starts when an operation has to wait
//! and stops when bytes move, so a session that does not read (its program is busy) cannot find its
//! client silent. A write that can go on after it had to wait is a sign of life as well. Nor does a time count in
//! which this process did not run ([`FairTimer`]): what waits in the socket is looked at first.
//!
//! A stream that keeps what it is given (TLS) takes a piece now and then though nothing moves. Where it can tell how much
//! has gone to the socket, that is what stops the clock.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{quantity::duration, timer::FairTimer};

/// What is in the error of a stream on which nothing moved for too long.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stalled(String);

/// A stream whose reads and writes fail with `TimedOut` when nothing moves for too long.
#[derive(Debug)]
pub(crate) struct TimeoutStream<S> {
    stream: S,
    silence: Deadline,
    congestion: Deadline,
    /// How much of what the stream was given has gone to the socket, where it knows.
    sent: fn(&S) -> Option<u64>,
    /// What that was when it was last looked at.
    seen: Option<u64>,
}

impl<S> TimeoutStream<S> {
    /// `silence` bounds a read, `congestion` a write; `None` waits for ever.
    pub(crate) fn new(stream: S, silence: Option<Duration>, congestion: Option<Duration>) -> Self {
        TimeoutStream {
            stream,
            silence: Deadline::new(silence),
            congestion: Deadline::new(congestion),
            sent: |_| None,
            seen: None,
        }
    }

    /// The same for a stream that may take what it does not send, and tells what it has sent.
    pub(crate) fn measured_by(self, sent: fn(&S) -> Option<u64>) -> Self {
        TimeoutStream { sent, ..self }
    }

    /// The stream beneath, to look at.
    pub(crate) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream beneath, which may take its time.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// What a write comes to. Where the stream tells what it has sent, that it took something means nothing.
    fn poll_taken<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let sent = (self.sent)(&self.stream);
        if sent.is_some() && sent == self.seen && written.is_ready() {
            return written;
        }
        if sent != self.seen {
            self.seen = sent;
            self.moved();
        }
        self.poll_moved(context, written)
    }

    /// What a write comes to, or the flush of one, with which all has moved.
    fn poll_moved<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let expired = self
                .congestion
                .poll_expired(context, "the other end took nothing");
            return expired.map(Err);
        }
        self.moved();
        written
    }

    /// Notes that there is room again.
    fn moved(&mut self) {
        if self.congestion.stop() {
            // So the client took something: our ping may still be on its way to it, behind all that.
            self.silence.stop();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self
                .silence
                .poll_expired(context, "the other end was silent")
                .map(Err),
            ready => {
                self.silence.stop();
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.poll_taken(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.poll_taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// TLS takes what it is given, and waits here.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let sent = (self.sent)(&self.stream);
        if sent != self.seen {
            self.seen = sent;
            self.moved();
        }
        self.poll_moved(context, flushed)
    }

    /// From here on silence is nothing: who has been told the end has nothing to say.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.silence = Deadline::new(None);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A limit on how long one direction waits.
#[derive(Debug)]
struct Deadline {
    limit: Option<Duration>,
    /// When the present wait began.
    since: Option<Instant>,
    timer: FairTimer,
}

impl Deadline {
    fn new(limit: Option<Duration>) -> Self {
        Deadline {
            limit,
            since: None,
            timer: FairTimer::default(),
        }
    }

    /// Ends the present wait; whether there was one.
    fn stop(&mut self) -> bool {
        self.timer.stop();
        self.since.take().is_some()
    }

    /// Ready when the wait has been too long.
    fn poll_expired(&mut self, context: &mut Context<'_>, what: &str) -> Poll<io::Error> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        ready!(self.timer.poll_expired(since, limit, context));
        let error = Stalled(format!("{what} for {}", duration(limit)));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter, duplex};

    const LIMIT: Option<Duration> = Some(Duration::from_secs(60));

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_read() {
        let (stream, _peer) = duplex(64);
        let mut patient = TimeoutStream::new(stream, LIMIT, None);
        let error = patient.read_u8().await.expect_err("nothing comes");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn any_byte_restarts_the_wait() {
        let (stream, mut peer) = duplex(64);
        let mut patient = TimeoutStream::new(stream, LIMIT, None);
        let talk = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                peer.write_u8(1).await.expect("the other end reads");
            }
        };
        let read = async {
            for _ in 0..5 {
                patient.read_u8().await.expect("in time");
            }
        };
        tokio::join!(talk, read);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let (stream, mut peer) = duplex(64);
        let mut patient = TimeoutStream::new(stream, LIMIT, None);
        peer.write_u8(1).await.expect("fits");
        patient.read_u8().await.expect("there");
        tokio::time::sleep(Duration::from_secs(600)).await;
        peer.write_u8(1).await.expect("fits");
        patient.read_u8().await.expect("was only read late");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_behind_the_end_is_none() {
        let (stream, mut peer) = duplex(64);
        let mut patient = TimeoutStream::new(stream, LIMIT, None);
        patient.shutdown().await.expect("the other end is there");
        let late = async {
            tokio::time::sleep(Duration::from_secs(600)).await;
            peer.write_u8(1).await.expect("the other end reads");
        };
        let (read, ()) = tokio::join!(patient.read_u8(), late);
        read.expect("it was waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn taking_what_waits_is_a_sign_of_life() {
        let (stream, mut peer) = duplex(1);
        let mut patient = TimeoutStream::new(stream, LIMIT, None);
        let take = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                peer.read_u8().await.expect("a byte");
            }
            peer.write_u8(1).await.expect("the other end reads");
        };
        let (mut reader, mut writer) = tokio::io::split(&mut patient);
        let (_, written, read) = tokio::join!(take, writer.write_all(b"12345"), reader.read_u8());
        assert!(written.is_ok() && read.is_ok(), "{written:?} {read:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_to_be_flushed_waits_no_longer() {
        let (stream, _peer) = duplex(1);
        let mut buffered = BufWriter::new(stream);
        buffered.write_all(b"ab").await.expect("it takes all");
        let mut patient = TimeoutStream::new(buffered, None, LIMIT);
        let error = patient.flush().await.expect_err("one byte fits");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_stream_keeps_has_not_moved() {
        let (stream, _peer) = duplex(1);
        let buffered = BufWriter::with_capacity(100, stream);
        let mut patient = TimeoutStream::new(buffered, None, LIMIT).measured_by(|_| Some(0));
        patient.write_all(b"a").await.expect("room to keep it");
        patient.flush().await.expect("one byte fits");
        let begun = Instant::now();
        // Each piece is taken, and none is sent.
        let error = loop {
            patient.write_all(b"a").await.expect("room to keep it");
            let flushing = patient.flush();
            let flushed = tokio::time::timeout(Duration::from_secs(50), flushing).await;
            if let Ok(flushed) = flushed {
                break flushed.expect_err("nothing moves");
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stopped_ends_a_write() {
        let (stream, _peer) = duplex(1);
        let mut patient = TimeoutStream::new(stream, None, LIMIT);
        let error = patient.write_all(b"ab").await.expect_err("one byte fits");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
