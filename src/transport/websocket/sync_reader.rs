//! A reader without `await`, as the WebSocket library takes it: calls that say `WouldBlock` rather than wait.

use std::{
    io::{self, Read, Write},
    mem::MaybeUninit,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{assembler::MessageAssembler, frame_buffer::SharedStream};

/// Bytes read at once at rest, on the stack: more than most messages have.
const READ_AT_REST: usize = 4 * 1024;
/// Bytes read at once in a flood: what a Linux pipe holds (pipe(7)).
const READ_IN_FLOOD: usize = 64 * 1024;

/// Reads for the library, and takes the answers that it makes by itself.
///
/// The library's own buffer is small, as most sessions are quiet: what is read beyond it is handed on
/// from here. In a flood, after a read that took all there was room for, much is read at once.
///
/// What is read passes the [`MessageAssembler`]. Where it finds something wrong, a read fails with a
/// [`ProtocolViolation`](super::protocol_violation::ProtocolViolation); all that came before is handed on first.
pub(super) struct SyncReader<S> {
    stream: SharedStream<S>,
    /// Read, and not handed on yet.
    ahead: BytesMut,
    is_flooded: bool,
    assembler: MessageAssembler,
    waker: Waker,
}

impl<S> SyncReader<S> {
    /// `ahead` was read from the stream already.
    pub(super) fn new(stream: SharedStream<S>, ahead: Bytes, assembler: MessageAssembler) -> Self {
        SyncReader {
            stream,
            ahead: ahead.into(),
            is_flooded: false,
            assembler,
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

    /// The payload of the message that the library has just given, if that was one without.
    pub(super) fn take_payload(&mut self) -> Option<Bytes> {
        self.assembler.take_payload()
    }

    pub(super) fn is_bad_gateway(&self) -> bool {
        self.assembler.is_bad_gateway()
    }

    /// Hands on what was read ahead, and gives the memory back when that was all. Nothing: all was kept.
    fn hand_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = &self.ahead[..];
        let handed = self.assembler.read(&mut rest, buffer)?;
        let taken = self.ahead.len() - rest.len();
        self.ahead.advance(taken);
        if self.ahead.is_empty() && !self.is_flooded {
            self.ahead = BytesMut::new();
        }
        Ok(handed)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SyncReader<S> {
    /// Reads a little; what the library's buffer has no room for is kept. `None` at the end of the stream.
    fn poll_read(&mut self, buffer: &mut [u8]) -> Poll<io::Result<Option<usize>>> {
        let mut context = Context::from_waker(&self.waker);
        let mut scratch = [MaybeUninit::uninit(); READ_AT_REST];
        let mut read = ReadBuf::uninit(&mut scratch);
        ready!(self.stream.lock().poll_read(&mut context, &mut read))?;
        self.is_flooded = read.remaining() == 0;
        let mut rest = read.filled();
        if rest.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let handed = self.assembler.read(&mut rest, buffer)?;
        self.ahead.extend_from_slice(rest);
        Poll::Ready(Ok(Some(handed)))
    }

    /// Reads much, straight to where it is kept.
    fn poll_read_ahead(&mut self, buffer: &mut [u8]) -> Poll<io::Result<Option<usize>>> {
        let mut context = Context::from_waker(&self.waker);
        self.ahead.reserve(READ_IN_FLOOD);
        let read = self
            .stream
            .lock()
            .poll_read_ahead(&mut context, &mut self.ahead);
        let Poll::Ready(Ok(read)) = read else {
            self.ahead = BytesMut::new();
            return read.map_ok(Some);
        };
        self.is_flooded = read > READ_AT_REST;
        Poll::Ready(match read {
            0 => Ok(None),
            _ => self.hand_on(buffer).map(Some),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Read for SyncReader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut handed = self.hand_on(buffer)?;
        while handed == 0 {
            let read = not_now(match self.is_flooded {
                false => self.poll_read(buffer),
                true => self.poll_read_ahead(buffer),
            });
            match read? {
                Some(more) => handed = more,
                None => break,
            }
        }
        Ok(handed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::websocket::{
        assembler::Limit, frame_buffer::FrameBuffer, protocol_violation::ProtocolViolation,
    };
    use hyper_tungstenite::tungstenite::protocol::Role;
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
            let limit = Limit {
                message: 100,
                frame: 100,
            };
            let assembler = MessageAssembler::new(Role::Server, limit);
            let mut reader = SyncReader::new(stream, read_ahead, assembler);
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
