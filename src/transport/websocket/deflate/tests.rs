//! Both directions against a client that is written down byte by byte, or made by zlib.

use bytes::Bytes;
use proptest::prelude::*;

use hyper_tungstenite::tungstenite::protocol::Role;

use super::{
    deflating_writer::DeflatingWriter,
    inflating_reader::{InflatingReader, LEAST_ROOM},
    params::{DeflateParams, Negotiated},
    properties::{
        self, FIN, PING, RSV1, TAIL, TEXT, deflated, frame, frames, inflated, negotiated, plain,
        write, zlib,
    },
};
use crate::{pieces, transport::websocket::protocol_violation::ProtocolViolation};

const CLOSE: u8 = 8;
/// The messages of frames, fragments together, in the order of the first ones; control frames stand for
/// themselves.
fn messages(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let message = |message: properties::Parsed| {
        assert!(message.is_whole, "a message without an end");
        let last = if message.is_control() { FIN } else { 0 };
        (message.first | last, message.payload)
    };
    properties::parsed(bytes).into_iter().map(message).collect()
}

/// What the library sees of these pieces, with outputs of a size.
fn read(
    reader: &mut InflatingReader,
    pieces: &[&[u8]],
    room: usize,
) -> Result<Vec<u8>, (ProtocolViolation, Vec<u8>)> {
    match properties::read(reader, pieces, room) {
        (seen, Ok(())) => Ok(seen),
        (seen, Err(bad)) => Err((bad, seen)),
    }
}

fn read_all(bytes: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, ProtocolViolation> {
    let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
    match read(&mut reader, &[bytes], 4096) {
        Ok(seen) => Ok(messages(&seen)),
        Err((bad, _)) => Err(bad),
    }
}

fn text(payload: &str) -> (u8, Vec<u8>) {
    (TEXT, payload.as_bytes().to_vec())
}

#[test]
fn examples_of_the_rfc_are_read() {
    // RFC 7692 §7.2.3.1 to §7.2.3.5.
    const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let one = frame(FIN | RSV1 | TEXT, &HELLO);
    let fragmented = [frame(RSV1 | TEXT, &HELLO[..3]), frame(FIN, &HELLO[3..])].concat();
    let shared = [
        one.clone(),
        frame(FIN | RSV1 | TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ]
    .concat();
    let stored = frame(
        FIN | RSV1 | TEXT,
        &[0, 5, 0, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o', 0],
    );
    let last_block = frame(
        FIN | RSV1 | TEXT,
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    );
    let two_blocks = frame(
        FIN | RSV1 | TEXT,
        &[
            0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0,
        ],
    );
    for (bytes, count) in [
        (one, 1),
        (fragmented, 1),
        (shared, 2),
        (stored, 1),
        (last_block, 1),
        (two_blocks, 1),
    ] {
        let expected = vec![text("Hello"); count];
        assert_eq!(read_all(&bytes), Ok(expected), "{bytes:x?}");
    }
}

#[test]
fn block_that_is_the_last_one_is_followed_by_messages() {
    let last = frame(
        FIN | RSV1 | TEXT,
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    );
    // Without the empty block that the RFC asks for, too.
    let bare = frame(
        FIN | RSV1 | TEXT,
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    );
    let bytes = [last.clone(), bare, last].concat();
    assert_eq!(read_all(&bytes), Ok(vec![text("Hello"); 3]));
}

#[test]
fn empty_messages_are_read_in_either_form() {
    let bytes = [
        frame(FIN | RSV1 | TEXT, &[0]),
        frame(FIN | RSV1 | TEXT, &[]),
        frame(FIN | RSV1 | TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0]),
        [frame(RSV1 | TEXT, &[]), frame(0, &[]), frame(FIN, &[0])].concat(),
    ]
    .concat();
    let expected = vec![text(""), text(""), text("Hello"), text("")];
    assert_eq!(read_all(&bytes), Ok(expected));
}

#[test]
fn what_is_not_compressed_passes_byte_for_byte() {
    let bytes = [
        frame(TEXT, b"a"),
        frame(FIN | PING, b"ping"),
        frame(FIN, &[b'b'; 70_000]),
        frame(FIN | 2, b""),
        frame(FIN | CLOSE, &[3, 232]),
        vec![0x81],
    ]
    .concat();
    for room in [LEAST_ROOM, 100, 4096] {
        let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
        let seen = read(&mut reader, &[&bytes[..bytes.len() - 1]], room);
        assert!(seen.is_ok_and(|seen| seen == bytes[..bytes.len() - 1]));
    }
}

#[test]
fn ping_between_fragments_passes() {
    let mut zlib = zlib(15);
    let data = deflated(&mut zlib, b"Hello, Hello");
    let bytes = [
        frame(RSV1 | TEXT, &data[..2]),
        frame(FIN | PING, b"1"),
        frame(0, &data[2..4]),
        frame(FIN | PING, b"2"),
        frame(FIN, &data[4..]),
    ]
    .concat();
    let expected = vec![
        text("Hello, Hello"),
        (FIN | PING, b"1".to_vec()),
        (FIN | PING, b"2".to_vec()),
    ];
    assert_eq!(read_all(&bytes), Ok(expected));
}

#[test]
fn frames_out_of_order_go_up_as_they_are_and_all_behind_them() {
    let opener = frame(RSV1 | TEXT, &[0xf2]);
    let unmasked = vec![FIN | RSV1 | TEXT, 1, 0];
    for (before, bad) in [
        // RSV1 where there may be none, and bits of other extensions.
        (vec![], frame(FIN | RSV1 | PING, b"x")),
        (vec![], frame(FIN | RSV1 | CLOSE, b"")),
        (vec![], frame(FIN | RSV1, b"x")),
        (opener.clone(), frame(FIN | RSV1, b"x")),
        (frame(TEXT, b"x"), frame(FIN | RSV1, b"x")),
        (frame(TEXT, b"x"), frame(FIN | RSV1 | TEXT, b"x")),
        (vec![], frame(FIN | RSV1 | 0x20 | TEXT, b"x")),
        (vec![], frame(FIN | 0x10 | TEXT, b"x")),
        (opener.clone(), frame(FIN | 0x10, b"x")),
        // A message within a message, a continuation of none, an unknown opcode.
        (opener.clone(), frame(FIN | TEXT, b"x")),
        (opener.clone(), frame(FIN | RSV1 | TEXT, b"x")),
        (frame(TEXT, b"x"), frame(FIN | TEXT, b"x")),
        (vec![], frame(FIN, b"x")),
        (vec![], frame(FIN | 3, b"x")),
        (vec![], frame(FIN | RSV1 | 3, b"x")),
        (vec![], unmasked.clone()),
        (opener.clone(), unmasked),
    ] {
        let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
        let seen = read(&mut reader, &[&before], 4096).expect("nothing wrong yet");
        // The library knows that a message has begun.
        assert_eq!(seen.is_empty(), before.is_empty());
        let behind = frame(FIN | RSV1 | TEXT, &[0xf2, 0x48]);
        let seen = read(&mut reader, &[&bad, &behind], 4096);
        assert!(
            seen.is_ok_and(|seen| seen == [bad.clone(), behind].concat()),
            "{bad:x?}"
        );
    }
}

#[test]
fn length_that_is_not_well_formed_is_refused() {
    let longest = [&[FIN | RSV1 | TEXT, 0xff][..], &[0xff; 8], &[0; 4]].concat();
    let padded = [&[FIN | TEXT, 0xfe, 0, 2][..], &[0; 4], b"hi"].concat();
    for bad in [longest, padded] {
        let before = frame(FIN | TEXT, b"x");
        let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
        let (violation, seen) = read(&mut reader, &[&before, &bad], 4096).expect_err("a length");
        assert_eq!((violation, seen), (ProtocolViolation::Length, before));
    }
}

#[test]
fn garbage_and_data_cut_short_are_refused() {
    let mut compressor = zlib(15);
    let message: Vec<u8> = (0..5000_u32)
        .flat_map(|n| n.wrapping_mul(n).to_be_bytes())
        .collect();
    let whole = deflated(&mut compressor, &message);
    let reaches_back = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut refused = vec![vec![0xff; 10], vec![6, 1, 2, 3], reaches_back.to_vec()];
    refused.extend((1..20).map(|cut| whole[..whole.len() - cut * 37].to_vec()));
    refused.push([&[0, 5, 0, 0xfa, 0xff][..], b"Hel"].concat());
    for data in refused {
        let result = read_all(&frame(FIN | RSV1 | TEXT, &data));
        assert_eq!(result, Err(ProtocolViolation::Data), "{data:x?}");
    }
}

#[test]
fn messages_before_a_bad_one_are_handed_up() {
    let good = frame(FIN | RSV1 | TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0]);
    let bytes = [good, frame(FIN | RSV1 | TEXT, &[0xff; 9])].concat();
    let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
    let (bad, seen) = read(&mut reader, &[&bytes], 4096).expect_err("garbage");
    assert_eq!(
        (bad, messages(&seen)),
        (ProtocolViolation::Data, vec![text("Hello")])
    );
}

#[test]
fn bomb_gives_no_more_than_there_is_room_for() {
    let data = deflated(&mut zlib(15), &vec![0; 8 << 20]);
    assert!(data.len() < 10_000);
    let bytes = frame(FIN | RSV1 | 2, &data);
    let mut reader = InflatingReader::new(&negotiated(0), Role::Server);
    let (mut rest, mut output) = (&bytes[..], [0; 4096]);
    let written = reader.read(&mut rest, &mut output).expect("data");
    assert!(
        written <= 4096 && rest.len() > bytes.len() - 2048,
        "{written}"
    );
}

#[test]
fn padding_is_bounded() {
    let empty_blocks = [0, 0, 0, 0xff, 0xff].repeat(30_000);
    let frame = frame(RSV1 | TEXT, &empty_blocks);
    assert_eq!(
        read(
            &mut InflatingReader::new(&negotiated(0), Role::Server),
            &[&frame],
            4096
        ),
        Err((ProtocolViolation::Padding, vec![]))
    );
}

#[test]
fn flush_behind_each_byte_is_no_padding() {
    let mut zlib = zlib(15);
    let mut bytes = Vec::new();
    for _ in 0..50_000 {
        let flushed = [&deflated(&mut zlib, b"x")[..], &TAIL].concat();
        bytes.extend(frame(if bytes.is_empty() { RSV1 | 2 } else { 0 }, &flushed));
    }
    bytes.extend(frame(FIN, &[0]));
    let seen = read(
        &mut InflatingReader::new(&negotiated(0), Role::Server),
        &[&bytes],
        4096,
    )
    .expect("fine");
    assert_eq!(messages(&seen), [(2, vec![b'x'; 50_000])]);
}

#[test]
fn only_messages_worth_it_are_compressed() {
    let mut writer = DeflatingWriter::new(&negotiated(32), Role::Server);
    let sent = [
        plain(FIN | TEXT, &[b'x'; 31]),
        plain(FIN | TEXT, &[b'x'; 32]),
        plain(FIN | TEXT, b""),
        plain(FIN | PING, &[b'x'; 100]),
        plain(TEXT, &[b'x'; 100]),
        plain(FIN, &[b'x'; 100]),
        plain(FIN | CLOSE, &[3, 232]),
    ]
    .concat();
    let written = frames(&write(&mut writer, &[&sent]).expect("written"));
    let firsts: Vec<u8> = written.iter().map(|(first, _)| *first).collect();
    assert_eq!(
        firsts,
        [
            FIN | TEXT,
            FIN | RSV1 | TEXT,
            FIN | TEXT,
            FIN | PING,
            TEXT,
            FIN,
            FIN | CLOSE
        ]
    );
    assert!(written[1].1.len() < 32);
}

#[test]
fn empty_message_is_plain_whatever_the_threshold() {
    let sent = plain(FIN | TEXT, b"");
    let written = write(
        &mut DeflatingWriter::new(&negotiated(0), Role::Server),
        &[&sent],
    )
    .expect("written");
    assert_eq!(written, sent);
}

#[test]
fn context_freed_between_messages_hurts_nobody() {
    let mut writer = DeflatingWriter::new(&negotiated(0), Role::Server);
    let sent = plain(FIN | TEXT, b"Hello, Hello, Hello");
    let mut written = write(&mut writer, &[&sent]).expect("written");
    writer.free();
    written.extend(write(&mut writer, &[&sent]).expect("written"));
    assert_eq!(
        inflated(&written, 15, true),
        vec![(FIN | TEXT, b"Hello, Hello, Hello".to_vec()); 2]
    );
}

/// Messages with and without repetition, of sizes on all sides of the borders.
fn any_messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    let repetitive = (any::<[u8; 5]>(), 0..20_000_usize)
        .prop_map(|(pattern, length)| pattern.iter().copied().cycle().take(length).collect());
    let words = proptest::collection::vec(prop_oneof!["[a-z]{3}", "hello", "\\{\"id\":"], 0..400)
        .prop_map(|words| words.concat().into_bytes());
    proptest::collection::vec(prop_oneof![noise, repetitive, words], 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn messages_are_the_same_however_they_come(
        sent in any_messages(),
        bits in 9..=15_u8,
        keeps_context: bool,
    ) {
        let agreed = Negotiated {
            client_no_context_takeover: !keeps_context,
            client_max_window_bits: Some(bits),
            ..negotiated(0)
        };
        properties::messages_of_zlib_are_read(&agreed, &sent);
    }

    #[test]
    fn messages_are_the_same_however_they_are_written(
        sent in any_messages(),
        bits in 9..=15_u8,
        level in 1..=9_u8,
        keeps_context: bool,
        threshold in prop_oneof![Just(0), 0..400_usize],
    ) {
        let agreed = Negotiated {
            server_no_context_takeover: !keeps_context,
            server_max_window_bits: Some(bits),
            ..Negotiated::new(DeflateParams { level, threshold, keeps_context: true })
        };
        properties::messages_that_are_written_come_back(&agreed, &sent);
    }

    #[test]
    fn messages_of_a_client_are_the_same_at_the_server(
        sent in any_messages(),
        bits in 9..=15_u8,
        keeps_context: bool,
        threshold in prop_oneof![Just(0), 0..400_usize],
    ) {
        let agreed = Negotiated {
            client_no_context_takeover: !keeps_context,
            client_max_window_bits: Some(bits),
            ..negotiated(threshold)
        };
        let bytes: Vec<u8> = sent.iter().flat_map(|message| frame(FIN | 2, message)).collect();
        for pieces in pieces::ways(&bytes) {
            let written = write(&mut DeflatingWriter::new(&agreed, Role::Client), &pieces).expect("written");
            let seen = read(&mut InflatingReader::new(&agreed, Role::Server), &[&written], 4096)
                .map_err(|(bad, _)| TestCaseError::fail(bad.to_string()))?;
            let got: Vec<_> = messages(&seen).into_iter().map(|message| message.1).collect();
            prop_assert_eq!(&got, &sent);
        }
    }

    #[test]
    fn bytes_are_the_same_however_they_come(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        start in prop_oneof![Just(vec![]), Just(frame(RSV1 | TEXT, &[0xf2]))],
        compressed: bool,
        keeps_context: bool,
    ) {
        let agreed = Negotiated {
            client_no_context_takeover: !keeps_context,
            ..negotiated(0)
        };
        let bytes = if compressed { frame(FIN | RSV1 | TEXT, &bytes) } else { bytes };
        properties::frames_are_read_alike(&agreed, &[start, bytes].concat());
    }
}

mod stream {
    //! The same through [`DeflateStream`], with others at both of its ends.

    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::{super::stream::DeflateStream, *};

    fn pair(buffer: usize) -> (DeflateStream<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(buffer);
        (
            DeflateStream::new(near, Bytes::new(), &negotiated(0), Role::Server),
            far,
        )
    }

    #[tokio::test]
    async fn one_byte_at_a_time_is_enough_for_anybody() {
        let (mut stream, mut client) = pair(1);
        let message = b"Hello, Hello, Hello".repeat(500);
        let sent = frame(FIN | RSV1 | 2, &deflated(&mut zlib(15), &message));
        let sending = async {
            client.write_all(&sent).await.expect("read");
            client.shutdown().await.expect("open");
        };
        let reading = async {
            let mut seen = Vec::new();
            let mut byte = [0];
            while stream.read(&mut byte).await.expect("fine") > 0 {
                seen.push(byte[0]);
            }
            seen
        };
        let ((), seen) = tokio::join!(sending, reading);
        assert_eq!(messages(&seen), [(2, message)]);
    }

    #[tokio::test]
    async fn what_was_read_ahead_comes_first() {
        let (near, mut client) = duplex(64);
        let sent = frame(FIN | RSV1 | TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0]);
        let (ahead, behind) = sent.split_at(4);
        let ahead = Bytes::copy_from_slice(ahead);
        let mut stream = DeflateStream::new(near, ahead, &negotiated(0), Role::Server);
        client.write_all(behind).await.expect("read");
        drop(client);
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.expect("fine");
        assert_eq!(messages(&seen), [text("Hello")]);
    }

    #[tokio::test]
    async fn client_that_takes_nothing_holds_up_the_writer() {
        let (mut stream, _client) = pair(16);
        let noise: Vec<u8> = (0..100_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let sent = plain(FIN | 2, &noise);
        let sending = async {
            for taken in 0.. {
                if stream.write_all(&sent).await.is_err() {
                    return taken;
                }
            }
            0
        };
        let blocked = tokio::time::timeout(Duration::from_millis(200), sending).await;
        assert!(blocked.is_err(), "it took all");
        assert!(stream.send_buffer.bytes.len() < 2 * noise.len());
    }

    #[tokio::test]
    async fn flush_brings_everything_out() {
        let (mut stream, mut client) = pair(16);
        let sent = plain(FIN | TEXT, &b"Hello".repeat(1000));
        let sending = async move {
            stream.write_all(&sent).await.expect("read");
            stream.flush().await.expect("read");
            stream.shutdown().await.expect("open");
            drop(stream);
        };
        let mut seen = Vec::new();
        let (_, read) = tokio::join!(sending, client.read_to_end(&mut seen));
        read.expect("fine");
        assert_eq!(
            inflated(&seen, 15, true),
            [(FIN | TEXT, b"Hello".repeat(1000))]
        );
    }

    #[tokio::test]
    async fn bad_data_is_an_error_that_says_so() {
        let (mut stream, mut client) = pair(64);
        let sent = frame(FIN | RSV1 | TEXT, &[0xff; 9]);
        client.write_all(&sent).await.expect("read");
        let error = stream.read_u8().await.expect_err("garbage");
        let bad = ProtocolViolation::within(&error).expect("ours");
        assert_eq!(bad.close().code, 1007);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_minute_frees_what_holds_no_context() {
        let (mut stream, mut client) = pair(1024);
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0];
        let talk = frame(FIN | RSV1 | TEXT, &hello);
        client.write_all(&talk).await.expect("read");
        stream
            .write_all(&plain(FIN | TEXT, b"Hello"))
            .await
            .expect("read");
        let mut seen = [0; 100];
        assert!(stream.read(&mut seen).await.expect("fine") > 0);
        assert!(stream.writer.deflater.holds_memory());
        let wait = stream.read(&mut seen);
        let waited = tokio::time::timeout(Duration::from_secs(59), wait).await;
        assert!(waited.is_err() && stream.writer.deflater.holds_memory());
        let wait = stream.read(&mut seen);
        let waited = tokio::time::timeout(Duration::from_secs(2), wait).await;
        assert!(waited.is_err() && !stream.writer.deflater.holds_memory());
        // What the client has sent may be referred to.
        assert!(stream.reader.inflater.holds_memory());
        let again = frame(FIN | RSV1 | TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        client.write_all(&again).await.expect("read");
        let read = stream.read(&mut seen).await.expect("fine");
        assert_eq!(messages(&seen[..read]), [text("Hello")]);
    }
}
