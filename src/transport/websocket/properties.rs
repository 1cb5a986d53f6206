//! What holds whatever a client sends as frames.

use std::io;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::io::StreamReader;

use super::open::{Delivery, Options, open};
use crate::{
    message::{Close, Message},
    pieces,
    transport::{Disconnect, websocket::Role},
};

/// Frames of a client are read alike in any split, and alike by both readers: pieces are the messages, with what has
/// come of the last one, and the end is the same.
pub(crate) fn frames(bytes: &[u8]) {
    let (messages, end) = read(&[bytes], Delivery::Whole);
    let (payload, code) = read(&[bytes], Delivery::InPieces);
    // What is handed on in pieces has no length that would be too much.
    assert!(end == Close::TOO_BIG || end == code, "{end}, {code}");
    for split in pieces::ways(bytes) {
        assert_eq!(read(&split, Delivery::Whole), (messages.clone(), end));
        let (in_pieces, code_in_pieces) = read(&split, Delivery::InPieces);
        assert_eq!(code_in_pieces, code);
        assert!(in_pieces.starts_with(&messages));
        // Of text that is none, what came before goes on as far as it has come by itself.
        let is_same = in_pieces == payload;
        assert!(is_same || code == Close::INVALID_DATA && in_pieces.starts_with(&payload));
    }
}

/// The bytes of all messages, and the code of the end.
fn read(split: &[&[u8]], delivery: Delivery) -> (Vec<u8>, u16) {
    let split: Vec<_> = split
        .iter()
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok::<_, io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    let stream = tokio::io::join(StreamReader::new(stream::iter(split)), tokio::io::sink());
    let options = Options {
        delivery,
        ..Options::default()
    };
    let mut client = open(stream, Bytes::new(), Role::Server, &options, None);
    let mut payload = Vec::new();
    loop {
        let next = client.incoming.next().now_or_never();
        match next.expect("nothing is waited for") {
            Some(Ok(Message::Text(text))) => payload.extend_from_slice(text.as_bytes()),
            Some(Ok(Message::Binary(bytes))) => payload.extend_from_slice(&bytes),
            Some(Err(Disconnect::Closed(close) | Disconnect::Violation(close))) => {
                return (payload, close.code);
            }
            Some(Err(Disconnect::InputEnded | Disconnect::Departed | Disconnect::Lost(_))) => {
                return (payload, Close::ABNORMAL);
            }
            None => panic!("it ends without an end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::websocket::frame::encode;
    use proptest::prelude::*;

    /// Frames that are right by themselves, most of them; in an order that may be wrong.
    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = prop::sample::select(vec![
            0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88, 0xc1, 0x83, 0x09,
        ]);
        let payload = prop_oneof![
            "\\PC{0,40}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..140),
            (0..3000_usize).prop_map(|length| vec![b'x'; length]),
            Just(b"\x03\xe8bye".to_vec()),
        ];
        let mask = prop::option::weighted(0.97, any::<[u8; 4]>());
        (first, payload, mask).prop_map(|(first, payload, mask)| encode(first, &payload, mask))
    }

    proptest! {
        #[test]
        fn frames_are_read_alike(several in prop::collection::vec(frame(), 0..6), cut: prop::sample::Index) {
            let bytes = several.concat();
            frames(&bytes);
            frames(&bytes[..cut.index(bytes.len() + 1)]);
        }

        #[test]
        fn any_bytes_are_read_alike(bytes: Vec<u8>) {
            frames(&bytes);
        }
    }
}
