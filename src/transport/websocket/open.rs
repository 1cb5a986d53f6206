//! A [`Client`] from a connection whose opening handshake is done.

use std::time::Duration;

use bytes::Bytes;
use hyper_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::either::Either;

use super::{
    assembler::{Limit, MessageAssembler},
    deflate::{DeflateStream, Negotiated, SharedCompression},
    frame_buffer::{FrameBuffer, SharedStream},
    piece_reader::PieceReader,
    reader::MessageReader,
    sync_reader::SyncReader,
    underlying::Underlying,
    writer::{MessageWriter, send_beside},
};
use crate::{
    transport::{
        client::Client,
        io_timeouts::TimeoutStream,
        presence::{ConnectionState, Presence},
    },
    wire::{Sending, Wire, Written},
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
    /// Whether what is said to many may be written beside the session.
    pub is_told_by_many: bool,
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
const READ_BUFFER: usize = 128;

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
    open_watched(stream, read_ahead, role, options, compression, |_| None)
}

/// The same over a stream whose socket can be asked whether the other end is still there, and what it has not taken.
pub fn open_watched<S>(
    stream: S,
    read_ahead: Bytes,
    role: Role,
    options: &Options,
    compression: Option<&Negotiated>,
    socket: impl Fn(&S) -> Option<Underlying<'_>> + Send + Sync + Clone + 'static,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Beneath compression: bytes of the other end are life, even if no message comes of them for long.
    let stream = TimeoutStream::new(stream, options.silence, options.write_timeout);
    let (stream, read_ahead, sharing) = match compression {
        None => (Either::Left(stream), read_ahead, None),
        Some(negotiated) => {
            let stream = Box::new(DeflateStream::new(stream, read_ahead, negotiated, role));
            let sharing = SharedCompression::new(negotiated, role);
            (Either::Right(stream), Bytes::new(), sharing)
        }
    };
    plain(stream, read_ahead, role, options, sharing, beneath(socket))
}

/// Bytes on their way through compression, if there is one. One type for both, so that what reads and writes messages is
/// in the binary once for each kind of connection; a choice at each read costs nothing that can be measured.
type MaybeDeflated<S> = Either<TimeoutStream<S>, Box<DeflateStream<TimeoutStream<S>>>>;

/// How the socket beneath a stream is found, from above compression.
fn beneath<S>(
    socket: impl Fn(&S) -> Option<Underlying<'_>> + Send + Sync + Clone + 'static,
) -> impl Fn(&MaybeDeflated<S>) -> Option<Underlying<'_>> + Send + Sync + Clone + 'static {
    move |stream| match stream {
        Either::Left(bare) => socket(bare.get_ref()),
        Either::Right(deflated) => {
            let beneath = socket(deflated.get_ref().get_ref())?;
            let is_bare = false;
            Some(Underlying { is_bare, ..beneath })
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
    socket: impl Fn(&S) -> Option<Underlying<'_>> + Send + Sync + Clone + 'static,
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
    let (watched, of_presence) = (stream.clone(), socket.clone());
    let presence = Presence::new(move || {
        let buffer = watched.lock();
        let socket = of_presence(buffer.get_ref());
        let mut state = socket.map_or_else(ConnectionState::default, |beneath| {
            ConnectionState::of(beneath.socket)
        });
        state.untaken += buffer.unsent();
        state
    });
    let is_told_by_many = options.is_told_by_many && role == Role::Server;
    let wire = is_told_by_many.then(|| wire_of(&stream, socket));
    if options.delivery == Delivery::InPieces && role == Role::Server {
        return Client {
            incoming: Box::pin(PieceReader::new(stream.clone(), read_ahead)),
            outgoing: Box::pin(MessageWriter::new(stream, role, sharing)),
            presence,
            wire,
        };
    }
    let assembler = MessageAssembler::new(role, limit);
    let reader = SyncReader::new(stream.clone(), read_ahead, assembler);
    Client {
        incoming: Box::pin(MessageReader::new(reader, role, config)),
        outgoing: Box::pin(MessageWriter::new(stream, role, sharing)),
        presence,
        wire,
    }
}

/// The wire of a stream, which that does not hold.
fn wire_of<S: Send + 'static>(
    stream: &SharedStream<S>,
    socket: impl Fn(&S) -> Option<Underlying<'_>> + Send + Sync + Clone + 'static,
) -> Wire {
    let stream = stream.downgrade();
    let (watched, of_watched) = (stream.clone(), socket.clone());
    let is_blocked = move || {
        let Some(stream) = watched.upgrade() else {
            return true;
        };
        let buffer = stream.lock();
        let beneath = of_watched(buffer.get_ref());
        buffer.unsent() > 0 || beneath.is_some_and(|beneath| beneath.is_full_beneath())
    };
    let write = move |sendings: &[Sending<'_>]| {
        let Some(stream) = stream.upgrade() else {
            return Written::Nothing;
        };
        send_beside(&mut stream.lock(), &socket, sendings)
    };
    Wire::new(write, is_blocked)
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
    use crate::{
        message::{Close, Message, Shared},
        transport::{client::Outbound, websocket::deflate::DeflateParams},
        wire::Burst,
    };
    use futures_util::{FutureExt, SinkExt};
    use std::{os::fd::AsFd, sync::Arc};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, BufStream, duplex},
        net::UnixStream,
    };

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

    fn of_unix(stream: &UnixStream) -> Option<Underlying<'_>> {
        Some(Underlying {
            socket: stream.as_fd(),
            is_bare: true,
        })
    }

    /// A server's end over a socket, and the socket's other end.
    fn member() -> (Client, Wire, UnixStream) {
        let (near, far) = UnixStream::pair().expect("two ends");
        let options = Options {
            is_told_by_many: true,
            ..Options::default()
        };
        let mut client = open_watched(near, Bytes::new(), Role::Server, &options, None, of_unix);
        let wire = client.wire.take().expect("a wire");
        (client, wire, far)
    }

    #[tokio::test]
    async fn member_is_blocked_where_a_layer_holds_what_the_socket_does_not_take() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        // As TLS does.
        let near = BufStream::with_capacity(128, 1 << 20, near);
        let options = Options {
            is_told_by_many: true,
            ..Options::default()
        };
        fn of_layer(layer: &BufStream<UnixStream>) -> Option<Underlying<'_>> {
            let is_bare = false;
            Some(Underlying {
                is_bare,
                ..of_unix(layer.get_ref())?
            })
        }
        let mut client = open_watched(near, Bytes::new(), Role::Server, &options, None, of_layer);
        let wire = client.wire.take().expect("a wire");
        assert!(!wire.is_blocked());
        let long = Outbound::Message(Message::Binary(vec![b'x'; 1 << 19].into()));
        let mut sending = client.outgoing.send(long);
        assert!((&mut sending).now_or_never().is_none(), "it takes less");
        assert!(wire.is_blocked());
        let mut rest = vec![0; (1 << 19) + 10];
        let (sent, read) = tokio::join!(sending, far.read_exact(&mut rest));
        sent.expect("it has room");
        read.expect("all of it");
        assert!(!wire.is_blocked());
    }

    fn shared(text: &str) -> Arc<Shared> {
        Arc::new(Shared::new(Message::Text(text.into())))
    }

    async fn read(far: &mut UnixStream, expected: &[u8]) {
        let mut read = vec![0; expected.len()];
        far.read_exact(&mut read).await.expect("as much");
        assert!(read == expected, "{}", read.escape_ascii());
    }

    #[tokio::test]
    async fn what_many_are_sent_goes_out_beside_the_session_in_one_piece() {
        let (_client, wire, mut far) = member();
        let burst = Burst::new(vec![shared("one"), shared("two")]);
        let (three, long) = (shared("three"), shared(&"x".repeat(10_000)));
        let sendings = [
            Sending::Burst(&burst),
            Sending::One(&three),
            Sending::One(&long),
        ];
        assert_eq!(wire.write(&sendings), Written::All);
        let long = "x".repeat(10_000);
        let frames = [
            b"\x81\x03one\x81\x03two\x81\x05three\x81\x7e\x27\x10",
            long.as_bytes(),
        ];
        read(&mut far, &frames.concat()).await;
    }

    #[tokio::test]
    async fn nothing_overtakes_what_the_session_has_yet_to_flush() {
        let (mut client, wire, mut far) = member();
        let (one, two) = (shared("one"), shared("two"));
        let fed = client.outgoing.feed(Outbound::Shared(one)).await;
        fed.expect("room");
        let two = [Sending::One(&two)];
        assert_eq!(wire.write(&two), Written::Nothing);
        client.outgoing.flush().await.expect("room");
        assert_eq!(wire.write(&two), Written::All);
        read(&mut far, b"\x81\x03one\x81\x03two").await;
    }

    #[tokio::test]
    async fn session_sends_the_rest_of_what_the_socket_did_not_take() {
        let (mut client, wire, mut far) = member();
        let text = "x".repeat(1 << 20);
        let long = shared(&text);
        let short = shared(&"y".repeat(5000));
        let sendings = [Sending::One(&long)];
        assert_eq!(wire.write(&sendings), Written::Begun);
        assert_eq!(wire.write(&[Sending::One(&short)]), Written::Nothing);
        let rest = async {
            let fed = client.outgoing.feed(Outbound::Keepalive).await;
            fed.expect("it waits");
            client.outgoing.flush().await.expect("the other end reads");
        };
        let header = b"\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00";
        let expected = [&header[..], text.as_bytes(), b"\x89\x00"].concat();
        tokio::join!(rest, read(&mut far, &expected));
        // Of many short ones a part goes out, too.
        let mut written = 0;
        loop {
            match wire.write(&[Sending::One(&short)]) {
                Written::All => written += 1,
                Written::Begun => break written += 1,
                Written::Nothing => break,
            }
        }
        let frame = [b"\x81\x7e\x13\x88", &[b'y'; 5000][..]].concat();
        let expected = frame.repeat(written);
        let rest = async { client.outgoing.flush().await.expect("the other end reads") };
        tokio::join!(rest, read(&mut far, &expected));
    }

    #[tokio::test]
    async fn nothing_is_written_behind_close_nor_to_a_client_that_is_gone() {
        let (mut client, wire, far) = member();
        let one = shared("one");
        let close = Outbound::Close(Close::new(Close::NORMAL, ""));
        client.outgoing.send(close).await.expect("room");
        assert_eq!(wire.write(&[Sending::One(&one)]), Written::Nothing);
        drop((client, far));
        assert_eq!(wire.write(&[Sending::One(&one)]), Written::Nothing);
    }

    #[tokio::test]
    async fn nothing_is_written_beneath_compression() {
        let (near, _far) = UnixStream::pair().expect("two ends");
        let options = Options {
            is_told_by_many: true,
            ..Options::default()
        };
        let negotiated = Negotiated {
            params: DeflateParams {
                level: 1,
                threshold: 0,
                keeps_context: false,
            },
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: None,
            client_max_window_bits: None,
        };
        let ahead = Bytes::new();
        let client = open_watched(
            near,
            ahead,
            Role::Server,
            &options,
            Some(&negotiated),
            of_unix,
        );
        let wire = client.wire.as_ref().expect("a wire");
        let one = shared("one");
        assert_eq!(wire.write(&[Sending::One(&one)]), Written::Nothing);
    }
}
