//! A message as one byte for its kind, four bytes of length (unsigned, big-endian) and the payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::error::FramingError;
use crate::message::Close;

/// The kind and the length.
pub(super) const LENGTH_HEADER: usize = 5;

/// The next kind and payload; `kinds` are those that may stand there, `limit` is the longest payload in bytes,
/// and `framing` what an error calls all this.
pub(super) fn decode(
    source: &mut BytesMut,
    kinds: &[u8],
    limit: usize,
    framing: &'static str,
) -> Result<Option<(u8, Bytes)>, FramingError> {
    let Some(&kind) = source.first() else {
        return Ok(None);
    };
    if !kinds.contains(&kind) {
        let reason = format!(
            "byte 0x{kind:02x} where {} should begin a message",
            list(kinds)
        );
        return Err(FramingError::Malformed { framing, reason });
    }
    if source.len() < LENGTH_HEADER {
        return Ok(None);
    }
    let length = u32::from_be_bytes([source[1], source[2], source[3], source[4]]) as usize;
    if length > limit {
        return Err(FramingError::TooLong(limit));
    }
    if source.len() - LENGTH_HEADER < length {
        return Ok(None);
    }
    source.advance(LENGTH_HEADER);
    Ok(Some((kind, source.split_to(length).freeze())))
}

fn list(kinds: &[u8]) -> String {
    let quoted: Vec<String> = kinds
        .iter()
        .map(|&kind| format!("'{}'", char::from(kind)))
        .collect();
    quoted.join(" or ")
}

/// Writes one message.
pub(super) fn encode(kind: u8, payload: &[u8], target: &mut BytesMut) -> Result<(), FramingError> {
    let length = u32::try_from(payload.len()).map_err(|_| FramingError::Malformed {
        framing: "length",
        reason: "a message of 4 GiB or more".to_owned(),
    })?;
    target.put_u8(kind);
    target.put_u32(length);
    target.put_slice(payload);
    Ok(())
}

/// The Close that a payload says: two bytes of status code, and the reason.
pub(super) fn close(payload: &[u8]) -> Result<Close, FramingError> {
    let malformed = |reason: String| FramingError::Malformed {
        framing: "control",
        reason,
    };
    let Some((code, reason)) = payload.split_first_chunk() else {
        return Err(malformed("a Close without a status code".to_owned()));
    };
    let reason = std::str::from_utf8(reason)
        .map_err(|_| malformed("the reason of a Close is not UTF-8".to_owned()))?;
    if reason.len() > Close::MAX_REASON {
        let most = Close::MAX_REASON;
        return Err(malformed(format!(
            "the reason of a Close is over {most} bytes"
        )));
    }
    let close = Close::new(u16::from_be_bytes(*code), reason);
    match close.is_sendable() {
        true => Ok(close),
        false => Err(malformed(format!(
            "a Close with code {} is never sent",
            close.code
        ))),
    }
}

/// Writes a Close as a message.
pub(super) fn encode_close(close: &Close, target: &mut BytesMut) -> Result<(), FramingError> {
    let code = close.code.to_be_bytes();
    let payload = [&code[..], close.reason.as_str().as_bytes()].concat();
    encode(b'c', &payload, target)
}
