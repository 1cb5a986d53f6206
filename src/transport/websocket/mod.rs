//! The WebSocket transport (RFC 6455 §5 to §7), on tungstenite: the only folder that names it, but for
//! the text type in [`crate::message`].
//!
//! Guarantees on top of the library: every way to break the protocol has its Close code, pings are
//! answered while messages wait, codes that may not be sent are not, and the end is a lingering
//! close, so that the client reads all that was sent before it.
//!
//! # How it works
//! From the connection up, what comes passes `TimeoutStream` (silence), `DeflateStream` where compression was
//! negotiated, and `SyncReader`, in which the library reads. Before it gets anything, `MessageAssembler` takes out
//! the payload of long messages, and checks what the library checks late or not at all. What goes is gathered by
//! `MessageWriter` and takes the same way down, without the library. Where messages have no boundaries that matter,
//! who reads is `PieceReader`, also without it.

mod assembler;
pub mod deflate;
#[doc(hidden)]
pub mod frame;
mod frame_buffer;
mod key;
mod open;
mod piece_reader;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod protocol_violation;
mod reader;
mod sync_reader;
mod underlying;
mod utf8;
mod writer;

pub use hyper_tungstenite::tungstenite::protocol::Role;
pub use key::{accept_key, new_key};
pub use open::{Delivery, LARGEST_FRAME, Options, open, open_watched};
pub use underlying::Underlying;
