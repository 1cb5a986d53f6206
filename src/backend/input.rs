//! A backend's input as a sink of messages: bytes written to a stream.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink, SinkExt};
use tokio::io::AsyncWrite;
use tokio_util::codec::FramedWrite;

use super::{
    error::BackendError,
    interface::{Inbound, Input},
    stream_options::{StreamCodec, StreamOptions},
};

/// Input gathered before it is written without being asked, in bytes. Smaller means fewer bytes a system call,
/// larger means more memory for each session in a flood.
pub(super) const WRITE_AT: usize = 32 * 1024;
/// Input kept for a program that does not read, in bytes, framing included. Smaller means pings unanswered sooner
/// behind unread data, larger means more memory for each such session.
pub(super) const LARGEST_UNWRITTEN: usize = 64 * 1024;

/// Writes messages to a stream of bytes; closing the sink shuts the stream down behind them.
pub fn framed_input<W>(stream: W, streams: &StreamOptions) -> Input
where
    W: AsyncWrite + Send + Unpin + 'static,
{
    // Nothing is reserved for a client that says nothing.
    let framed = FramedWrite::with_capacity(stream, StreamCodec::new(streams), 0);
    Box::pin(InputBuffer(framed))
}

/// Has room until so much is unwritten, whatever was written before: [`FramedWrite`] alone, once full, would have
/// none until all of it is.
struct InputBuffer<W>(FramedWrite<W, StreamCodec>);

impl<W> InputBuffer<W> {
    fn unwritten(&self) -> usize {
        self.0.write_buffer().len()
    }
}

impl<W: AsyncWrite + Unpin> Sink<Inbound> for InputBuffer<W> {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        if self.unwritten() >= WRITE_AT {
            let written = self.0.poll_flush_unpin(context);
            if written.is_ready() || self.unwritten() >= LARGEST_UNWRITTEN {
                return written;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        self.0.start_send_unpin(item)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.0.poll_flush_unpin(context)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.0.poll_close_unpin(context)
    }
}
