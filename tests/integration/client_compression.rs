//! `--connect` with `--compress`: what is offered, what is made of the answer, and what travels then.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use wsd::transport::websocket::{accept_key, frame::encode};

use crate::support::{
    self, Gateway, PATIENCE, WSD,
    client::{BINARY, CLOSE, RawFrame, TEXT},
    interpreter,
    line_client::LineClient,
};

const FINAL: u8 = 0x80;
const RSV1: u8 = 0x40;
const DEFLATE: &str = "permessage-deflate";
/// What both ends leave out behind a message (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The other end, which hides nothing.
struct Far {
    stream: TcpStream,
    /// The request.
    head: String,
}

impl Far {
    /// A client of these words, connected to a server that answers with this extension.
    fn connected(words: &[&str], extension: Option<&str>) -> (LineClient, Far) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let near = LineClient::connect(&format!("ws://{address}/"), words);
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("text");
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("sec-websocket-key")
                .then_some(value)
        });
        let accept = accept_key(key.expect("a key").as_bytes());
        let extension = extension.map_or(String::new(), |extension| {
            format!("Sec-WebSocket-Extensions: {extension}\r\n")
        });
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
        )
        .expect("it reads");
        (near, Far { stream, head })
    }

    /// The next frame: its first byte, its mask, and its payload without that.
    fn receive(&mut self) -> (u8, [u8; 4], Vec<u8>) {
        let frame = RawFrame::read(&mut self.stream).expect("a frame");
        let mask = frame.mask.expect("a client masks all its frames");
        (frame.first, mask, frame.payload)
    }

    fn send(&mut self, first: u8, payload: &[u8]) {
        let frame = encode(first, payload, None);
        self.stream.write_all(&frame).expect("it reads");
    }

    /// Expects a Close, and answers it; its code.
    fn closed(&mut self) -> u16 {
        let (first, _, payload) = self.receive();
        assert_eq!(first, FINAL | CLOSE);
        self.send(FINAL | CLOSE, &payload[..2]);
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// Inflates one message after the other.
struct Inflate(Decompress);

impl Inflate {
    fn of(bits: u8) -> Self {
        Inflate(Decompress::new_with_window_bits(false, bits))
    }

    fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(100_000);
        let data = [payload, &TAIL].concat();
        self.0
            .decompress_vec(&data, &mut message, FlushDecompress::Sync)
            .expect("compressed data");
        message
    }
}

fn deflated(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1000);
    Compress::new(Compression::new(6), false)
        .compress_vec(message, &mut bytes, FlushCompress::Sync)
        .expect("zlib compresses");
    bytes.truncate(bytes.len() - TAIL.len());
    bytes
}

#[test]
fn lines_come_back_compressed_both_ways() {
    let mut server = Gateway::with("--compress cat").start();
    let mut near = LineClient::connect(&server.url, &["--compress"]);
    for line in ["", "short", "grüße", &"again and again, ".repeat(10_000)] {
        near.send(line);
        assert_eq!(near.line(), line);
    }
    server.wait_for_line("extension=permessage-deflate");
    assert_eq!(near.end(), (Some(0), String::new()));
}

#[test]
fn bytes_of_any_kind_come_back_compressed_both_ways() {
    let server = Gateway::with("--compress --compress-level=9 --binary cat").start();
    let input: Vec<u8> = (0..2_000_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 13) as u8 & if n & 0x1_0000 == 0 { 0xff } else { 1 })
        .collect();
    let mut near = LineClient::connect(&server.url, &["--compress", "--binary"]);
    let mut output = vec![0; input.len()];
    std::thread::scope(|scope| {
        let stdin = near.stdin.as_mut().expect("open");
        scope.spawn(|| stdin.write_all(&input).expect("wsd reads"));
        near.stdout.read_exact(&mut output).expect("it comes back");
    });
    assert!(output == input);
    assert_eq!(near.end(), (Some(0), String::new()));
}

#[test]
fn nothing_is_offered_unless_asked_for() {
    let (mut near, mut far) = Far::connected(&[], None);
    assert!(
        !far.head.to_lowercase().contains("extensions"),
        "{}",
        far.head
    );
    drop(near.stdin.take());
    assert_eq!(far.closed(), 1000);
}

#[test]
fn server_that_does_not_compress_is_one_without_compression() {
    let server = Gateway::with("cat").start();
    let mut near = LineClient::connect(&server.url, &["--compress"]);
    let line = "x".repeat(1000);
    near.send(&line);
    assert_eq!(near.line(), line);
}

#[test]
fn messages_are_compressed_and_masked() {
    let (mut near, mut far) = Far::connected(&["--compress"], Some(DEFLATE));
    let offer = "permessage-deflate; client_max_window_bits\r\n";
    assert!(far.head.contains(offer), "{}", far.head);
    let line = "one and the same ".repeat(100);
    let mut inflate = Inflate::of(15);
    let mut seen = Vec::new();
    for _ in 0..3 {
        near.send(&line);
        let (first, mask, payload) = far.receive();
        assert_eq!(first, FINAL | RSV1 | TEXT);
        assert_eq!(inflate.message(&payload), line.as_bytes());
        seen.push((mask, payload.len()));
    }
    assert!(seen[1].1 < seen[0].1, "the second refers to the first");
    assert!(
        seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0,
        "each has its mask"
    );
    near.send("short");
    assert_eq!(far.receive().0, FINAL | TEXT);
    far.send(FINAL | RSV1 | TEXT, &deflated(b"Hello"));
    far.send(FINAL | TEXT, b"plain");
    far.send(RSV1 | TEXT, &deflated(b"in pieces")[..3]);
    far.send(FINAL, &deflated(b"in pieces")[3..]);
    for line in ["Hello", "plain", "in pieces"] {
        assert_eq!(near.line(), line);
    }
}

#[test]
fn server_has_the_say_about_window_and_context() {
    let answer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9";
    let (mut near, mut far) = Far::connected(&["--compress"], Some(answer));
    let noise = (0..2000_u32).map(|n| char::from(b' ' + (n * n / 7 % 90) as u8));
    let line = noise.collect::<String>().repeat(2);
    for _ in 0..2 {
        near.send(&line);
        // With a window of its own for each.
        let (first, _, payload) = far.receive();
        assert_eq!(first, FINAL | RSV1 | TEXT);
        assert_eq!(Inflate::of(9).message(&payload), line.as_bytes());
    }
}

#[test]
fn answer_that_was_not_offered_fails_the_handshake() {
    for answer in [
        "x-webkit-deflate-frame",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate;",
    ] {
        let (near, _far) = Far::connected(&["--compress"], Some(answer));
        let (status, stderr) = near.end();
        assert_eq!(status, Some(1), "{answer}");
        assert!(
            stderr.contains(": its Sec-WebSocket-Ext") || stderr.contains(": it selects "),
            "{stderr}"
        );
    }
    let (near, _far) = Far::connected(&[], Some(DEFLATE));
    let (status, stderr) = near.end();
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("which was not offered (--compress)"),
        "{stderr}"
    );
}

#[test]
fn message_that_cannot_be_inflated_or_is_too_long_is_refused() {
    let long = deflated(&[b'x'; 1001]);
    for (payload, code) in [
        (&[0xff; 9][..], 1007),
        (&long, 1009),
        (&deflated(b"\xff"), 1007),
    ] {
        let words = ["--compress", "--maxframesize=1000"];
        let (near, mut far) = Far::connected(&words, Some(DEFLATE));
        far.send(FINAL | RSV1 | TEXT, payload);
        assert_eq!(far.closed(), code);
        let (status, stderr) = near.end();
        assert_eq!(status, Some(1));
        assert!(stderr.contains(": the server sent "), "{stderr}");
    }
}

#[test]
fn frames_that_are_masked_are_refused_as_ever() {
    let (_near, mut far) = Far::connected(&["--compress", "--binary"], Some(DEFLATE));
    let masked = support::client::frame(true, RSV1 | BINARY, &deflated(b"Hello"));
    far.stream.write_all(&masked).expect("it reads");
    assert_eq!(far.closed(), 1002);
}

#[test]
fn another_server_understands_it() {
    for parameters in [
        &[][..],
        &["serverNoContextTakeover", "clientNoContextTakeover"],
        &["serverMaxWindowBits=9", "clientMaxWindowBits=9"],
    ] {
        let words = [&[WSD], parameters].concat();
        interpreter::python("serve_compressed.py", &words);
    }
}
