//! A backend's input as a sink of messages: bytes written to a stream.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use futures_util::{Sink, SinkExt};
use tokio::io::AsyncWrite;
use tokio_util::codec::FramedWrite;

use super::{
    error::BackendError,
    interface::{Inbound, Input},
    stream_options::{StreamCodec, StreamOptions},
};
use crate::framing::CAPACITY_AT_REST;

/// Input gathered before it is written without being asked, in bytes. Smaller means fewer bytes a system call,
/// larger means more memory for each session in a flood.
pub(super) const WRITE_AT: usize = 32 * 1024;
/// Input kept for a program that does not read, in bytes, framing included, but for the message that goes beyond.
/// Smaller means pings unanswered sooner behind unread data, larger means more memory for each such session, and from
/// 64 KiB on memory that has to be asked for.
pub(super) const LARGEST_UNWRITTEN: usize = 60 * 1024;
/// Input that is gathered between two tries to write to a program that had no room, in bytes. Smaller means more
/// vain tries in a flood, larger a program that may wait longer for what is there.
const TRY_AGAIN: usize = 4 * 1024;

/// Writes messages to a stream of bytes; closing the sink shuts the stream down behind them.
pub fn framed_input<W>(stream: W, streams: &StreamOptions) -> Input
where
    W: AsyncWrite + Send + Unpin + 'static,
{
    // Nothing is reserved for a client that says nothing.
    let framed = FramedWrite::with_capacity(stream, StreamCodec::new(streams), 0);
    Box::pin(InputBuffer {
        framed,
        write_at: WRITE_AT,
        is_large: false,
    })
}

/// Has room until so much is unwritten, whatever was written before: [`FramedWrite`] alone, once full, would have
/// none until all of it is.
struct InputBuffer<W> {
    framed: FramedWrite<W, StreamCodec>,
    /// As soon as so much is unwritten, it is written without being asked.
    write_at: usize,
    /// More was in the buffer than is worth keeping: an empty one does not tell, whose front has been written.
    is_large: bool,
}

impl<W> InputBuffer<W> {
    fn unwritten(&self) -> usize {
        self.framed.write_buffer().len()
    }

    /// Gives back the memory that a burst or a long message took.
    fn rest(&mut self) {
        if self.is_large && self.unwritten() == 0 {
            *self.framed.write_buffer_mut() = BytesMut::new();
            self.is_large = false;
        }
    }
}

impl<W: AsyncWrite + Unpin> Sink<Inbound> for InputBuffer<W> {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        if self.unwritten() < self.write_at {
            return Poll::Ready(Ok(()));
        }
        let written = self.framed.poll_flush_unpin(context);
        if written.is_ready() {
            self.write_at = WRITE_AT;
            return written;
        }
        let next = (self.unwritten() + TRY_AGAIN).clamp(WRITE_AT, LARGEST_UNWRITTEN);
        self.write_at = next;
        match self.unwritten() < next {
            true => Poll::Ready(Ok(())),
            false => written,
        }
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        let sent = self.framed.start_send_unpin(item);
        self.is_large |= self.unwritten() > CAPACITY_AT_REST;
        sent
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let flushed = self.framed.poll_flush_unpin(context);
        self.rest();
        flushed
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.framed.poll_close_unpin(context)
    }
}
