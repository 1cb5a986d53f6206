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
    sync::oneshot,
    time::{Instant, Sleep},
};
use tokio_util::codec::FramedRead;

use super::interface::Output;
use crate::{
    framing::{CAPACITY_AT_REST, Codec, Framing, FramingError},
    message::Message,
};

/// The messages of one pipe, or of what reads like one; with `flush_after`, a partial line too once
/// it has been quiet that long.
pub(super) fn messages<R>(pipe: R, codec: Codec, flush_after: Option<Duration>) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    if codec.framing() == Framing::Chunks {
        return Box::pin(Chunks(Some(pipe)));
    }
    let framed = FramedRead::with_capacity(pipe, codec, CAPACITY_AT_REST);
    match flush_after {
        None => Box::pin(framed),
        Some(quiet) => Box::pin(Prompting {
            framed,
            quiet,
            waiting: None,
        }),
    }
}

/// Bytes of a chunk: what a Linux pipe holds (pipe(7)), so that one write of as much comes back as one read.
const CHUNK: usize = 64 * 1024;

/// Whatever one read gives ([`Framing::Chunks`]). It is read to the stack, so that nothing is held while the
/// program is silent.
struct Chunks<R>(Option<R>);

impl<R: AsyncRead + Unpin> Stream for Chunks<R> {
    type Item = Result<Message, FramingError>;

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

/// What stderr gets to be read to its end once stdout has ended: a program that has exited has written
/// all by then, and one that has closed its stdout alone is to be told soon.
const STDERR_REST: Duration = Duration::from_millis(100);

/// Both pipes' lines as JSON objects, in the order in which they come, until stdout ends.
pub(super) fn wrapped(
    stdout: Receiver,
    stderr: Receiver,
    codec: impl Fn() -> Codec,
    flush_after: Option<Duration>,
) -> Output {
    let name = |pipe, name: &'static str| {
        messages(pipe, codec(), flush_after).map(move |line| line.map(|line| wrap(name, &line)))
    };
    let (alive, ended) = oneshot::channel::<Never>();
    let mut alive = Some(alive);
    let end_of_stdout = stream::poll_fn(move |_| {
        drop(alive.take());
        Poll::Ready(None)
    });
    let rest = async {
        let _ = ended.await;
        tokio::time::sleep(STDERR_REST).await;
    };
    Box::pin(stream::select(
        name(stdout, "stdout").chain(end_of_stdout),
        name(stderr, "stderr").take_until(Box::pin(rest)),
    ))
}

/// Nothing is ever sent: the end of the sender is the message.
enum Never {}

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
    framed: FramedRead<R, Codec>,
    quiet: Duration,
    /// Since when so many bytes of a partial line wait.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<R> Prompting<R> {
    fn poll_quiet(&mut self, held: usize, context: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.quiet;
        let (seen, sleep) = self
            .waiting
            .get_or_insert_with(|| (held, Box::pin(tokio::time::sleep_until(deadline))));
        if *seen != held {
            *seen = held;
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }

    fn partial(&mut self) -> Option<Message> {
        // The codec and its buffer are borrowed one after the other.
        let mut held: BytesMut = std::mem::take(self.framed.read_buffer_mut());
        let message = self.framed.decoder_mut().decode_partial(&mut held);
        *self.framed.read_buffer_mut() = held;
        message
    }
}

impl<R: AsyncRead + Unpin> Stream for Prompting<R> {
    type Item = Result<Message, FramingError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(item) = self.framed.poll_next_unpin(context) {
            self.waiting = None;
            return Poll::Ready(item);
        }
        let held = self.framed.read_buffer().len();
        if held == 0 || self.poll_quiet(held, context).is_pending() {
            return Poll::Pending;
        }
        match self.partial() {
            Some(message) => {
                self.waiting = None;
                Poll::Ready(Some(Ok(message)))
            }
            // What is held back is half of something: wait for the other half.
            None => Poll::Pending,
        }
    }
}
