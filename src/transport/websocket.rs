//! The WebSocket transport (RFC 6455 §5 to §7), on tungstenite: the only file that names it, but for
//! the text type in [`crate::message`].
//!
//! Guarantees on top of the library: every way to break the protocol has its Close code, pings are
//! answered while messages wait, codes that may not be sent are not, and the end is a lingering
//! close, so that the client reads all that was sent before it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use hyper_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Error,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Client, Event, Gone,
    bad_message::BadMessage,
    checked::Checked,
    compression::{Compressed, End, Negotiated},
    patience::Patient,
};
use crate::message::{Close, Message};

/// What one WebSocket may do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Longest message from the client, fragments together, in bytes; `None` has no limit but
    /// [`LARGEST_FRAME`].
    pub max_message: Option<usize>,
    /// Silence after which a client counts as gone.
    pub silence: Option<Duration>,
    /// How long a client may take nothing of what it is sent.
    pub write_timeout: Option<Duration>,
}

/// Longest single frame, however long messages may be, in bytes: memory for a frame is reserved when
/// its header comes, and a header must not be able to ask for more than there is.
pub const LARGEST_FRAME: usize = 1 << 30;

/// Bytes read at once: eight in an idle session would do, 64 KiB would save calls in a flood; with
/// 4 KiB an echo of 16 bytes is fastest and ten thousand idle clients take 40 MB.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes gathered before they are written without being asked: what comes in one read of a program.
const WRITE_BUFFER: usize = 16 * 1024;

/// Bytes of answers to pings that may wait for a client that does not read.
const LARGEST_UNSENT_PONGS: usize = 16 * 1024;
/// Bytes before the payload of a control frame that a server sends (RFC 6455 §5.2).
const CONTROL_HEADER: usize = 2;

/// The answer to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2, item 5.4).
pub fn accept_key(key: &[u8]) -> String {
    derive_accept_key(key)
}

/// A `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455 §4.1, item 7).
pub fn new_key() -> String {
    generate_key()
}

/// The server's end of a WebSocket whose opening handshake is done; `read_ahead` holds what was read
/// behind the handshake, `compression` what was negotiated in it.
pub async fn client<S>(
    stream: S,
    read_ahead: Bytes,
    options: &Options,
    compression: Option<&Negotiated>,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    joined(stream, read_ahead, options, compression, End::Server).await
}

/// The same for the client's end, where who is joined to us is a server: what it is sent is masked
/// (RFC 6455 §5.3).
pub async fn server<S>(
    stream: S,
    read_ahead: Bytes,
    options: &Options,
    compression: Option<&Negotiated>,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    joined(stream, read_ahead, options, compression, End::Client).await
}

async fn joined<S>(
    stream: S,
    mut read_ahead: Bytes,
    options: &Options,
    compression: Option<&Negotiated>,
    end: End,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Beneath compression: bytes of the other end are life, even if no message comes of them for long.
    let stream = Patient::new(stream, options.silence, options.write_timeout);
    let stream = Checked::new(stream, &mut read_ahead);
    match compression {
        None => open(stream, read_ahead, end, options).await,
        Some(negotiated) => {
            let stream = Compressed::new(stream, read_ahead, negotiated, end);
            // In a box, or every session's task would have the room that this takes.
            Box::pin(open(stream, Bytes::new(), end, options)).await
        }
    }
}

/// The other end of a stream of plain frames.
async fn open<S>(stream: S, read_ahead: Bytes, end: End, options: &Options) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let role = match end {
        End::Server => Role::Server,
        End::Client => Role::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(options.max_message)
        .max_frame_size(Some(
            options
                .max_message
                .map_or(LARGEST_FRAME, |most| most.min(LARGEST_FRAME)),
        ));
    let socket =
        WebSocketStream::from_partially_read(stream, read_ahead.into(), role, Some(config)).await;
    let socket = Shared(Arc::new(Mutex::new(Socket {
        stream: socket,
        closed_by_client: false,
    })));
    Client {
        incoming: Box::pin(Incoming {
            socket: socket.clone(),
            ended: false,
            unsent_pongs: 0,
        }),
        outgoing: Box::pin(Outgoing {
            socket,
            closing: Closing::Flush,
        }),
    }
}

/// The two halves of one socket. Both are polled by the one task of a session, so the lock is never
/// waited for.
struct Shared<S>(Arc<Mutex<Socket<S>>>);

struct Socket<S> {
    stream: WebSocketStream<S>,
    /// Its Close was received: it sends nothing behind that (RFC 6455 §5.5.1).
    closed_by_client: bool,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Socket<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

struct Incoming<S> {
    socket: Shared<S>,
    ended: bool,
    /// Bytes of answers to pings that may not have gone out yet.
    unsent_pongs: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming<S> {
    /// Lets a client that pings without ever reading wait, before its answers take the memory.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if self.unsent_pongs > LARGEST_UNSENT_PONGS {
            let flushed = Pin::new(&mut self.socket.lock().stream).poll_flush(context);
            ready!(flushed).map_err(gone)?;
            self.unsent_pongs = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Incoming<S> {
    type Item = Result<Message, Gone>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let gone = loop {
            if let Err(gone) = ready!(this.poll_room(context)) {
                break gone;
            }
            let mut socket = this.socket.lock();
            match ready!(Pin::new(&mut socket.stream).poll_next(context)) {
                Some(Ok(tungstenite::Message::Text(text))) => {
                    return Poll::Ready(Some(Ok(Message::Text(text))));
                }
                Some(Ok(tungstenite::Message::Binary(bytes))) => {
                    return Poll::Ready(Some(Ok(Message::Binary(bytes))));
                }
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    // Sends the answer; what cannot be sent now goes out when the sink is closed.
                    let _ = Pin::new(&mut socket.stream).poll_flush(context);
                    socket.closed_by_client = true;
                    break Gone::Closed(received_close(frame));
                }
                // The library answers pings by itself, when it is polled next.
                Some(Ok(tungstenite::Message::Ping(payload))) => {
                    this.unsent_pongs += payload.len() + CONTROL_HEADER;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => break gone(error),
                None => break Gone::Lost(io::ErrorKind::UnexpectedEof.into()),
            }
        };
        this.ended = true;
        Poll::Ready(Some(Err(gone)))
    }
}

fn received_close(frame: Option<CloseFrame>) -> Close {
    match frame {
        Some(frame) => Close {
            code: frame.code.into(),
            reason: frame.reason,
        },
        None => Close::new(Close::NO_STATUS, ""),
    }
}

fn gone(error: Error) -> Gone {
    match error {
        Error::Io(error) => match BadMessage::within(&error) {
            Some(bad) => Gone::Refused(bad.close()),
            None => Gone::Lost(error),
        },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            Gone::Lost(io::ErrorKind::UnexpectedEof.into())
        }
        Error::Utf8(_) => Gone::Refused(Close::new(
            Close::INVALID_DATA,
            "a text message that is not UTF-8",
        )),
        Error::Capacity(tungstenite::error::CapacityError::MessageTooLong { max_size, .. }) => {
            Gone::Refused(Close::new(
                Close::TOO_BIG,
                format!("a message over {max_size} bytes"),
            ))
        }
        error => Gone::Refused(Close::new(Close::PROTOCOL, error.to_string())),
    }
}

struct Outgoing<S> {
    socket: Shared<S>,
    closing: Closing,
}

/// How far the lingering close has come (RFC 9112 §9.6 has the reason): all is written, then our
/// direction is shut, then what still comes is thrown away until the client shuts its own, unless it
/// has sent its Close. Closing at once would answer unread bytes with RST, which destroys what the
/// client has not read yet.
enum Closing {
    Flush,
    Shutdown,
    Discard,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Event> for Outgoing<S> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket.lock().stream)
            .poll_ready(context)
            .map_err(io_error)
    }

    fn start_send(self: Pin<&mut Self>, event: Event) -> io::Result<()> {
        let message = match event {
            Event::Message(Message::Text(text)) => tungstenite::Message::Text(text),
            Event::Message(Message::Binary(bytes)) => tungstenite::Message::Binary(bytes),
            Event::Keepalive => tungstenite::Message::Ping(Bytes::new()),
            Event::Close(close) => {
                tungstenite::Message::Close(close.is_sendable().then(|| CloseFrame {
                    code: close.code.into(),
                    reason: close.reason,
                }))
            }
        };
        Pin::new(&mut self.socket.lock().stream)
            .start_send(message)
            .map_err(io_error)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket.lock().stream)
            .poll_flush(context)
            .map_err(io_error)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut socket = this.socket.lock();
        loop {
            match this.closing {
                Closing::Flush => {
                    // A socket that cannot be written to any more is shut down all the same.
                    let _ = ready!(Pin::new(&mut socket.stream).poll_flush(context));
                    this.closing = Closing::Shutdown;
                }
                Closing::Shutdown => {
                    ready!(Pin::new(socket.stream.get_mut()).poll_shutdown(context))?;
                    this.closing = Closing::Discard;
                }
                Closing::Discard => {
                    let mut scratch = [0; 1024];
                    let mut scratch = ReadBuf::new(&mut scratch);
                    let read = Pin::new(socket.stream.get_mut()).poll_read(context, &mut scratch);
                    if read.is_pending() && socket.closed_by_client {
                        // Nothing may come any more; what has come all the same is read by now.
                        return Poll::Ready(Ok(()));
                    }
                    ready!(read)?;
                    if scratch.filled().is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::other(error),
    }
}
