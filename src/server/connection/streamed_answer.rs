//! An event stream that is an answer by HTTP/1.1, written without the HTTP library behind the head that it has written:
//! [`StreamedAnswer`].
//!
//! # How it works
//! The library has two buffers for each connection, which would be most of what an event stream takes that says
//! nothing for an hour. So it gets a body that never says anything, and writes a head with the chunked coding. When that
//! is flushed, the connection is taken from it, and the events are written here, a chunk each. Behind the last one the
//! library gets the connection again, for the next request.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    body::{Body as _, Incoming},
    header,
};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tracked_body::TrackedBody;
use crate::http::{Body, fields::list_elements};

/// The media type of event streams (HTML Standard §9.2.7).
const EVENT_STREAM: &[u8] = b"text/event-stream";
/// Bytes of chunks beyond which no more are gathered before they are written, as the library has it.
const GATHERED: usize = 32 * 1024;
/// The end of the chunked coding, without trailer fields (RFC 9112 §7.1).
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Bytes that are read at once of what may come meanwhile.
const PIECE: usize = 1024;

/// An answer of which the library has only the head.
#[derive(Debug)]
pub(super) struct StreamedAnswer {
    /// `None` at its end.
    body: Option<TrackedBody<Body>>,
    /// Whether the client asks for no other behind it.
    closes: bool,
    unsent: BytesMut,
}

/// What a request has to say about how it may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streaming {
    /// Only by the library: it reads the body, or another coding than the chunked one is needed.
    ByLibrary,
    /// Here, too; whether the connection ends then.
    Own { closes: bool },
}

impl Streaming {
    pub(super) fn of(request: &Request<Incoming>) -> Self {
        let is_own = request.version() == Version::HTTP_11
            && matches!(*request.method(), Method::GET | Method::POST)
            && request.body().is_end_stream();
        match is_own {
            true => Streaming::Own {
                closes: closes(request.headers()),
            },
            false => Streaming::ByLibrary,
        }
    }
}

/// Where the service leaves an answer for whoever has the connection. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswerSlot(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    answer: Mutex<Option<StreamedAnswer>>,
    may_be_last: AtomicBool,
}

impl AnswerSlot {
    /// Notes whether the connection may end behind the answer to this request, as far as it says so itself. By HTTP/1.0 it
    /// may, whatever is asked: one that was to be kept ends all the same behind a body without a length.
    pub(super) fn note_request(&self, request: &Request<Incoming>) {
        let may_be_last = request.version() != Version::HTTP_11 || closes(request.headers());
        self.0.may_be_last.store(may_be_last, Ordering::Relaxed);
    }

    /// Notes that of the answer.
    pub(super) fn note_response<B>(&self, response: &Response<B>) {
        if closes(response.headers()) {
            self.0.may_be_last.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the library may have to end the connection itself behind the answer.
    pub(super) fn may_be_last(&self) -> bool {
        self.0.may_be_last.load(Ordering::Relaxed)
    }

    /// What the library is to send: the answer, or the head of an event stream that is left here.
    pub(super) fn take_stream(
        &self,
        response: Response<TrackedBody<Body>>,
        streaming: Streaming,
    ) -> Response<TrackedBody<Body>> {
        let Streaming::Own { closes } = streaming else {
            return response;
        };
        if !is_event_stream(&response) {
            return response;
        }
        response.map(|body| {
            *self.0.answer.lock() = Some(StreamedAnswer {
                body: Some(body),
                closes,
                unsent: BytesMut::new(),
            });
            let silent = StreamBody::new(stream::pending());
            TrackedBody::new(silent.boxed_unsync(), None)
        })
    }

    /// Whether there is one.
    pub(super) fn is_filled(&self) -> bool {
        self.0.answer.lock().is_some()
    }

    /// Takes it.
    pub(super) fn take(&self) -> Option<StreamedAnswer> {
        self.0.answer.lock().take()
    }
}

/// Whether a message says that the connection ends behind it, or behind its answer (RFC 9112 §9.6).
fn closes(headers: &HeaderMap) -> bool {
    list_elements(headers, &header::CONNECTION).any(|option| option.eq_ignore_ascii_case("close"))
}

/// Whether an answer is an event stream whose end the chunked coding tells.
fn is_event_stream(response: &Response<TrackedBody<Body>>) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE);
    let is_framed_otherwise = || {
        [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ]
        .iter()
        .any(|name| headers.contains_key(name))
    };
    response.status() == StatusCode::OK
        && kind.is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM))
        && !is_framed_otherwise()
        && !response.body().is_end_stream()
        && response.body().size_hint().exact().is_none()
}

impl StreamedAnswer {
    /// Whether the connection ends behind it.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    /// Writes it, until it is over or fails, or its client has gone.
    ///
    /// # Errors
    /// The stream's and the body's; `UnexpectedEof` for a client that has gone.
    pub(super) fn poll_write<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(gone) = poll_gone(stream, context) {
            return Poll::Ready(Err(gone));
        }
        loop {
            self.gather(context)?;
            if self.unsent.is_empty() {
                break;
            }
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.unsent))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.advance(written);
            if self.unsent.is_empty() {
                // Nothing is kept for a stream that says nothing.
                self.unsent = BytesMut::new();
            }
        }
        ready!(Pin::new(stream).poll_flush(context))?;
        match self.body {
            Some(_) => Poll::Pending,
            None => Poll::Ready(Ok(())),
        }
    }

    /// Takes what the body says, as far as there is room.
    fn gather(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while let (Some(body), true) = (&mut self.body, self.unsent.len() < GATHERED) {
            match Pin::new(body).poll_frame(context) {
                Poll::Pending => break,
                Poll::Ready(Some(frame)) => {
                    if let Ok(data) = frame?.into_data() {
                        self.put_chunk(&data);
                    }
                }
                Poll::Ready(None) => {
                    self.body = None;
                    self.unsent.extend_from_slice(LAST_CHUNK);
                }
            }
        }
        Ok(())
    }

    /// One without data would be the last.
    fn put_chunk(&mut self, data: &[u8]) {
        if !data.is_empty() {
            let size = format!("{:X}\r\n", data.len());
            self.unsent.reserve(size.len() + data.len() + 2);
            self.unsent.extend_from_slice(size.as_bytes());
            self.unsent.extend_from_slice(data);
            self.unsent.extend_from_slice(b"\r\n");
        }
    }
}

/// Ready when nothing more can come from a client. What comes of a next request is kept by the stream.
fn poll_gone<S: AsyncRead + Unpin>(stream: &mut S, context: &mut Context<'_>) -> Poll<io::Error> {
    loop {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        match ready!(Pin::new(&mut *stream).poll_read(context, &mut piece)) {
            Err(error) => return Poll::Ready(error),
            Ok(()) if piece.filled().is_empty() => {
                return Poll::Ready(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::Stream;
    use hyper::body::Frame;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn answer(
        pieces: impl Stream<Item = io::Result<&'static [u8]>> + Send + 'static,
    ) -> StreamedAnswer {
        use futures_util::StreamExt;
        let frames = pieces.map(|piece| piece.map(|data| Frame::data(Bytes::from_static(data))));
        let body = TrackedBody::new(StreamBody::new(frames).boxed_unsync(), None);
        StreamedAnswer {
            body: Some(body),
            closes: false,
            unsent: BytesMut::new(),
        }
    }

    #[tokio::test]
    async fn each_piece_is_a_chunk_and_the_end_the_last() {
        let pieces = [&b"a"[..], b"", &[b'x'; 26], b"b"].map(Ok);
        let mut answer = answer(stream::iter(pieces));
        // As little room as there can be.
        let (mut near, mut far) = duplex(1);
        let writing = async {
            let written = poll_fn(|context| answer.poll_write(&mut near, context)).await;
            drop(near);
            written
        };
        let mut read = Vec::new();
        let (written, length) = tokio::join!(writing, far.read_to_end(&mut read));
        written.and(length).expect("all of it");
        let expected = b"1\r\na\r\n1A\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n1\r\nb\r\n0\r\n\r\n";
        assert_eq!(
            read.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
        assert_eq!(answer.unsent.capacity(), 0);
    }

    #[tokio::test]
    async fn client_that_goes_is_noticed_though_nothing_is_said() {
        let mut answer = answer(stream::pending());
        let (mut near, mut far) = duplex(64);
        far.shutdown().await.expect("it is open");
        let written = poll_fn(|context| answer.poll_write(&mut near, context)).await;
        let error = written.expect_err("it has gone");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
