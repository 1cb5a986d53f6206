//! The heads of requests, checked before the HTTP library reads them: [`CheckedHeads`].
//!
//! # How it works
//! The bytes of a connection pass as they are, but for its heads: each is looked at as a whole, where it lies in the
//! library's own buffer if it comes at once, else kept until it is complete. A head that is fine goes on, be it with
//! another target ([`RawTarget`](crate::http::RawTarget)). In the place of one that is not the library gets another
//! request, which the service answers with what is wrong ([`Phase::begin_request`]); all that comes behind it is
//! that request's body, which nobody reads.
//!
//! To find the next head, the end of each body is looked for. What comes behind a request while that is
//! answered waits here, since it may be none: the request may have been a handshake.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{body_end::BodyEnd, head_timeout::Phase, maybe_tls::HANDSHAKE_RECORD};
use crate::http::{BadHead, BadRequest, BodyLength, RequestHead, has_end};

/// Bytes that are read at once while nobody has a buffer. Nearly all heads are shorter.
const PIECE: usize = 4 * 1024;

/// A stream whose reader sees only heads that it takes.
#[derive(Debug)]
pub(in crate::server) struct CheckedHeads<S> {
    stream: S,
    phase: Phase,
    /// Bytes of a head.
    max: usize,
    place: Place,
    /// What has come and was not read. At rest there is nothing.
    held: BytesMut,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A head, of which so many bytes are held that were looked at.
    Head { seen: usize },
    /// A request: so many bytes of its head, and then its body.
    Request { head: usize, body: BodyEnd },
    /// Nobody knows before the request is answered.
    Behind,
}

/// What looking at a head has shown.
enum Checked {
    /// It lies in front, and so many bytes of it and its body go on.
    Fine,
    /// It is not complete.
    Partial,
}

impl<S> CheckedHeads<S> {
    /// Checks heads of at most `max` bytes. `phase` is told of what the service has to know, and knows of requests.
    pub(in crate::server) fn new(stream: S, phase: Phase, max: usize) -> Self {
        CheckedHeads {
            stream,
            phase,
            max,
            place: Place::Head { seen: 0 },
            held: BytesMut::new(),
        }
    }

    /// The stream beneath, and what was read of it that nobody has read here.
    pub(in crate::server) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.held.freeze())
    }

    /// Looks at the head that `bytes` begin with; one that goes on as another is held as a whole, with what follows.
    fn check(&mut self, bytes: &[u8]) -> Checked {
        if bytes.first() == Some(&HANDSHAKE_RECORD) {
            // No HTTP, which the library may answer: who speaks TLS understands no answer.
            return self.begin(0, BodyLength::Sized(u64::MAX), None);
        }
        match RequestHead::parse(bytes, self.max) {
            Ok(None) => Checked::Partial,
            Ok(Some(head)) => match head.rewritten {
                None => self.begin(head.length, head.body, None),
                Some((rewritten, raw)) => {
                    self.phase.note(|next| next.raw_target = Some(raw));
                    let held = [&rewritten, &bytes[head.length..]].concat();
                    self.begin(rewritten.len(), head.body, Some(held))
                }
            },
            Err(reason) => self.replace(reason, bytes),
        }
    }

    fn begin(&mut self, head: usize, body: BodyLength, held: Option<Vec<u8>>) -> Checked {
        self.place = Place::Request {
            head,
            body: body.into(),
        };
        if let Some(held) = held {
            self.held = held[..].into();
        }
        Checked::Fine
    }

    /// Another request in the place of one that is not read on, and of all that follows.
    fn replace(&mut self, reason: BadHead, bytes: &[u8]) -> Checked {
        let bad = BadRequest::new(reason, bytes);
        let method = if bad.is_head { "HEAD" } else { "GET" };
        let (length, body) = match bad.may_go_on {
            // As long as one can be.
            true => ("Content-Length: 18446744073709551613\r\n", u64::MAX),
            false => ("", 0),
        };
        let head = format!("{method} / HTTP/1.1\r\n{length}\r\n").into_bytes();
        self.phase.note(|next| next.bad_request = Some(bad));
        self.begin(head.len(), BodyLength::Sized(body), Some(head))
    }

    /// How many of `bytes` belong to the request that is passing.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        let Place::Request { head, body } = &mut self.place else {
            return 0;
        };
        let of_head = bytes.len().min(*head);
        *head -= of_head;
        let passed = of_head + body.advance(&bytes[of_head..]);
        if *head == 0 && body.is_over() {
            self.place = Place::Behind;
        }
        passed
    }

    /// Passes on what is held, as far as it goes on.
    fn pass_held(&mut self, buffer: &mut ReadBuf<'_>) {
        let held = std::mem::take(&mut self.held);
        let room = held.len().min(buffer.remaining());
        let passed = self.advance(&held[..room]);
        buffer.put_slice(&held[..passed]);
        self.held = held;
        self.held.advance(passed);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }

    /// Looks at what was just read, from `start` on in the buffer, and keeps there what goes on.
    fn sort(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        if let Place::Head { seen: 0 } = self.place {
            // To be read from what is held, if the head goes on as another.
            if let Checked::Partial = self.check(&buffer.filled()[start..]) {
                self.place = Place::Head {
                    seen: buffer.filled().len() - start,
                };
            } else if !self.held.is_empty() {
                buffer.set_filled(start);
                return;
            }
        }
        let came = &buffer.filled()[start..];
        let passed = self.advance(came);
        self.held.extend_from_slice(&came[passed..]);
        buffer.set_filled(start + passed);
    }

    /// Looks at a head of which a part was held before, if it may be complete now.
    fn check_held(&mut self) {
        let Place::Head { seen } = self.place else {
            return;
        };
        if seen < self.held.len() && (self.held.len() > self.max || has_end(&self.held, seen)) {
            let held = std::mem::take(&mut self.held);
            if let Checked::Partial = self.check(&held) {
                self.held = held;
            } else if self.held.is_empty() {
                self.held = held;
            }
        }
        if let Place::Head { .. } = self.place {
            self.place = Place::Head {
                seen: self.held.len(),
            };
        }
    }
}

impl<S: AsyncRead + Unpin> CheckedHeads<S> {
    /// Waits for a head to begin, and holds what comes of it; whether something has come. For a stream at rest
    /// ([`Phase::is_at_rest`]) that nobody reads.
    pub(in crate::server) fn poll_head(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        self.phase.standstill().note_read(false);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        let came = piece.filled();
        if came.is_empty() {
            return Poll::Ready(Ok(false));
        }
        self.place = Place::Head { seen: 0 };
        if let Checked::Partial = self.check(came) {
            self.place = Place::Head { seen: came.len() };
        }
        if self.held.is_empty() {
            self.held = came.into();
        }
        Poll::Ready(Ok(true))
    }

    /// Reads, and notes whether nothing has come of what follows the last request.
    fn poll_beneath(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let awaits_head = matches!(self.place, Place::Head { seen: 0 } | Place::Behind);
        let standstill = self.phase.standstill();
        standstill.note_read(awaits_head && read.is_pending());
        read
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CheckedHeads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let start = buffer.filled().len();
        this.phase.standstill().note_read(false);
        loop {
            match this.place {
                Place::Behind if this.phase.is_idle() => {
                    this.place = Place::Head { seen: 0 };
                    if !this.held.is_empty() {
                        this.phase.begin_head();
                        this.check_held();
                    }
                }
                // No more is read meanwhile, so that what is held stays bounded.
                Place::Behind if !this.held.is_empty() => {
                    this.phase.wait_idle(context);
                    return Poll::Pending;
                }
                Place::Request { .. } if !this.held.is_empty() => {
                    this.pass_held(buffer);
                    return Poll::Ready(Ok(()));
                }
                _ => {
                    ready!(this.poll_beneath(context, buffer))?;
                    if buffer.filled().len() == start {
                        // The end, or there is no room.
                        return Poll::Ready(Ok(()));
                    }
                    this.sort(buffer, start);
                    this.check_held();
                    if buffer.filled().len() > start {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CheckedHeads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.phase.standstill().note_write();
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.phase.standstill().note_write();
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.phase.standstill().note_flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// A stream at rest behind a first request, its other end, and its phase.
    async fn rested() -> (CheckedHeads<DuplexStream>, DuplexStream, Phase) {
        let (stream, mut peer) = duplex(64);
        let phase = Phase::default();
        let mut stream = CheckedHeads::new(stream, phase.clone(), 1024);
        peer.write_all(HEAD).await.expect("room");
        let mut read = [0; HEAD.len()];
        stream.read_exact(&mut read).await.expect("a head");
        phase.begin_request();
        look(&mut stream).await;
        assert!(!phase.is_at_rest(), "it is answered");
        phase.end_request();
        stream.write_all(b"answer").await.expect("room");
        look(&mut stream).await;
        assert!(!phase.is_at_rest(), "it is written");
        stream.flush().await.expect("room");
        assert!(phase.is_at_rest());
        (stream, peer, phase)
    }

    /// Reads when there is nothing.
    async fn look(stream: &mut CheckedHeads<DuplexStream>) {
        let mut buffer = [0; 8];
        let reading = tokio::time::timeout(std::time::Duration::ZERO, stream.read(&mut buffer));
        assert!(reading.await.is_err(), "nothing comes");
    }

    #[tokio::test(start_paused = true)]
    async fn head_that_comes_to_a_stream_at_rest_is_read_like_any_other() {
        let piecewise = HEAD.chunks(5).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let followed = vec![[HEAD, b"GET "].concat()];
        for pieces in [vec![HEAD.to_vec()], piecewise, followed] {
            let (mut stream, mut peer, phase) = rested().await;
            for (number, piece) in pieces.iter().enumerate() {
                peer.write_all(piece).await.expect("room");
                if number == 0 {
                    let begun = poll_fn(|context| stream.poll_head(context)).await;
                    assert!(begun.expect("a head") && !phase.is_at_rest());
                }
            }
            let mut read = [0; HEAD.len()];
            stream.read_exact(&mut read).await.expect("a head");
            assert_eq!(read, HEAD);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn end_of_a_stream_at_rest_is_no_head() {
        let (mut stream, peer, _) = rested().await;
        drop(peer);
        let begun = poll_fn(|context| stream.poll_head(context)).await;
        assert!(!begun.expect("an end"));
    }
}
