//! The WebSocket transport (RFC 6455 §5 to §7), on tungstenite: the only folder that names it, but for
//! the text type in [`crate::message`].
//!
//! Guarantees on top of the library: every way to break the protocol has its Close code, pings are
//! answered while messages wait, codes that may not be sent are not, and the end is a lingering
//! close, so that the client reads all that was sent before it.

mod incoming;
mod inlet;
mod outgoing;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use hyper_tungstenite::tungstenite::{
    handshake::{client::generate_key, derive_accept_key},
    protocol::{Role, WebSocketConfig},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Client,
    checked::Checked,
    compression::{Compressed, End, Negotiated},
    patience::Patient,
};
use incoming::Incoming;
use inlet::Inlet;
use outgoing::Outgoing;
use wire::{Shared, Wire};

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

/// Bytes of the library's read buffer, which every session has; [`Inlet`] reads more at once.
const READ_BUFFER: usize = 512;
/// Capacity in bytes that a buffer keeps when there is nothing in it.
const CAPACITY_AT_REST: usize = 512;

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
pub fn client<S>(
    stream: S,
    read_ahead: Bytes,
    options: &Options,
    compression: Option<&Negotiated>,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    joined(stream, read_ahead, options, compression, End::Server)
}

/// The same for the client's end, where who is joined to us is a server: what it is sent is masked
/// (RFC 6455 §5.3).
pub fn server<S>(
    stream: S,
    read_ahead: Bytes,
    options: &Options,
    compression: Option<&Negotiated>,
) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    joined(stream, read_ahead, options, compression, End::Client)
}

fn joined<S>(
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
        None => open(stream, read_ahead, end, options),
        Some(negotiated) => {
            let stream = Compressed::new(stream, read_ahead, negotiated, end);
            open(stream, Bytes::new(), end, options)
        }
    }
}

/// The other end of a stream of plain frames.
fn open<S>(stream: S, read_ahead: Bytes, end: End, options: &Options) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let role = match end {
        End::Server => Role::Server,
        End::Client => Role::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // An answer of the library goes to the wire as soon as it is made.
        .write_buffer_size(0)
        .max_message_size(options.max_message)
        .max_frame_size(Some(
            options
                .max_message
                .map_or(LARGEST_FRAME, |most| most.min(LARGEST_FRAME)),
        ));
    let wire = Shared::new(Wire::new(stream));
    let inlet = Inlet::new(wire.clone(), read_ahead);
    Client {
        incoming: Box::pin(Incoming::new(inlet, role, config)),
        outgoing: Box::pin(Outgoing::new(wire, role)),
    }
}
