//! The wire as the WebSocket library takes it: calls that say `WouldBlock` rather than wait.

use std::{
    io::{self, Read, Write},
    mem::MaybeUninit,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame_buffer::SharedStream;

/// Bytes read at once at rest, on the stack: more than most messages have.
const READ_AT_REST: usize = 4 * 1024;
/// Bytes read at once in a flood: what a Linux pipe holds (pipe(7)).
const READ_IN_FLOOD: usize = 64 * 1024;

/// Reads for the library, and takes the answers that it makes by itself.
///
/// The library's own buffer is small, as most sessions are quiet: what is read beyond it is handed on
/// from here. In a flood, after a read that took all there was room for, much is read at once.
pub(super) struct SyncReader<S> {
    stream: SharedStream<S>,
    /// Read, and not handed on yet.
    ahead: BytesMut,
    is_flooded: bool,
    waker: Waker,
}

impl<S> SyncReader<S> {
    /// `ahead` was read from the wire already.
    pub(super) fn new(stream: SharedStream<S>, ahead: Bytes) -> Self {
        SyncReader {
            stream,
            ahead: ahead.into(),
            is_flooded: false,
            waker: Waker::noop().clone(),
        }
    }

    /// Whoever polls next is to be woken when there is more to do.
    pub(super) fn set_waker(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    pub(super) fn stream(&self) -> &SharedStream<S> {
        &self.stream
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

impl<S: AsyncRead + AsyncWrite + Unpin> SyncReader<S> {
    /// Reads a little; what the library's buffer has no room for is kept.
    fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut context = Context::from_waker(&self.waker);
        let mut scratch = [MaybeUninit::uninit(); READ_AT_REST];
        let mut read = ReadBuf::uninit(&mut scratch);
        ready!(self.stream.lock().poll_read(&mut context, &mut read))?;
        self.is_flooded = read.remaining() == 0;
        let length = buffer.len().min(read.filled().len());
        let (now, later) = read.filled().split_at(length);
        buffer[..length].copy_from_slice(now);
        self.ahead.extend_from_slice(later);
        Poll::Ready(Ok(length))
    }

    /// Reads much, straight to where it is kept.
    fn poll_read_ahead(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut context = Context::from_waker(&self.waker);
        self.ahead.reserve(READ_IN_FLOOD);
        let read = self
            .stream
            .lock()
            .poll_read_ahead(&mut context, &mut self.ahead);
        let Poll::Ready(Ok(read)) = read else {
            self.ahead = BytesMut::new();
            return read;
        };
        self.is_flooded = read > READ_AT_REST;
        Poll::Ready(Ok(self.hand_on(buffer)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Read for SyncReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        not_now(match (self.ahead.is_empty(), self.is_flooded) {
            (false, _) => return Ok(self.hand_on(buffer)),
            (true, false) => self.poll_read(buffer),
            (true, true) => self.poll_read_ahead(buffer),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for SyncReader<S> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.stream.lock().give_answer(frames);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut context = Context::from_waker(&self.waker);
        not_now(self.stream.lock().poll_send(&mut context))
    }
}

fn not_now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
