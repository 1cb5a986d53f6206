//! A [`Client`] from a connection whose opening handshake is done.

use std::time::Duration;

use bytes::Bytes;
use hyper_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    assembler::{Limit, MessageAssembler},
    deflate::{DeflateStream, Negotiated, SharedCompression},
    frame_buffer::{FrameBuffer, SharedStream},
    piece_reader::PieceReader,
    reader::MessageReader,
    sync_reader::SyncReader,
    writer::MessageWriter,
};
use crate::transport::{
    client::Client,
    io_timeouts::TimeoutStream,
    presence::{ConnectionState, Presence},
};

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
    /// How messages are handed on; in pieces only those of clients, and of any length.
    pub delivery: Delivery,
}

/// How messages are handed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As they were sent.
    #[default]
    Whole,
    /// As they come, in binary pieces: for who takes bytes alone, and does not ask where a message ends.
    InPieces,
}

/// Longest single frame, however long messages may be, in bytes. A message without a limit is one that is sent
/// in pieces.
pub const LARGEST_FRAME: usize = 1 << 30;

/// Bytes of the library's read buffer, which every session has; [`SyncReader`] reads more at once.
const READ_BUFFER: usize = 512;

/// Our end of a WebSocket whose opening handshake is done. `read_ahead` holds what was read behind the
/// handshake, `compression` what was negotiated in it. In [`Role::Client`] the other end is a server, and
/// what it is sent is masked (RFC 6455 §5.3).
pub fn open<S>(
    stream: S,
    read_ahead: Bytes,
    role: Role,
    options: &Options,
    compression: Option<&Negotiated>,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let unknown = |_: &S| ConnectionState::default();
    open_watched(stream, read_ahead, role, options, compression, unknown)
}

/// The same over a stream that can be asked whether the other end is still there, and what it has not taken.
pub fn open_watched<S>(
    stream: S,
    read_ahead: Bytes,
    role: Role,
    options: &Options,
    compression: Option<&Negotiated>,
    look: impl Fn(&S) -> ConnectionState + Send + Sync + 'static,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Beneath compression: bytes of the other end are life, even if no message comes of them for long.
    let stream = TimeoutStream::new(stream, options.silence, options.write_timeout);
    match compression {
        None => {
            let look = move |stream: &TimeoutStream<S>| look(stream.get_ref());
            plain(stream, read_ahead, role, options, None, look)
        }
        Some(negotiated) => {
            let stream = DeflateStream::new(stream, read_ahead, negotiated, role);
            let sharing = SharedCompression::new(negotiated, role);
            let look =
                move |stream: &DeflateStream<TimeoutStream<S>>| look(stream.get_ref().get_ref());
            plain(stream, Bytes::new(), role, options, sharing, look)
        }
    }
}

/// The other end of a stream of frames that are not compressed.
fn plain<S>(
    stream: S,
    read_ahead: Bytes,
    role: Role,
    options: &Options,
    sharing: Option<SharedCompression>,
    look: impl Fn(&S) -> ConnectionState + Send + Sync + 'static,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limit = Limit::new(options.max_message);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // An answer of the library goes to the connection as soon as it is made.
        .write_buffer_size(0)
        .max_message_size(options.max_message)
        .max_frame_size(Some(limit.frame));
    let stream = SharedStream::new(FrameBuffer::new(stream));
    let watched = stream.clone();
    let presence = Presence::new(move || {
        let buffer = watched.lock();
        let mut state = look(buffer.get_ref());
        state.untaken += buffer.unsent();
        state
    });
    if options.delivery == Delivery::InPieces && role == Role::Server {
        return Client {
            incoming: Box::pin(PieceReader::new(stream.clone(), read_ahead)),
            outgoing: Box::pin(MessageWriter::new(stream, role, sharing)),
            presence,
        };
    }
    let assembler = MessageAssembler::new(role, limit);
    let reader = SyncReader::new(stream.clone(), read_ahead, assembler);
    Client {
        incoming: Box::pin(MessageReader::new(reader, role, config)),
        outgoing: Box::pin(MessageWriter::new(stream, role, sharing)),
        presence,
    }
}

impl Limit {
    fn new(max_message: Option<usize>) -> Self {
        let message = max_message.unwrap_or(usize::MAX);
        Limit {
            message,
            frame: message.min(LARGEST_FRAME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::SinkExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LONG: [u8; 10] = [0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'];

    #[tokio::test]
    async fn what_comes_behind_a_shutdown_is_not_looked_at() {
        let (near, mut far) = duplex(64);
        let ahead = Bytes::from_static(&LONG);
        let mut client = open(near, ahead, Role::Server, &Options::default(), None);
        let talk = async {
            assert_eq!(far.read_u8().await.ok(), None, "our direction is shut");
            far.write_all(&LONG).await.expect("it is taken");
            drop(far);
        };
        let (closed, ()) = tokio::join!(client.outgoing.close(), talk);
        closed.expect("fine");
    }
}
