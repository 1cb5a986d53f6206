//! A program's output as a stream of messages.

use std::{
    io::{self, Write as _},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Instant,
};
use tokio_util::codec::{Decoder, FramedRead};

use super::{
    error::BackendError,
    interface::{Output, Said},
    stderr::Logged,
    stream_options::{StreamCodec, StreamOptions},
};
use crate::{
    framing::{CAPACITY_AT_REST, FramingError},
    message::{Message, Utf8Bytes},
    room::{self, NoRoom},
    timer::LazyTimer,
};

/// The messages that are read from a stream of bytes; with `flush_after`, a partial line too once it has
/// been quiet that long.
pub fn framed_output<R>(stream: R, streams: &StreamOptions) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    if streams.framing.is_by_read() {
        return to_one(Reads {
            pipe: Some(stream),
            codec: StreamCodec::new(streams),
            held: Vec::new(),
        });
    }
    let framed = Framed(FramedRead::with_capacity(
        stream,
        StreamCodec::new(streams),
        0,
    ));
    match streams.flush_after {
        None => to_one(framed),
        Some(quiet) => to_one(Prompting {
            framed,
            quiet,
            partial: None,
            timer: LazyTimer::default(),
        }),
    }
}

/// Messages to one client.
pub(super) fn to_one<S>(messages: S) -> Output
where
    S: Stream<Item = Result<Message, BackendError>> + Send + 'static,
{
    Box::pin(messages.map_ok(Said::Own))
}

/// Bytes of a read: what a Linux pipe holds (pipe(7)), so that one write of as much comes back as one read.
pub(super) const READ: usize = 64 * 1024;

/// Whatever one read gives ([`Framing::is_by_read`](crate::framing::Framing::is_by_read)). It is read to the
/// stack, so that nothing is held while the program is silent but half a UTF-8 sequence.
struct Reads<R> {
    /// `None` once it has ended.
    pipe: Option<R>,
    codec: StreamCodec,
    /// What the codec left of the last read.
    held: Vec<u8>,
}

impl<R> Reads<R> {
    fn decode(&mut self, read: &[u8]) -> Result<Option<Message>, BackendError> {
        let mut source = BytesMut::with_capacity(self.held.len() + read.len());
        source.extend_from_slice(&self.held);
        source.extend_from_slice(read);
        let message = match self.pipe {
            Some(_) => self.codec.decode(&mut source),
            None => self.codec.decode_eof(&mut source),
        };
        self.held.clear();
        self.held.extend_from_slice(&source);
        message
    }
}

impl<R: AsyncRead + Unpin> Stream for Reads<R> {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut scratch = [MaybeUninit::uninit(); READ];
        while let Some(pipe) = &mut self.pipe {
            let mut read = ReadBuf::uninit(&mut scratch);
            let polled = ready!(Pin::new(pipe).poll_read(context, &mut read));
            if polled.is_err() || read.filled().is_empty() {
                self.pipe = None;
            }
            let message = match polled {
                Ok(()) => self.decode(read.filled()),
                Err(error) => Err(error.into()),
            };
            if let Some(item) = message.transpose() {
                return Poll::Ready(Some(item));
            }
        }
        Poll::Ready(None)
    }
}

/// Both streams' lines as JSON objects, in the order in which they come, until both have ended.
pub(super) fn wrapped<R>(stdout: R, stderr: Logged, streams: &StreamOptions) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let name = |lines: Output, name: &'static str| {
        lines.map(move |line| line.and_then(|line| wrap(name, line.message())))
    };
    Box::pin(stream::select(
        name(framed_output(stdout, streams), "stdout"),
        name(framed_output(stderr, streams), "stderr"),
    ))
}

fn wrap(stream: &str, message: &Message) -> Result<Said, BackendError> {
    let data = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(bytes) => &String::from_utf8_lossy(bytes),
    };
    // Nothing else can be wrong.
    let json = json(stream, data).map_err(|_| FramingError::from(NoRoom))?;
    let text = Utf8Bytes::try_from(Bytes::from(json));
    Ok(Said::Own(Message::Text(text.unwrap_or_default())))
}

fn json(stream: &str, data: &str) -> io::Result<Vec<u8>> {
    let mut json = Json(Vec::new());
    // A map would sort the keys; the stream comes first.
    write!(json, r#"{{"stream":"{stream}","data":"#)?;
    serde_json::to_writer(&mut json, data)?;
    json.write_all(b"}")?;
    Ok(json.0)
}

/// Memory that may be refused, to write to.
struct Json(Vec<u8>);

impl io::Write for Json {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        room::reserve(&mut self.0, bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Messages as the codec finds them. The buffer is there while there is something to read, and not while the program
/// is silent, which is most of the time.
struct Framed<R>(FramedRead<R, StreamCodec>);

impl<R: AsyncRead + Unpin> Stream for Framed<R> {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Framed(framed) = &mut *self;
        if framed.read_buffer().capacity() == 0 {
            *framed.read_buffer_mut() = BytesMut::with_capacity(CAPACITY_AT_REST);
        }
        let next = framed.poll_next_unpin(context);
        let buffer = framed.read_buffer_mut();
        // What a flood has is given back by the codec, when it is over.
        if next.is_pending() && buffer.is_empty() && buffer.capacity() <= CAPACITY_AT_REST {
            *buffer = BytesMut::new();
        }
        next
    }
}

/// Hands out a partial line when nothing more has come for a while.
struct Prompting<R> {
    framed: Framed<R>,
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

    fn take_partial(&mut self) -> Result<Option<Message>, BackendError> {
        // The codec and its buffer are borrowed one after the other.
        let Framed(framed) = &mut self.framed;
        let mut held: BytesMut = std::mem::take(framed.read_buffer_mut());
        let message = framed.decoder_mut().decode_partial(&mut held);
        *framed.read_buffer_mut() = held;
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
        let held = self.framed.0.read_buffer().len();
        if held == 0 || self.poll_quiet(held, context).is_pending() {
            return Poll::Pending;
        }
        match self.take_partial().transpose() {
            Some(message) => {
                self.partial = None;
                Poll::Ready(Some(message))
            }
            // What is held back is half of something: wait for the other half.
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::stream_options::MaxLine,
        framing::{Framing, Newline},
    };
    use futures_util::FutureExt;
    use tokio::io::{AsyncWriteExt, duplex};

    #[tokio::test]
    async fn silent_program_has_no_buffer_and_half_a_line_is_kept() {
        let streams = StreamOptions {
            framing: Framing::Lines(Newline::Split),
            max_line: MaxLine {
                bytes: usize::MAX,
                set_by: "",
            },
            flush_after: None,
        };
        let (pipe, mut program) = duplex(64);
        let codec = StreamCodec::new(&streams);
        let mut framed = Framed(FramedRead::with_capacity(pipe, codec, 0));
        for _ in 0..2 {
            assert!(framed.next().now_or_never().is_none(), "nothing was said");
            assert_eq!(framed.0.read_buffer().capacity(), 0);
            program.write_all(b"ab").await.expect("room");
            assert!(framed.next().now_or_never().is_none(), "half a line");
            program.write_all(b"c\n").await.expect("room");
            let message = framed.next().await.expect("no end").expect("a line");
            assert_eq!(message, Message::Text("abc".into()));
        }
    }
}
