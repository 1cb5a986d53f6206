//! A reader without `await`, as the WebSocket library takes it: calls that say `WouldBlock` rather than wait.

use std::{
    io::{self, Read, Write},
    mem::MaybeUninit,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frame_buffer::SharedStream, frame_scanner::FrameScanner, protocol_violation::ProtocolViolation,
};

/// Bytes read at once at rest, on the stack: more than most messages have.
const READ_AT_REST: usize = 4 * 1024;
/// Bytes read at once in a flood: what a Linux pipe holds (pipe(7)).
const READ_IN_FLOOD: usize = 64 * 1024;

/// Reads for the library, and takes the answers that it makes by itself.
///
/// The library's own buffer is small, as most sessions are quiet: what is read beyond it is handed on
/// from here. In a flood, after a read that took all there was room for, much is read at once.
///
/// Where the frames break a rule that the library sees late or not at all, a read fails with a
/// [`ProtocolViolation`]; all that came before is handed on first.
pub(super) struct SyncReader<S> {
    stream: SharedStream<S>,
    /// Read, and not handed on yet.
    ahead: BytesMut,
    is_flooded: bool,
    /// `None` where what comes has been looked at already.
    scanner: Option<FrameScanner>,
    waker: Waker,
}

impl<S> SyncReader<S> {
    /// `ahead` was read from the stream already.
    pub(super) fn new(
        stream: SharedStream<S>,
        mut ahead: Bytes,
        mut scanner: Option<FrameScanner>,
    ) -> Self {
        ahead.truncate(sound_prefix(&mut scanner, &ahead));
        SyncReader {
            stream,
            ahead: ahead.into(),
            is_flooded: false,
            scanner,
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

    fn violation(&self) -> Option<ProtocolViolation> {
        self.scanner.as_ref().and_then(FrameScanner::violation)
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
        let read = read.filled();
        let sound = &read[..sound_prefix(&mut self.scanner, read)];
        let (now, later) = sound.split_at(buffer.len().min(sound.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.ahead.extend_from_slice(later);
        Poll::Ready(self.read_result(now.len()))
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
        self.ahead
            .truncate(sound_prefix(&mut self.scanner, &self.ahead));
        let length = self.hand_on(buffer);
        Poll::Ready(self.read_result(length))
    }

    /// What a read of so many bytes comes to: none would be the end of the stream.
    fn read_result(&self, length: usize) -> io::Result<usize> {
        match (length, self.violation()) {
            (0, Some(violation)) => Err(violation.into()),
            (length, _) => Ok(length),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Read for SyncReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            return Ok(self.hand_on(buffer));
        }
        if let Some(violation) = self.violation() {
            return Err(violation.into());
        }
        not_now(match self.is_flooded {
            false => self.poll_read(buffer),
            true => self.poll_read_ahead(buffer),
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

/// How much of what comes next may be handed on.
fn sound_prefix(scanner: &mut Option<FrameScanner>, bytes: &[u8]) -> usize {
    match scanner {
        Some(scanner) => scanner.sound_prefix(bytes),
        None => bytes.len(),
    }
}

fn not_now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::websocket::frame_buffer::FrameBuffer;
    use tokio::io::{AsyncWriteExt, duplex};

    const FINE: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    const LONG: [u8; 10] = [0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'];

    #[tokio::test]
    async fn what_is_fine_comes_before_the_error() {
        for ahead in [0, FINE.len(), FINE.len() + 3, FINE.len() + LONG.len()] {
            let (near, mut far) = duplex(64);
            let sent = [&FINE[..], &LONG].concat();
            let read_ahead = Bytes::copy_from_slice(&sent[..ahead]);
            let stream = SharedStream::new(FrameBuffer::new(near));
            let mut reader = SyncReader::new(stream, read_ahead, Some(FrameScanner::default()));
            far.write_all(&sent[ahead..]).await.expect("it fits");
            drop(far);
            let mut seen = Vec::new();
            let error = reader.read_to_end(&mut seen).expect_err("a length");
            let violation = ProtocolViolation::within(&error);
            assert_eq!(violation, Some(ProtocolViolation::Length));
            assert_eq!(seen[..FINE.len()], FINE);
            assert!(seen.len() < FINE.len() + 4, "{seen:?}");
        }
    }
}
