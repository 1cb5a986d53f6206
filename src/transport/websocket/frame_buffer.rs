//! The stream beneath a WebSocket, shared by what reads it and what writes it.

use std::{
    io::{self, IoSlice},
    mem,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::underlying::Underlying;
use crate::{message::Close, room, send_queue, wire::Written};

/// Capacity in bytes that a buffer keeps when there is nothing in it.
const CAPACITY_AT_REST: usize = 512;

/// A stream, and the frames that are to go out on it. Whole frames alone are given to it, so that those
/// of two writers, messages and answers to pings, never mix.
pub(super) struct FrameBuffer<S> {
    stream: S,
    /// Frames on their way, of which `sent` bytes have gone out.
    unsent: Vec<u8>,
    sent: usize,
    /// The payload of the last frame in there, if that is long: it is sent from where it lies.
    payload: Bytes,
    /// Frames behind that.
    behind: Vec<u8>,
    /// Messages wait beside it that are to be given to it before any other.
    pub(super) is_behind: bool,
    /// Close is our last frame: nothing follows it (RFC 6455 §5.5.1).
    pub(super) is_closed: bool,
    /// The stream has taken that.
    pub(super) has_sent_close: bool,
    /// The Close of the other end, which no message follows.
    pub(super) peer_close: Option<Close>,
    /// The other end has read all: its Close answers ours.
    pub(super) is_answered: bool,
}

impl<S> FrameBuffer<S> {
    pub(super) fn new(stream: S) -> Self {
        FrameBuffer {
            stream,
            unsent: Vec::new(),
            sent: 0,
            payload: Bytes::new(),
            behind: Vec::new(),
            is_behind: false,
            is_closed: false,
            has_sent_close: false,
            peer_close: None,
            is_answered: false,
        }
    }

    /// The stream, to look at.
    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Bytes that were given and that the stream has not taken.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len() - self.sent + self.payload.len() + self.behind.len()
    }

    /// Takes all of `frames`, to be sent behind what is on its way.
    ///
    /// # Errors
    /// There is no memory for them; then they stay.
    pub(super) fn give(&mut self, frames: &mut Vec<u8>) -> io::Result<()> {
        self.is_behind = false;
        let last = self.last();
        match last.is_empty() {
            true => mem::swap(last, frames),
            false => {
                room::reserve(last, frames.len())?;
                last.append(frames);
            }
        }
        Ok(())
    }

    /// Whether a long payload is on its way; there is one at a time.
    pub(super) fn has_payload(&self) -> bool {
        !self.payload.is_empty()
    }

    /// Takes a frame whose payload is long, to be sent behind what is on its way, where no other such is.
    pub(super) fn give_long(&mut self, header: &[u8], payload: Bytes) {
        self.unsent.extend_from_slice(header);
        self.payload = payload;
    }

    /// Where the next frame goes.
    fn last(&mut self) -> &mut Vec<u8> {
        match self.has_payload() {
            true => &mut self.behind,
            false => &mut self.unsent,
        }
    }

    /// The same for an answer that the library makes by itself.
    pub(super) fn give_answer(&mut self, frame: &[u8]) {
        if !self.is_closed {
            self.last().extend_from_slice(frame);
        }
    }

    /// The Close of the other end has come.
    pub(super) fn receive_close(&mut self, close: Close) {
        self.peer_close = Some(close);
        self.is_answered = self.has_sent_close;
    }

    /// Gives back the memory that a burst took.
    pub(super) fn rest(&mut self) {
        rest(&mut self.unsent);
    }

    /// Sends whole messages that the session does not know of by the socket beneath, which takes what it is given as it
    /// is; `last` gives the last piece. Not where anything has to go out before them, nor where one of the two ends has
    /// said Close.
    pub(super) fn send_beside(
        &mut self,
        socket: impl FnOnce(&S) -> Option<Underlying<'_>>,
        pieces: &mut [IoSlice<'_>],
        last: impl FnOnce() -> Bytes,
    ) -> Written {
        let is_over = self.is_closed || self.peer_close.is_some();
        if is_over || self.is_behind || self.unsent() > 0 {
            return Written::Nothing;
        }
        let bare = socket(&self.stream).filter(|beneath| beneath.is_bare);
        let Some(Underlying { socket, .. }) = bare else {
            return Written::Nothing;
        };
        // An error is the session's, which meets it when it writes.
        let Ok(sent) = send_queue::send(socket, pieces) else {
            return Written::Nothing;
        };
        let mut left = pieces;
        IoSlice::advance_slices(&mut left, sent);
        let Some((end, before)) = left.split_last() else {
            return Written::All;
        };
        for piece in before {
            self.unsent.extend_from_slice(piece);
        }
        let last = last();
        self.payload = last.slice(last.len() - end.len()..);
        Written::Begun
    }
}

/// Gives back the memory that a burst took, from a buffer that has nothing in it.
pub(super) fn rest(buffer: &mut Vec<u8>) {
    if buffer.capacity() > CAPACITY_AT_REST && buffer.is_empty() {
        *buffer = Vec::new();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FrameBuffer<S> {
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }

    /// The same, behind what is in `ahead`, which has room.
    pub(super) fn poll_read_ahead(
        &mut self,
        context: &mut Context<'_>,
        ahead: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        poll_read_buf(Pin::new(&mut self.stream), context, ahead)
    }

    /// Sends what was given.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_send_unsent(context))?;
            self.unsent.clear();
            self.sent = 0;
            if self.behind.is_empty() {
                return Pin::new(&mut self.stream).poll_flush(context);
            }
            mem::swap(&mut self.unsent, &mut self.behind);
            rest(&mut self.behind);
        }
    }

    /// Sends what is there, with the payload behind it in the same call.
    fn poll_send_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let frames = &self.unsent[self.sent..];
            let stream = Pin::new(&mut self.stream);
            let written = ready!(match (frames, &self.payload[..]) {
                ([], []) => return Poll::Ready(Ok(())),
                (frames, []) => stream.poll_write(context, frames),
                ([], payload) => stream.poll_write(context, payload),
                (frames, payload) => {
                    let both = [IoSlice::new(frames), IoSlice::new(payload)];
                    stream.poll_write_vectored(context, &both)
                }
            })?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_frames = written.min(frames.len());
            self.sent += of_frames;
            self.payload.advance(written - of_frames);
            if self.payload.is_empty() {
                // Whoever reads into it anew can have its memory.
                self.payload = Bytes::new();
            }
        }
    }

    pub(super) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The two ends of a wire. Both are polled by the one task of a session, so the lock is never waited
/// for, but by a member of a group for who is just writing to it; and it is taken for a burst of messages, not for each.
pub(super) struct SharedStream<S>(Arc<Mutex<FrameBuffer<S>>>);

impl<S> SharedStream<S> {
    pub(super) fn new(wire: FrameBuffer<S>) -> Self {
        SharedStream(Arc::new(Mutex::new(wire)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, FrameBuffer<S>> {
        self.0.lock()
    }

    /// A handle for as long as there is the stream, which that does not hold.
    pub(super) fn downgrade(&self) -> Weak<Mutex<FrameBuffer<S>>> {
        Arc::downgrade(&self.0)
    }
}

impl<S> Clone for SharedStream<S> {
    fn clone(&self) -> Self {
        SharedStream(Arc::clone(&self.0))
    }
}
