//! Framing: where a message begins and ends in a program's input and output.
//!
//! One codec for all framings, as tokio-util's [`Decoder`](tokio_util::codec::Decoder) and
//! [`Encoder`](tokio_util::codec::Encoder): [`Codec`] turns bytes of stdout into messages and messages into
//! bytes of stdin. It never waits and never does I/O, its memory is bounded by its limit, and any split of
//! the bytes gives the same messages (but for [`Framing::Chunks`] and
//! [`Framing::Text`], where the split is the framing).

mod codec;
mod error;
mod headers;
mod length;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;

pub(crate) use codec::CAPACITY_AT_REST;
pub use codec::{Codec, Framing, Newline};
pub use error::FramingError;
