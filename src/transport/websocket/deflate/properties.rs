//! What holds for both directions, whatever a client sends and whatever it is sent.
//!
//! The client here is made of the frames that it writes down and of zlib.

use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use hyper_tungstenite::tungstenite::protocol::Role;

use super::{
    deflating_writer::DeflatingWriter,
    inflating_reader::{InflatingReader, LEAST_ROOM},
    params::{DeflateParams, Negotiated},
    send_buffer::SendBuffer,
};
use crate::{
    pieces,
    transport::websocket::{
        frame::{self, Header},
        protocol_violation::ProtocolViolation,
    },
};

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const PING: u8 = 9;
/// What ends a flush, and is not sent (RFC 7692 §7.2.1).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Room that the library may have for what it reads.
const ROOMS: [usize; 4] = [LEAST_ROOM, 100, 4096, 100_000];
/// Bytes that may come for nothing (see `reader`): with fewer, where they are counted does not matter.
const LONGEST: usize = 0xffff;
/// No code of DEFLATE is longer than a bit for 129 bytes (RFC 1951: 258 bytes by two codes of a bit each).
const LARGEST_RATIO: usize = 8 * 129;

/// What a client sends. The first byte says how: its upper two bits whether the rest is frames (0, 1), the
/// data of a compressed message (2), or messages for zlib to compress (3, see [`messages_of`]); its lower
/// bits what was negotiated.
pub(crate) fn inflate(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else {
        return;
    };
    let agreed = Negotiated {
        client_no_context_takeover: how & 8 != 0,
        client_max_window_bits: Some(window_bits(*how)),
        ..negotiated(0)
    };
    match how >> 6 {
        0 | 1 => frames_are_read_alike(&agreed, rest),
        2 => frames_are_read_alike(&agreed, &twice(rest)),
        _ => messages_of_zlib_are_read(&agreed, &messages_of(rest)),
    }
}

/// What a client is sent: what was negotiated, the level, the threshold, then messages.
pub(crate) fn deflate(input: &[u8]) {
    let Some((&[how, level, threshold], rest)) = input.split_first_chunk() else {
        return;
    };
    let agreed = Negotiated {
        server_no_context_takeover: how & 8 != 0,
        server_max_window_bits: Some(window_bits(how)),
        ..Negotiated::new(DeflateParams {
            level: 1 + level % 9,
            threshold: threshold.into(),
            keeps_context: true,
        })
    };
    messages_that_are_written_come_back(&agreed, &messages_of(rest));
}

fn window_bits(how: u8) -> u8 {
    9 + (how & 7).min(6)
}

pub(super) fn negotiated(threshold: usize) -> Negotiated {
    Negotiated::new(DeflateParams {
        level: 4,
        threshold,
        keeps_context: true,
    })
}

/// A message that is said again, in fragments and with a ping in between.
fn twice(data: &[u8]) -> Vec<u8> {
    let (now, later) = data.split_at(data.len() / 2);
    [
        frame(FIN | RSV1 | TEXT, data),
        frame(RSV1 | TEXT, now),
        frame(FIN | PING, b"ping"),
        frame(FIN, later),
    ]
    .concat()
}

/// Messages from bytes: how often something is repeated, its length, and itself.
fn messages_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let [times, length, rest @ ..] = bytes {
        let (pattern, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        messages.push(pattern.repeat(1 + usize::from(times & 0x3f)));
        bytes = rest;
    }
    messages
}

/// Any bytes from a client are the same to the library in any pieces and for any room, or refused for the
/// same reason; and no more is made of them than DEFLATE can.
pub(super) fn frames_are_read_alike(agreed: &Negotiated, bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let told = |pieces: &[&[u8]], room| {
        let (seen, end) = read(
            &mut InflatingReader::new(agreed, Role::Server),
            pieces,
            room,
        );
        let most = LARGEST_RATIO * bytes.len() + seen.len() / 8;
        assert!(seen.len() <= most, "{} of {}", seen.len(), bytes.len());
        let mut messages = parsed(&seen);
        if end.is_err() {
            // How much there is of the message that is refused is nothing that anybody relies on.
            messages.retain(|message| message.is_whole);
        }
        (messages, end)
    };
    let whole = told(&[bytes], ROOMS[2]);
    for (pieces, room) in pieces::ways(bytes).iter().zip(ROOMS.iter().cycle()) {
        assert_eq!(told(pieces, *room), whole, "{pieces:?} {room}");
    }
}

/// What zlib compresses is read, in any fragments, with pings in between.
pub(super) fn messages_of_zlib_are_read(agreed: &Negotiated, messages: &[Vec<u8>]) {
    let mut compressor = zlib(agreed.incoming(Role::Server).bits);
    let mut bytes = Vec::new();
    for message in messages {
        let data = deflated(&mut compressor, message);
        let parts = pieces::of_sizes(&data, pieces::drawn(message, 64).take(20));
        for (index, part) in parts.iter().enumerate() {
            let first = if index == 0 { RSV1 | BINARY } else { 0 };
            let last = if index + 1 == parts.len() { FIN } else { 0 };
            bytes.extend(frame(first | last, part));
            bytes.extend(frame(FIN | PING, b""));
        }
        if agreed.client_no_context_takeover {
            compressor.reset();
        }
    }
    for (pieces, room) in pieces::ways(&bytes).iter().zip(ROOMS.iter().cycle()) {
        let (seen, end) = read(
            &mut InflatingReader::new(agreed, Role::Server),
            pieces,
            *room,
        );
        assert_eq!(end, Ok(()));
        let read = parsed(&seen).into_iter();
        let read: Vec<_> = read.filter(|message| !message.is_control()).collect();
        assert!(read.iter().all(|message| message.is_whole));
        let read: Vec<_> = read.into_iter().map(|message| message.payload).collect();
        assert_eq!(read, messages, "{pieces:?}");
    }
}

/// What the library writes is what zlib reads at the other end, and what our own reader would, in
/// whatever pieces it is written; only whole messages of the threshold at least are compressed.
pub(super) fn messages_that_are_written_come_back(agreed: &Negotiated, messages: &[Vec<u8>]) {
    let sent: Vec<(u8, Vec<u8>)> = messages.iter().enumerate().flat_map(in_frames).collect();
    let bytes: Vec<u8> = sent
        .iter()
        .flat_map(|(first, payload)| plain(*first, payload))
        .collect();
    for pieces in pieces::ways(&bytes) {
        let written = write(&mut DeflatingWriter::new(agreed, Role::Server), &pieces)
            .expect("no data is wrong");
        let keeps_context = !agreed.server_no_context_takeover;
        assert_eq!(
            inflated(&written, agreed.outgoing(Role::Server).bits, keeps_context),
            sent,
            "{pieces:?}"
        );
        for ((first, _), (_, payload)) in frames(&written).iter().zip(&sent) {
            let is_worth_it = payload.len() >= agreed.params.threshold.max(1);
            let is_whole = matches!(first & !RSV1, 0x81 | 0x82);
            assert_eq!(first & RSV1 != 0, is_whole && is_worth_it);
        }
        let (seen, end) = read(
            &mut InflatingReader::new(agreed, Role::Client),
            &[&written],
            ROOMS[3],
        );
        assert_eq!((end, parsed(&seen)), (Ok(()), parsed(&bytes)));
    }
}

/// The frames of a message: one, or every third time two with a ping in between.
fn in_frames((index, message): (usize, &Vec<u8>)) -> Vec<(u8, Vec<u8>)> {
    // What the library sends as text is text.
    let opcode = match std::str::from_utf8(message) {
        Ok(_) => TEXT,
        Err(_) => BINARY,
    };
    match index % 3 {
        2 => {
            let (now, later) = message.split_at(message.len() / 2);
            let ping = (FIN | PING, b"ping".to_vec());
            vec![(opcode, now.to_vec()), ping, (FIN, later.to_vec())]
        }
        0 => vec![(FIN | opcode, message.clone())],
        _ => vec![(FIN | BINARY, message.clone())],
    }
}

/// A masked frame, as clients send them.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame::encode(first, payload, Some([0x11, 0x22, 0x33, 0x44]))
}

/// An unmasked frame, as the library writes them.
pub(super) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    frame::encode(first, payload, None)
}

/// Frames taken apart: first byte and payload.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (first, payload, is_whole) = next_frame(&mut bytes);
        assert!(is_whole, "half a frame");
        frames.push((first, payload));
    }
    frames
}

/// The frame at the front, or as much of it as there is.
fn next_frame(bytes: &mut &[u8]) -> (u8, Vec<u8>, bool) {
    let mut header = Header::default();
    let start = *bytes;
    if !header.take(bytes) {
        return (0, start.to_vec(), false);
    }
    let length = usize::try_from(header.payload()).unwrap_or(usize::MAX);
    let (payload, rest) = bytes.split_at(length.min(bytes.len()));
    *bytes = rest;
    let mask = header.mask();
    let clear = payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b);
    (header.bytes()[0], clear.collect(), payload.len() == length)
}

/// What the library makes of frames: a message, or a control frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Of its first frame, without the bit that says that it is the last.
    pub(super) first: u8,
    pub(super) payload: Vec<u8>,
    pub(super) is_whole: bool,
}

impl Parsed {
    pub(super) fn is_control(&self) -> bool {
        self.first & 8 != 0
    }
}

/// Messages in the order of their first frames, fragments together; what is no frame, and what belongs to
/// no message, stands for itself.
pub(super) fn parsed(mut bytes: &[u8]) -> Vec<Parsed> {
    let mut messages: Vec<Parsed> = Vec::new();
    while !bytes.is_empty() {
        let (first, payload, is_complete) = next_frame(&mut bytes);
        let is_whole = is_complete && first & FIN != 0;
        let opened = |message: &&mut Parsed| !message.is_whole && !message.is_control();
        match messages.iter_mut().rfind(opened) {
            Some(open) if first & 0xf == 0 => {
                open.payload.extend(payload);
                open.is_whole = is_whole;
            }
            _ => messages.push(Parsed {
                first: first & !FIN,
                payload,
                is_whole,
            }),
        }
    }
    messages
}

/// What the library sees of these pieces, with outputs of a size, and how it ends.
pub(super) fn read(
    reader: &mut InflatingReader,
    pieces: &[&[u8]],
    room: usize,
) -> (Vec<u8>, Result<(), ProtocolViolation>) {
    let mut seen = Vec::new();
    let mut output = vec![0; room];
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match reader.read(&mut rest, &mut output) {
                Ok(0) => break,
                Ok(written) => seen.extend(&output[..written]),
                Err(bad) => return (seen, Err(bad)),
            }
        }
        assert!(
            rest.is_empty(),
            "input that is neither taken nor waited for"
        );
    }
    (seen, Ok(()))
}

/// What the client sees of what the library writes in pieces.
pub(super) fn write(writer: &mut DeflatingWriter, pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut send_buffer = SendBuffer::default();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            rest = &rest[writer.write(rest, &mut send_buffer)?..];
        }
    }
    Ok(send_buffer.bytes)
}

pub(super) fn zlib(bits: u8) -> Compress {
    Compress::new_with_window_bits(Compression::new(6), false, bits)
}

/// A message as zlib's users make it.
pub(super) fn deflated(zlib: &mut Compress, message: &[u8]) -> Vec<u8> {
    if message.is_empty() {
        // zlib does not flush twice in a row.
        return vec![0];
    }
    let mut bytes = Vec::with_capacity(message.len() * 2 + 1024);
    zlib.compress_vec(message, &mut bytes, FlushCompress::Sync)
        .expect("zlib compresses");
    match bytes.strip_suffix(&TAIL) {
        Some(bytes) => bytes.to_vec(),
        None => panic!("no tail"),
    }
}

/// What zlib makes of the compressed messages among these; others are as they are.
pub(super) fn inflated(bytes: &[u8], bits: u8, keeps_context: bool) -> Vec<(u8, Vec<u8>)> {
    let mut zlib = Decompress::new_with_window_bits(false, bits);
    let inflate = |(first, payload): (u8, Vec<u8>)| {
        if first & RSV1 == 0 {
            return (first, payload);
        }
        assert!(!payload.ends_with(&TAIL), "the tail has not been stripped");
        let input = [&payload[..], &TAIL].concat();
        let mut message = Vec::with_capacity(1 << 20);
        zlib.decompress_vec(&input, &mut message, FlushDecompress::Sync)
            .expect("data");
        if !keeps_context {
            zlib = Decompress::new_with_window_bits(false, bits);
        }
        (first & !RSV1, message)
    };
    frames(bytes).into_iter().map(inflate).collect()
}
