//! permessage-deflate (RFC 7692): messages travel compressed between client and server.
//!
//! # How it works
//! `DeflateStream` is a byte stream between the connection and the WebSocket library, which knows of no
//! extension. What comes is read as frames: a compressed message goes up as plain fragments, inflated
//! only as fast as they are taken; all else goes up byte for byte, and so does what is out of order,
//! so that the library refuses it as ever. Its limit of messages and its check of UTF-8 thus act on
//! what was inflated. What goes out is read as frames too, and a message that is worth it leaves as
//! one compressed frame.
//!
//! What many are sent is compressed once for all of them (`shared`), and passes here as it is.
//!
//! State of zlib is made when the first compressed message asks for it and freed after an idle minute.

mod deflater;
mod deflating_writer;
mod idle_timer;
mod inflater;
mod inflating_reader;
mod params;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod send_buffer;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use params::{DeflateParams, Negotiated};
pub(super) use shared::SharedCompression;
pub(super) use stream::DeflateStream;
