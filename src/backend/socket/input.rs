//! A target's input: what clients send, as bytes.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::Sink;
use tokio::io::AsyncWrite;

use crate::{
    backend::{
        error::BackendError,
        input::{LARGEST_UNWRITTEN, WRITE_AT, framed_input},
        interface::{Inbound, Input},
        stream_options::StreamOptions,
    },
    framing::Framing,
    message::Message,
};

/// Messages of so many bytes are written from where they are; shorter ones are gathered, as a copy costs less than
/// one more piece in a write.
const LONG: usize = 2 * 1024;
/// Pieces of one write. All that may wait fits into fewer, but for many that are just not short.
const PIECES: usize = 32;

/// Writes messages to a target; closing the sink shuts our direction down behind them.
pub(super) fn input<W>(stream: W, streams: &StreamOptions) -> Input
where
    W: AsyncWrite + Send + Unpin + 'static,
{
    match streams.framing {
        Framing::Chunks => Box::pin(ChunkInput {
            stream,
            waiting: VecDeque::new(),
            gathered: BytesMut::new(),
            unwritten: 0,
        }),
        _ => framed_input(stream, streams),
    }
}

/// Bytes as they come, without a copy of what is long.
struct ChunkInput<W> {
    stream: W,
    /// In the order in which they go out, before what is gathered.
    waiting: VecDeque<Bytes>,
    gathered: BytesMut,
    unwritten: usize,
}

impl<W> ChunkInput<W> {
    fn add(&mut self, bytes: Bytes) {
        self.unwritten += bytes.len();
        if bytes.len() < LONG {
            self.gathered.extend_from_slice(&bytes);
            return;
        }
        self.queue_gathered();
        self.waiting.push_back(bytes);
    }

    fn queue_gathered(&mut self) {
        if !self.gathered.is_empty() {
            self.waiting.push_back(self.gathered.split().freeze());
        }
    }

    /// So many bytes are written.
    fn advance(&mut self, mut written: usize) {
        self.unwritten -= written;
        while let Some(first) = self.waiting.front_mut() {
            let now = written.min(first.len());
            first.advance(now);
            written -= now;
            if !first.is_empty() {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

impl<W: AsyncWrite + Unpin> ChunkInput<W> {
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.queue_gathered();
        while !self.waiting.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            for (piece, bytes) in pieces.iter_mut().zip(&self.waiting) {
                *piece = IoSlice::new(bytes);
            }
            let pieces = &pieces[..self.waiting.len().min(PIECES)];
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, pieces))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        // Nothing is kept at rest.
        self.waiting = VecDeque::new();
        self.gathered = BytesMut::new();
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> Sink<Inbound> for ChunkInput<W> {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        if self.unwritten >= WRITE_AT {
            let written = self.poll_write(context);
            if written.is_ready() || self.unwritten >= LARGEST_UNWRITTEN {
                return written.map_err(BackendError::from);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        match item {
            Inbound::Message(Message::Text(text)) => self.add(text.into()),
            Inbound::Message(Message::Binary(bytes)) => self.add(bytes),
            // Nobody is told.
            Inbound::Departed | Inbound::Stopping | Inbound::Close(_) => {}
        }
        Ok(())
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        ready!(self.poll_write(context))?;
        Pin::new(&mut self.stream)
            .poll_flush(context)
            .map_err(BackendError::from)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        ready!(self.poll_write(context))?;
        Pin::new(&mut self.stream)
            .poll_shutdown(context)
            .map_err(BackendError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::SinkExt;
    use tokio::io::{AsyncReadExt, duplex};

    use crate::backend::stream_options::MaxLine;

    fn chunks(stream: impl AsyncWrite + Send + Unpin + 'static) -> Input {
        let max_line = MaxLine {
            bytes: 1,
            set_by: "",
        };
        let streams = StreamOptions {
            framing: Framing::Chunks,
            max_line,
            flush_after: None,
        };
        input(stream, &streams)
    }

    #[tokio::test]
    async fn short_and_long_messages_keep_their_order() {
        let (near, mut far) = duplex(100);
        let mut sink = chunks(near);
        let lengths = [1, LONG, 5, 0, LONG - 1, 3 * LONG, LONG, 2];
        let mut sent = Vec::new();
        let sending = async {
            for (index, length) in lengths.into_iter().enumerate() {
                let bytes = vec![index as u8; length];
                sent.extend_from_slice(&bytes);
                let message = Inbound::Message(Message::Binary(bytes.into()));
                sink.feed(message).await.expect("it is taken");
            }
            sink.close().await.expect("it is taken");
        };
        let mut read = Vec::new();
        let (_, length) = tokio::join!(sending, far.read_to_end(&mut read));
        length.expect("an end");
        assert!(read == sent);
    }

    #[tokio::test]
    async fn so_much_waits_and_no_more() {
        let (near, _far) = duplex(1);
        let mut sink = chunks(near);
        let mut taken = 0;
        let message = || Message::Binary(vec![0; 1000].into());
        while let Some(Ok(())) =
            futures_util::FutureExt::now_or_never(sink.feed(Inbound::Message(message())))
        {
            taken += 1000;
        }
        assert!(
            (LARGEST_UNWRITTEN..LARGEST_UNWRITTEN + 2000).contains(&taken),
            "{taken}"
        );
    }
}
