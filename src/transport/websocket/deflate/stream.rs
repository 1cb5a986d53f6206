//! The byte stream between a connection and the WebSocket library.

use std::{
    io,
    mem::{self, MaybeUninit},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop,
};

use hyper_tungstenite::tungstenite::protocol::Role;

use super::{
    deflating_writer::DeflatingWriter,
    idle_timer::IdleTimer,
    inflating_reader::{InflatingReader, LEAST_ROOM},
    params::Negotiated,
    send_buffer::SendBuffer,
};

/// Bytes read at once, as without compression.
const READ: usize = 4 * 1024;

/// A stream whose other end speaks permessage-deflate while this one does not.
#[derive(Debug)]
pub(in crate::transport::websocket) struct DeflateStream<S> {
    stream: S,
    pub(super) reader: InflatingReader,
    pub(super) writer: DeflatingWriter,
    /// Read, and not looked at yet: the library had no more room.
    unread: Bytes,
    /// Made, and not handed up yet: the library had less room than a frame takes.
    made: Bytes,
    pub(super) send_buffer: SendBuffer,
    idle: IdleTimer,
    /// What comes is thrown away.
    is_discarding: bool,
}

impl<S> DeflateStream<S> {
    /// `unread` was read from the stream already.
    pub(in crate::transport::websocket) fn new(
        stream: S,
        unread: Bytes,
        negotiated: &Negotiated,
        role: Role,
    ) -> Self {
        DeflateStream {
            stream,
            reader: InflatingReader::new(negotiated, role),
            writer: DeflatingWriter::new(negotiated, role),
            unread,
            made: Bytes::new(),
            send_buffer: SendBuffer::default(),
            idle: IdleTimer::default(),
            is_discarding: false,
        }
    }

    /// The stream beneath, to look at.
    pub(in crate::transport::websocket) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Hands up what was made or read before.
    fn hand_up(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let most = self.made.len().min(buffer.remaining());
        buffer.put_slice(&self.made.split_to(most));
        if self.made.is_empty() {
            let mut unread = mem::take(&mut self.unread);
            let taken = self.make(&unread, buffer)?;
            unread.advance(taken);
            // An empty one would keep its memory.
            if !unread.is_empty() {
                self.unread = unread;
            }
        }
        Ok(())
    }

    /// Makes what can be made of `input`; returns how much of it that took.
    fn make(&mut self, input: &[u8], buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
        let mut rest = input;
        if buffer.remaining() >= LEAST_ROOM {
            let made = self.reader.read(&mut rest, buffer.initialize_unfilled())?;
            buffer.advance(made);
        } else if buffer.remaining() > 0 {
            let mut small = [0; LEAST_ROOM];
            let made = self.reader.read(&mut rest, &mut small)?;
            let (now, later) = small[..made].split_at(made.min(buffer.remaining()));
            buffer.put_slice(now);
            self.made = Bytes::copy_from_slice(later);
        }
        if self.reader.inflater.was_used() {
            self.idle.restart();
        }
        Ok(input.len() - rest.len())
    }

    fn free_if_idle(&mut self, context: &mut Context<'_>) {
        if self.idle.poll(context).is_ready() {
            self.reader.free();
            self.writer.free();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeflateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_discarding {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        // A message may inflate for seconds without a read that would let other sessions in.
        let budget = ready!(coop::poll_proceed(context));
        let before = buffer.filled().len();
        this.hand_up(buffer)?;
        while buffer.filled().len() == before && buffer.remaining() > 0 {
            let mut space = [MaybeUninit::uninit(); READ];
            let mut read = ReadBuf::uninit(&mut space);
            if Pin::new(&mut this.stream)
                .poll_read(context, &mut read)?
                .is_pending()
            {
                this.free_if_idle(context);
                return Poll::Pending;
            }
            if read.filled().is_empty() {
                break;
            }
            let taken = this.make(read.filled(), buffer)?;
            this.unread = Bytes::copy_from_slice(&read.filled()[taken..]);
        }
        budget.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeflateStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        // No more gathers than one call makes: a client that takes nothing holds up the program.
        ready!(this.send_buffer.poll_send(&mut this.stream, context))?;
        let budget = ready!(coop::poll_proceed(context));
        let taken = this.writer.write(buffer, &mut this.send_buffer)?;
        if this.writer.deflater.was_used() {
            this.idle.restart();
        }
        budget.made_progress();
        match this.send_buffer.poll_send(&mut this.stream, context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.send_buffer.poll_send(&mut this.stream, context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    /// From here on what comes is handed up as it is: nobody waits for it but to throw it away.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.is_discarding = true;
        // What cannot be sent any more is no reason not to shut down.
        let _ = ready!(this.send_buffer.poll_send(&mut this.stream, context));
        this.reader.inflater.forget();
        this.writer.deflater.free();
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}
