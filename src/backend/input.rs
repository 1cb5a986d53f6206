//! A program's input as a sink of messages.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{io::AsyncWrite, net::unix::pipe};
use tokio_util::codec::FramedWrite;

use super::{
    interface::Input,
    stream_options::{StreamCodec, StreamOptions},
};

/// Input kept for a program that does not read, in bytes. Smaller means fewer bytes a system call and
/// pings unanswered sooner behind unread data; larger means more memory a session.
const INPUT_BUFFER: usize = 32 * 1024;

/// Writes messages to a stream of bytes; closing the sink shuts the stream down behind them.
pub fn framed_input<W>(stream: W, streams: &StreamOptions) -> Input
where
    W: AsyncWrite + Send + Unpin + 'static,
{
    // Nothing is reserved for a client that says nothing.
    let mut input = FramedWrite::with_capacity(stream, StreamCodec::new(streams), 0);
    input.set_backpressure_boundary(INPUT_BUFFER);
    Box::pin(input)
}

/// A program's stdin, whose shutdown closes our end of the pipe: its reader gets end-of-file when the last
/// writer is gone (pipe(7)), and tokio's pipe would stay open until it is dropped.
pub(super) struct Stdin(Option<pipe::Sender>);

impl Stdin {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        Stdin(Some(pipe))
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => Pin::new(pipe).poll_write(context, buffer),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// A pipe holds nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}
