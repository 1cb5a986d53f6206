//! Messages to many, compressed once for all of them.
//!
//! That may be where no message of the server refers to an earlier one (RFC 7692 §7.1.1.1): then what is made of it depends on the
//! window alone. The frame says that it is compressed, so the deflating stream beneath passes it on as it is.

use std::io;

use bytes::Bytes;
use hyper_tungstenite::tungstenite::protocol::Role;

use super::{
    deflater::Deflater,
    params::{DeflateParams, Direction, Negotiated},
};
use crate::{
    message::{Message, Shared, WireForm},
    transport::websocket::frame::{BINARY, FrameKind, Header, TEXT},
};

/// How such messages are compressed for one client.
#[derive(Debug, Clone, Copy)]
pub(in crate::transport::websocket) struct SharedCompression {
    params: DeflateParams,
    direction: Direction,
}

impl SharedCompression {
    /// As was negotiated; `None` where each client's messages have a history of their own.
    pub(in crate::transport::websocket) fn new(
        negotiated: &Negotiated,
        role: Role,
    ) -> Option<Self> {
        let direction = negotiated.outgoing(role);
        let may_be = role == Role::Server && !direction.keeps_context;
        may_be.then_some(SharedCompression {
            params: negotiated.params,
            direction,
        })
    }

    /// The frame; `None` for a message that is too short to be compressed.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(in crate::transport::websocket) fn frame<'a>(
        &self,
        shared: &'a Shared,
    ) -> io::Result<Option<&'a Bytes>> {
        // An empty message has nothing to compress.
        if shared.message().len() < self.params.threshold.max(1) {
            return Ok(None);
        }
        let form = WireForm::Compressed(self.direction.bits);
        let frame = shared.form(form, |message| self.make(message));
        frame.map(Some)
    }

    fn make(&self, message: &Message) -> io::Result<Bytes> {
        let (payload, opcode) = match message {
            Message::Text(text) => (text.as_str().as_bytes(), TEXT),
            Message::Binary(bytes) => (&bytes[..], BINARY),
        };
        let mut compressed = Vec::new();
        Deflater::new(self.params.level, self.direction).end(payload, &mut compressed)?;
        let kind = FrameKind {
            opcode,
            is_final: true,
            is_compressed: true,
        };
        let header = Header::new(kind, compressed.len(), None);
        Ok([header.bytes(), &compressed].concat().into())
    }
}
