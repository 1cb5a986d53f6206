//! The send buffer: bytes on their way out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

/// What is to be sent, in order; the frame at its end may be unfinished.
#[derive(Debug, Default)]
pub(super) struct SendBuffer {
    pub(super) bytes: Vec<u8>,
    sent: usize,
    /// Where what may be sent ends.
    finished: usize,
}

impl SendBuffer {
    /// All that is in it may be sent.
    pub(super) fn finish(&mut self) {
        self.finished = self.bytes.len();
    }

    /// Ready when all that may be sent has been. An empty send buffer holds no memory.
    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.finished {
            let unsent = &self.bytes[self.sent..self.finished];
            match ready!(Pin::new(&mut *stream).poll_write(context, unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        if self.finished == self.bytes.len() {
            *self = SendBuffer::default();
        }
        Poll::Ready(Ok(()))
    }
}
