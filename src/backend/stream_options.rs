//! How messages travel over a backend's streams of bytes, and the codec that has them do so.

use std::time::Duration;

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::{error::BackendError, interface::Inbound};
use crate::{
    framing::{Codec, Framing, FramingError},
    message::Message,
};

/// How messages travel over a backend's streams of bytes.
#[derive(Debug, Clone, Copy)]
pub struct StreamOptions {
    /// How messages are told apart.
    pub framing: Framing,
    /// Longest line or `length` message of its output.
    pub max_line: MaxLine,
    /// Sends a partial line once the output has been quiet for so long.
    pub flush_after: Option<Duration>,
}

/// The longest line or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxLine {
    /// In bytes.
    pub bytes: usize,
    /// What an error names for who wants another limit.
    pub set_by: &'static str,
}

/// [`Codec`] with the errors of a backend.
#[derive(Debug)]
pub(super) struct StreamCodec {
    codec: Codec,
    set_by: &'static str,
}

impl StreamCodec {
    pub(super) fn new(streams: &StreamOptions) -> Self {
        StreamCodec {
            codec: Codec::new(streams.framing, streams.max_line.bytes),
            set_by: streams.max_line.set_by,
        }
    }

    /// See [`Codec::decode_partial`].
    pub(super) fn decode_partial(
        &mut self,
        source: &mut BytesMut,
    ) -> Result<Option<Message>, BackendError> {
        Ok(self.codec.decode_partial(source)?)
    }

    fn error(&self, error: FramingError) -> BackendError {
        match error {
            FramingError::TooLong(bytes) => BackendError::TooLong {
                bytes,
                set_by: self.set_by,
            },
            error => error.into(),
        }
    }
}

impl Decoder for StreamCodec {
    type Item = Message;
    type Error = BackendError;

    #[inline]
    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Message>, BackendError> {
        let decoded = self.codec.decode(source);
        decoded.map_err(|error| self.error(error))
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Message>, BackendError> {
        let decoded = self.codec.decode_eof(source);
        decoded.map_err(|error| self.error(error))
    }
}

impl Encoder<Inbound> for StreamCodec {
    type Error = BackendError;

    #[inline]
    fn encode(&mut self, item: Inbound, target: &mut BytesMut) -> Result<(), BackendError> {
        match item {
            Inbound::Message(message) => Ok(self.codec.encode(message, target)?),
            Inbound::Departed | Inbound::Stopping => Ok(()),
            Inbound::Close(close) => Ok(self.codec.encode_close(&close, target)?),
        }
    }
}
