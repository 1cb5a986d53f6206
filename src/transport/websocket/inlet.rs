//! The wire as the WebSocket library takes it: calls that say `WouldBlock` rather than wait.

use std::{
    io::{self, Read, Write},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::Shared;

/// Bytes read at once in a flood: what a Linux pipe holds (pipe(7)).
const READ_IN_FLOOD: usize = 64 * 1024;

/// Reads for the library, and takes the answers that it makes by itself.
///
/// A read goes straight into the library's buffer, which is small, as most sessions are quiet. Once it
/// has filled that, what comes is read in large pieces and handed on from here.
pub(super) struct Inlet<S> {
    wire: Shared<S>,
    /// Read, and not handed on yet.
    ahead: BytesMut,
    is_flooded: bool,
    waker: Waker,
}

impl<S> Inlet<S> {
    /// `ahead` was read from the wire already.
    pub(super) fn new(wire: Shared<S>, ahead: Bytes) -> Self {
        Inlet {
            wire,
            ahead: ahead.into(),
            is_flooded: false,
            waker: Waker::noop().clone(),
        }
    }

    /// Whoever polls next is to be woken when there is more to do.
    pub(super) fn set_waker(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    pub(super) fn wire(&self) -> &Shared<S> {
        &self.wire
    }

    /// Hands on what was read ahead, and gives the memory back when that was all.
    fn hand_on(&mut self, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.ahead.len());
        self.ahead.copy_to_slice(&mut buffer[..length]);
        if self.ahead.is_empty() && !self.is_flooded {
            self.ahead = BytesMut::new();
        }
        length
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Inlet<S> {
    /// Reads straight into the library's buffer.
    fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut context = Context::from_waker(&self.waker);
        let mut read = ReadBuf::new(buffer);
        ready!(self.wire.lock().poll_read(&mut context, &mut read))?;
        self.is_flooded = read.remaining() == 0;
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Reads a large piece, of which the library's buffer takes its share.
    fn poll_read_ahead(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut context = Context::from_waker(&self.waker);
        self.ahead.reserve(READ_IN_FLOOD);
        let read = self
            .wire
            .lock()
            .poll_read_ahead(&mut context, &mut self.ahead);
        let Poll::Ready(Ok(read)) = read else {
            self.ahead = BytesMut::new();
            return read;
        };
        self.is_flooded = read > buffer.len();
        Poll::Ready(Ok(self.hand_on(buffer)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Read for Inlet<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        not_now(match (self.ahead.is_empty(), self.is_flooded) {
            (false, _) => return Ok(self.hand_on(buffer)),
            (true, false) => self.poll_read(buffer),
            (true, true) => self.poll_read_ahead(buffer),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Inlet<S> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.wire.lock().give_answer(frames);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut context = Context::from_waker(&self.waker);
        not_now(self.wire.lock().poll_send(&mut context))
    }
}

fn not_now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
