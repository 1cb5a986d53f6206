//! A program's output as a stream of messages.

use std::{
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::unix::pipe::Receiver,
    time::Instant,
};
use tokio_util::codec::FramedRead;

use super::{
    error::BackendError,
    interface::Output,
    stream_options::{StreamCodec, StreamOptions},
};
use crate::{
    framing::{CAPACITY_AT_REST, Framing},
    message::Message,
    timer::LazyTimer,
};

/// The messages that are read from a stream of bytes; with `flush_after`, a partial line too once it has
/// been quiet that long.
pub fn framed_output<R>(stream: R, streams: &StreamOptions) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    if streams.framing == Framing::Chunks {
        return Box::pin(Chunks(Some(stream)));
    }
    let framed = FramedRead::with_capacity(stream, StreamCodec::new(streams), CAPACITY_AT_REST);
    match streams.flush_after {
        None => Box::pin(framed),
        Some(quiet) => Box::pin(Prompting {
            framed,
            quiet,
            partial: None,
            timer: LazyTimer::default(),
        }),
    }
}

/// Bytes of a chunk: what a Linux pipe holds (pipe(7)), so that one write of as much comes back as one read.
const CHUNK: usize = 64 * 1024;

/// Whatever one read gives ([`Framing::Chunks`]). It is read to the stack, so that nothing is held while the
/// program is silent.
struct Chunks<R>(Option<R>);

impl<R: AsyncRead + Unpin> Stream for Chunks<R> {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pipe) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let mut scratch = [MaybeUninit::uninit(); CHUNK];
        let mut chunk = ReadBuf::uninit(&mut scratch);
        let item = match ready!(Pin::new(pipe).poll_read(context, &mut chunk)) {
            Ok(()) if chunk.filled().is_empty() => None,
            Ok(()) => Some(Ok(Message::Binary(Bytes::copy_from_slice(chunk.filled())))),
            Err(error) => Some(Err(error.into())),
        };
        if !matches!(item, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}

/// Both pipes' lines as JSON objects, in the order in which they come, until both have ended.
pub(super) fn wrapped(stdout: Receiver, stderr: Receiver, streams: &StreamOptions) -> Output {
    let name = |pipe, name: &'static str| {
        framed_output(pipe, streams).map(move |line| line.map(|line| wrap(name, &line)))
    };
    Box::pin(stream::select(
        name(stdout, "stdout"),
        name(stderr, "stderr"),
    ))
}

fn wrap(stream: &str, message: &Message) -> Message {
    let data = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(bytes) => &String::from_utf8_lossy(bytes),
    };
    // A `Value` would sort the keys; the stream comes first.
    Message::Text(format!(r#"{{"stream":"{stream}","data":{}}}"#, Value::from(data)).into())
}

/// Hands out a partial line when nothing more has come for a while.
struct Prompting<R> {
    framed: FramedRead<R, StreamCodec>,
    quiet: Duration,
    /// How many bytes of a partial line wait, and since when they are so many.
    partial: Option<(usize, Instant)>,
    timer: LazyTimer,
}

impl<R> Prompting<R> {
    fn poll_quiet(&mut self, held: usize, context: &mut Context<'_>) -> Poll<()> {
        let since = match self.partial {
            Some((before, since)) if before == held => since,
            _ => Instant::now(),
        };
        self.partial = Some((held, since));
        self.timer.poll_expired(since + self.quiet, context)
    }

    fn take_partial(&mut self) -> Option<Message> {
        // The codec and its buffer are borrowed one after the other.
        let mut held: BytesMut = std::mem::take(self.framed.read_buffer_mut());
        let message = self.framed.decoder_mut().decode_partial(&mut held);
        *self.framed.read_buffer_mut() = held;
        message
    }
}

impl<R: AsyncRead + Unpin> Stream for Prompting<R> {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(item) = self.framed.poll_next_unpin(context) {
            self.partial = None;
            return Poll::Ready(item);
        }
        let held = self.framed.read_buffer().len();
        if held == 0 || self.poll_quiet(held, context).is_pending() {
            return Poll::Pending;
        }
        match self.take_partial() {
            Some(message) => {
                self.partial = None;
                Poll::Ready(Some(Ok(message)))
            }
            // What is held back is half of something: wait for the other half.
            None => Poll::Pending,
        }
    }
}
