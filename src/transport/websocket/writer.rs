//! What the other end is sent: frames gathered here, and the end of it all.

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Sink;
use hyper_tungstenite::tungstenite::protocol::{
    CloseFrame, Role,
    frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    deflate::SharedCompression,
    frame::{BINARY, FrameKind, Header, TEXT},
    frame_buffer::{FrameBuffer, SharedStream, rest},
    underlying::Underlying,
};
use crate::{
    message::{Close, Message, Shared, WireForm},
    room,
    transport::client::Outbound,
    wire::{Sending, Written},
};

/// Bytes gathered before they are sent without being asked: most of what comes in one read of a program.
/// A buffer of 64 KiB has room for them and for the frame that goes beyond.
const FLUSH_AT: usize = 60 * 1024;
/// A payload of so many bytes is sent from where it lies: a copy costs more than one piece more in a write. Of 1 GB in
/// messages of 64 KiB a fifth of the processor time went into it.
const LONG: usize = 8 * 1024;

pub(super) struct MessageWriter<S> {
    stream: SharedStream<S>,
    role: Role,
    /// How what many are sent is compressed for all of them, where it may be.
    sharing: Option<SharedCompression>,
    /// Whole frames that the wire has not been given yet.
    gathered: Vec<u8>,
    /// The wire has been told that messages of many are in there, which nothing may overtake.
    is_announced: bool,
    /// The wire could not send all that it was given.
    is_stuck: bool,
    closing: Closing,
}

/// How far the lingering close has come ([`LingeringClose`](crate::transport::LingeringClose) has the reason): all is
/// written, then our direction is shut, then what still comes is thrown away until the other end shuts its own.
enum Closing {
    Answer,
    Flush,
    Shutdown,
    Discard,
}

impl<S: AsyncRead + AsyncWrite + Unpin> MessageWriter<S> {
    pub(super) fn new(
        stream: SharedStream<S>,
        role: Role,
        sharing: Option<SharedCompression>,
    ) -> Self {
        MessageWriter {
            stream,
            role,
            sharing,
            gathered: Vec::new(),
            is_announced: false,
            is_stuck: false,
            closing: Closing::Answer,
        }
    }

    fn gather(&mut self, mut frame: Frame) -> io::Result<()> {
        if self.role == Role::Client {
            frame.header_mut().mask = Some(rand::random());
        }
        room::reserve(&mut self.gathered, frame.len())?;
        frame.format(&mut self.gathered).map_err(io::Error::other)
    }

    /// A message, whose payload is not copied if it is long and nothing else stands against it.
    #[inline]
    fn gather_message(&mut self, message: Message) -> io::Result<()> {
        let (payload, opcode, kind) = match message {
            Message::Text(text) => (text.into(), TEXT, Data::Text),
            Message::Binary(bytes) => (bytes, BINARY, Data::Binary),
        };
        if self.role == Role::Client {
            return self.gather(Frame::message(payload, OpCode::Data(kind), true));
        }
        let header = plain_header(opcode, payload.len());
        match self.takes_as_it_lies(&payload) {
            true => self.give_long(header.bytes(), payload),
            false => self.gather_bytes(header.bytes(), &payload),
        }
    }

    /// A message of many, in the form that was made for all who have such a wire.
    fn gather_shared(&mut self, shared: &Shared) -> io::Result<()> {
        if !self.is_announced {
            self.stream.lock().is_behind = true;
            self.is_announced = true;
        }
        let frame = match &self.sharing {
            Some(sharing) => sharing.frame(shared)?,
            None => None,
        };
        let frame = match frame {
            Some(frame) if self.takes_as_it_lies(frame) => {
                return self.give_long(&[], frame.clone());
            }
            Some(frame) => frame,
            None if shared.message().len() >= LONG || self.role == Role::Client => {
                return self.gather_message(shared.message().clone());
            }
            None => plain_form(shared),
        };
        self.gather_bytes(&[], frame)
    }

    #[inline]
    fn gather_bytes(&mut self, header: &[u8], payload: &[u8]) -> io::Result<()> {
        room::reserve(&mut self.gathered, header.len() + payload.len())?;
        self.gathered.extend_from_slice(header);
        self.gathered.extend_from_slice(payload);
        Ok(())
    }

    /// Whether a payload, or a frame, is better not copied, and need not be.
    #[inline]
    fn takes_as_it_lies(&self, bytes: &Bytes) -> bool {
        bytes.len() >= LONG && !self.stream.lock().has_payload()
    }

    fn give_long(&mut self, header: &[u8], payload: Bytes) -> io::Result<()> {
        self.is_announced = false;
        let mut buffer = self.stream.lock();
        buffer.give(&mut self.gathered)?;
        buffer.give_long(header, payload);
        // It goes out before anything else is taken.
        self.is_stuck = true;
        Ok(())
    }

    /// The last frame of ours.
    fn gather_close(&mut self, close: Close) -> io::Result<()> {
        let body = close.is_sendable().then(|| CloseFrame {
            code: close.code.into(),
            reason: close.reason,
        });
        self.stream.lock().is_closed = true;
        self.gather(Frame::close(body))
    }

    /// Gives the wire what was gathered and has it send that.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_announced = false;
        let mut buffer = self.stream.lock();
        buffer.give(&mut self.gathered)?;
        let sent = buffer.poll_send(context);
        self.is_stuck = sent.is_pending();
        buffer.has_sent_close = buffer.is_closed && matches!(sent, Poll::Ready(Ok(())));
        if self.is_stuck {
            // Nothing is gathered until all that has gone out.
            rest(&mut self.gathered);
        }
        sent
    }

    /// Answers the Close of the other end, unless we have sent ours.
    fn answer_close(&mut self) -> io::Result<()> {
        let buffer = self.stream.lock();
        match buffer.peer_close.clone().filter(|_| !buffer.is_closed) {
            Some(close) => {
                drop(buffer);
                self.gather_close(close)
            }
            None => Ok(()),
        }
    }

    /// Throws away what comes, until the other end has shut its direction. A client that has said Close by itself may
    /// be behind, and answers pings that it finds before ours (RFC 6455 §5.5.1); one that has answered ours has read
    /// all. A server that has said Close has no use for what it has yet to read.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = self.stream.lock();
        let is_over = match self.role {
            Role::Server => buffer.is_answered,
            Role::Client => buffer.peer_close.is_some(),
        };
        loop {
            let mut scratch = [0; 1024];
            let mut scratch = ReadBuf::new(&mut scratch);
            let read = buffer.poll_read(context, &mut scratch);
            if read.is_pending() && is_over {
                // What has come all the same is read by now.
                return Poll::Ready(Ok(()));
            }
            ready!(read)?;
            if scratch.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// The header of a server's whole message.
#[inline]
fn plain_header(opcode: u8, payload: usize) -> Header {
    let kind = FrameKind {
        opcode,
        is_final: true,
        is_compressed: false,
    };
    Header::new(kind, payload, None)
}

/// The pieces of a server's frame: header and payload.
fn plain_pieces(message: &Message) -> (Header, &[u8]) {
    let (payload, opcode) = match message {
        Message::Text(text) => (text.as_str().as_bytes(), TEXT),
        Message::Binary(bytes) => (&bytes[..], BINARY),
    };
    (plain_header(opcode, payload.len()), payload)
}

/// A server's frame of a short message.
fn plain(message: &Message) -> Bytes {
    let (header, payload) = plain_pieces(message);
    [header.bytes(), payload].concat().into()
}

/// A server's frames of some messages.
fn plain_frames(messages: &[Arc<Shared>]) -> Bytes {
    let mut frames = Vec::new();
    for shared in messages {
        let (header, payload) = plain_pieces(shared.message());
        frames.extend_from_slice(header.bytes());
        frames.extend_from_slice(payload);
    }
    frames.into()
}

/// Sends what many are sent beside the session, by the socket beneath the stream.
pub(super) fn send_beside<S>(
    buffer: &mut FrameBuffer<S>,
    socket: impl FnOnce(&S) -> Option<Underlying<'_>>,
    sendings: &[Sending<'_>],
) -> Written {
    let last = || match sendings.last() {
        Some(sending) => bytes_of(sending),
        None => Bytes::new(),
    };
    // Most often there is one, of which no list is made.
    if let [sending] = sendings {
        let piece = IoSlice::new(piece_of(sending));
        return match header_of_long(sending) {
            None => buffer.send_beside(socket, &mut [piece], last),
            Some(header) => {
                let header = IoSlice::new(header.bytes());
                buffer.send_beside(socket, &mut [header, piece], last)
            }
        };
    }
    let headers: Vec<_> = sendings.iter().map(header_of_long).collect();
    let mut pieces = Vec::with_capacity(sendings.len() + 1);
    for (sending, header) in sendings.iter().zip(&headers) {
        if let Some(header) = header {
            pieces.push(IoSlice::new(header.bytes()));
        }
        pieces.push(IoSlice::new(piece_of(sending)));
    }
    buffer.send_beside(socket, &mut pieces, last)
}

/// The header of a message that is long, and sent from where it lies; of others it is in the piece.
fn header_of_long(sending: &Sending<'_>) -> Option<Header> {
    match sending {
        Sending::One(shared) if is_long(shared) => Some(plain_pieces(shared.message()).0),
        _ => None,
    }
}

fn is_long(shared: &Shared) -> bool {
    shared.message().len() >= LONG
}

/// What is to be sent, without the header of a long message.
fn piece_of<'a>(sending: &Sending<'a>) -> &'a [u8] {
    match *sending {
        Sending::One(shared) if is_long(shared) => plain_pieces(shared.message()).1,
        Sending::One(shared) => plain_form(shared),
        Sending::Burst(burst) => burst.frames(plain_frames),
    }
}

/// The same as a handle.
fn bytes_of(sending: &Sending<'_>) -> Bytes {
    match *sending {
        Sending::One(shared) if is_long(shared) => match shared.message().clone() {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
        },
        Sending::One(shared) => plain_form(shared).clone(),
        Sending::Burst(burst) => burst.frames(plain_frames).clone(),
    }
}

/// The frame of a short message, made once for all.
fn plain_form(shared: &Shared) -> &Bytes {
    let made = shared.form(WireForm::Plain, |message| {
        Ok::<_, Infallible>(plain(message))
    });
    let Ok(frame) = made;
    frame
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Outbound> for MessageWriter<S> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.is_stuck || self.gathered.len() >= FLUSH_AT {
            true => self.poll_send(context),
            false => Poll::Ready(Ok(())),
        }
    }

    #[inline]
    fn start_send(mut self: Pin<&mut Self>, outbound: Outbound) -> io::Result<()> {
        match outbound {
            Outbound::Message(message) => self.gather_message(message),
            Outbound::Shared(shared) => self.gather_shared(&shared),
            Outbound::Keepalive => self.gather(Frame::ping(Bytes::new())),
            Outbound::Close(close) => self.gather_close(close),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        rest(&mut self.gathered);
        self.stream.lock().rest();
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.closing = match self.closing {
                Closing::Answer => {
                    self.answer_close()?;
                    Closing::Flush
                }
                Closing::Flush => {
                    // A socket that cannot be written to any more is shut down all the same.
                    let _ = ready!(self.poll_send(context));
                    Closing::Shutdown
                }
                Closing::Shutdown => {
                    ready!(self.stream.lock().poll_shutdown(context))?;
                    Closing::Discard
                }
                Closing::Discard => return self.poll_discard(context),
            };
        }
    }
}
