//! A target's output: what it sends, as messages.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::{
    backend::{
        error::BackendError,
        interface::Output,
        output::{READ, framed_output, to_one},
        stream_options::StreamOptions,
    },
    framing::Framing,
    message::{Close, Message},
    tls_failure::TlsFailure,
};

/// A read of so many bytes is one of a flood, in which the next is made to where it stays. Less would reserve much for
/// little.
const FLOOD: usize = 16 * 1024;

/// How the client of a target is told that the connection to that was lost.
pub fn target_lost() -> Close {
    Close::new(Close::INTERNAL, "the target reset the connection")
}

/// The messages that a target sends. A connection that is lost closes the session once all that came before is
/// delivered.
pub(super) fn output<R>(stream: R, streams: &StreamOptions) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    if streams.framing == Framing::Chunks {
        return to_one(ChunkOutput {
            stream: Some(stream),
            is_flooded: false,
        });
    }
    let messages = framed_output(stream, streams);
    Box::pin(messages.map(|item| item.map_err(lost)))
}

fn lost(error: BackendError) -> BackendError {
    match error {
        BackendError::Io(error) => {
            let reason = match TlsFailure::in_connection(&error) {
                Some(failure) => format!("TLS: {failure}"),
                None => error.to_string(),
            };
            tracing::error!("the target's connection is lost: {reason}");
            BackendError::Closed(target_lost())
        }
        error => error,
    }
}

/// What each read gives. At rest it is read to the stack, and nothing is held; in a flood it is read to where it
/// stays until it is sent.
struct ChunkOutput<R> {
    /// `None` once it has ended.
    stream: Option<R>,
    is_flooded: bool,
}

impl<R: AsyncRead + Unpin> ChunkOutput<R> {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Ok(Bytes::new()));
        };
        let chunk = match self.is_flooded {
            false => ready!(poll_read_little(stream, context))?,
            true => {
                let mut buffer = BytesMut::with_capacity(READ);
                match poll_read_buf(Pin::new(stream), context, &mut buffer) {
                    Poll::Ready(read) => read.map(|_| buffer.freeze())?,
                    Poll::Pending => {
                        self.is_flooded = false;
                        return Poll::Pending;
                    }
                }
            }
        };
        self.is_flooded = chunk.len() >= FLOOD;
        Poll::Ready(Ok(chunk))
    }
}

fn poll_read_little(
    stream: &mut (impl AsyncRead + Unpin),
    context: &mut Context<'_>,
) -> Poll<io::Result<Bytes>> {
    let mut scratch = [MaybeUninit::uninit(); READ];
    let mut read = ReadBuf::uninit(&mut scratch);
    ready!(Pin::new(stream).poll_read(context, &mut read))?;
    Poll::Ready(Ok(Bytes::copy_from_slice(read.filled())))
}

impl<R: AsyncRead + Unpin> Stream for ChunkOutput<R> {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.poll_chunk(context));
        Poll::Ready(match chunk {
            Ok(chunk) if !chunk.is_empty() => Some(Ok(Message::Binary(chunk))),
            Ok(_) => {
                self.stream = None;
                None
            }
            Err(error) => {
                self.stream = None;
                Some(Err(lost(error.into())))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{interface::Said, stream_options::MaxLine};
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn all_comes_in_order_in_a_flood_and_at_rest() {
        let (near, mut far) = tokio::io::duplex(100_000);
        let max_line = MaxLine {
            bytes: 1,
            set_by: "",
        };
        let streams = StreamOptions {
            framing: Framing::Chunks,
            max_line,
            flush_after: None,
        };
        let mut messages = output(near, &streams);
        let sent: Vec<u8> = (0..1_000_000_u32)
            .map(|number| (number % 251) as u8)
            .collect();
        let sending = async {
            for piece in sent.chunks(300_000) {
                far.write_all(piece).await.expect("it is read");
                far.write_all(&piece[..1]).await.expect("it is read");
            }
            drop(far);
        };
        let mut expected = Vec::new();
        for piece in sent.chunks(300_000) {
            expected.extend_from_slice(piece);
            expected.push(piece[0]);
        }
        let mut read = Vec::new();
        let reading = async {
            while let Some(item) = messages.next().await {
                let Ok(Said::Own(Message::Binary(chunk))) = item else {
                    panic!("{item:?}");
                };
                assert!(!chunk.is_empty() && chunk.len() <= READ);
                read.extend_from_slice(&chunk);
            }
        };
        tokio::join!(sending, reading);
        assert!(read == expected);
        assert!(messages.next().await.is_none());
    }
}
