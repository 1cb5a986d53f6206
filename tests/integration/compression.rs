//! permessage-deflate as a client finds it that goes to the limits, and beyond.

use std::fs;

use flate2::{Compress, Compression, FlushCompress};

use crate::support::{
    Client, Gateway, Server,
    client::{BINARY, CLOSE, CONTINUATION, PING, PONG, RawFrame, TEXT},
    process::cpu_ticks,
    script,
};

const RSV1: u8 = 0x40;
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const EXTENSION: &str = "Sec-Websocket-Extensions: permessage-deflate\r\n";

/// An echo that inflates, and sends nothing compressed.
fn echo(options: &str) -> Server {
    Gateway::with(&format!(
        "--framing=length --compress --compress-threshold=100000000 {options} cat"
    ))
    .start()
}

fn offer(server: &Server, extensions: &str) -> Client {
    let header = format!("Sec-WebSocket-Extensions: {extensions}");
    server.ask("/", &[&header])
}

fn connect(server: &Server) -> Client {
    let client = offer(server, "permessage-deflate");
    assert!(client.head.contains(EXTENSION), "{}", client.head);
    client
}

/// As zlib flushes it, with the tail.
fn flushed(message: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 1024);
    Compress::new(Compression::new(6), false)
        .compress_vec(message, &mut bytes, flush)
        .expect("zlib compresses");
    bytes
}

fn deflated(message: &[u8]) -> Vec<u8> {
    let mut bytes = flushed(message, FlushCompress::Sync);
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// The code that a first message is answered with.
fn refusal(options: &str, send: impl FnOnce(&mut Client)) -> (u16, String) {
    let server = echo(options);
    let mut client = connect(&server);
    send(&mut client);
    client.closed()
}

#[test]
fn nothing_is_compressed_unless_asked_for() {
    let server = Gateway::with("cat").start();
    for extensions in ["permessage-deflate", "permessage-deflate; =,"] {
        let client = offer(&server, extensions);
        assert_eq!(client.status(), 101);
        assert!(!client.head.contains("Extensions"), "{}", client.head);
    }
    let mut client = offer(&server, "permessage-deflate");
    client.send_frame(true, RSV1 | TEXT, &HELLO);
    assert_eq!(client.closed().0, 1002);
}

#[test]
fn client_that_offers_nothing_gets_nothing() {
    let server = Gateway::with("--compress cat").start();
    let mut client = server.connect();
    assert!(!client.head.contains("Extensions"), "{}", client.head);
    let text = "Hello, ".repeat(100);
    client.send(&text);
    assert_eq!(client.text(), text);
}

#[test]
fn offers_in_several_headers_are_one_list() {
    let server = echo("");
    let client = server.ask("/", &[
            "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; mux",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\"; client_max_window_bits",
        ]);
    assert!(
        client.head.contains(
            "Sec-Websocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n"
        ),
        "{}",
        client.head
    );
}

#[test]
fn malformed_offer_is_400() {
    assert_eq!(offer(&echo(""), "permessage-deflate; =1").status(), 400);
}

#[test]
fn log_names_the_extension() {
    let mut server = echo("");
    let _client = connect(&server);
    let line = server.wait_for_line("session started");
    assert!(line.contains("extension=permessage-deflate"), "{line}");
}

#[test]
fn routes_have_terms_of_their_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "command = 'cat'\n\
        [[route]]\npath = '/small'\ncommand = 'cat'\n\
        compress = true\ncompress-level = 9\ncompress-threshold = 5\n";
    let file = script(directory.path(), "wsd.toml", text);
    let server = Gateway::new()
        .args([&format!("--config={}", file.display())])
        .start();
    assert!(
        !offer(&server, "permessage-deflate")
            .head
            .contains(EXTENSION)
    );
    let header = "Sec-WebSocket-Extensions: permessage-deflate";
    let mut client = Client::connect(server.address, "/small", &[header]);
    assert!(client.head.contains(EXTENSION), "{}", client.head);
    client.send("four");
    assert_eq!(client.text(), "four");
    client.send("Hello");
    let mut frame = [0; 9];
    std::io::Read::read_exact(&mut client.stream, &mut frame).expect("a frame");
    assert_eq!(frame[..2], [0x80 | RSV1 | TEXT, 7]);
    assert_eq!(frame[2..], HELLO);
}

#[test]
fn examples_of_the_rfc_are_heard() {
    let server = echo("");
    let mut client = connect(&server);
    client.send_frame(true, RSV1 | TEXT, &HELLO);
    client.send_frame(true, RSV1 | TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    client.send_frame(false, RSV1 | BINARY, &HELLO[..3]);
    client.send_frame(true, CONTINUATION, &HELLO[3..]);
    client.send("plain");
    assert_eq!([client.text(), client.text()], ["Hello", "Hello"]);
    assert_eq!(client.binary(), b"Hello");
    assert_eq!(client.text(), "plain");
    client.close();
}

#[test]
fn ping_within_a_compressed_message_is_answered_at_once() {
    let server = echo("");
    let mut client = connect(&server);
    client.send_frame(false, RSV1 | TEXT, &HELLO[..3]);
    client.send_frame(true, PING, b"now");
    let pong = client.receive();
    assert_eq!((pong.opcode, &pong.payload[..]), (PONG, &b"now"[..]));
    client.send_frame(true, CONTINUATION, &HELLO[3..]);
    assert_eq!(client.text(), "Hello");
}

#[test]
fn limit_counts_inflated_bytes() {
    let server = echo("--maxframesize=10000");
    let mut client = connect(&server);
    client.send_frame(true, RSV1 | TEXT, &deflated(&[b'x'; 10_000]));
    assert_eq!(client.text().len(), 10_000);
    client.send_frame(true, RSV1 | TEXT, &deflated(&[b'x'; 10_001]));
    let (code, reason) = client.closed();
    assert_eq!(
        (code, &*reason),
        (1009, "a message over 10000 bytes (maxframesize)")
    );
}

#[test]
fn bomb_of_two_gigabytes_costs_no_more_than_a_message_of_the_limit() {
    const LIMIT: usize = 8 << 20;
    let server = echo(&format!("--maxframesize={LIMIT}"));
    let mut client = connect(&server);
    // A message that is just within the limit says what inflating takes, on this machine and by this build.
    let within = {
        let server = echo(&format!("--maxframesize={LIMIT}"));
        let mut client = connect(&server);
        client.send_frame(true, RSV1 | BINARY, &deflated(&vec![0; LIMIT]));
        assert_eq!(client.binary().len(), LIMIT);
        cpu_ticks(server.pid())
    };
    let before = peak(&server);
    // Blocks that refer to none before them, so that two thousand copies are as good as one.
    let bomb = flushed(&vec![0; 1 << 20], FlushCompress::Full).repeat(2048);
    assert!(bomb.len() < 3 << 20, "{}", bomb.len());
    let begun = cpu_ticks(server.pid());
    // The rest is thrown away, unread perhaps.
    let _ = client.try_send(true, RSV1 | BINARY, &bomb);
    let frame = client.receive();
    let beyond = cpu_ticks(server.pid()) - begun;
    assert_eq!((frame.opcode, &frame.payload[..2]), (CLOSE, &[3, 241][..]));
    // All of it would be 256 times as much.
    assert!(beyond <= 10 * (within + 1), "{beyond} ticks after {within}");
    let grown = peak(&server) - before;
    assert!(grown < 2 * LIMIT + (1 << 20), "{grown} bytes");
    let mut client = connect(&server);
    client.send("still there");
    assert_eq!(client.text(), "still there");
}

/// The most memory that the server ever had, in bytes.
fn peak(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    1024 * number.unwrap_or(0_usize)
}

#[test]
fn padding_without_end_closes_1009() {
    let (code, reason) = refusal("--maxframesize=0", |client| {
        let blocks = [0, 0, 0, 0xff, 0xff].repeat(1000);
        client.send_frame(false, RSV1 | TEXT, &blocks);
        for _ in 0..20 {
            let _ = client.try_send(false, CONTINUATION, &blocks);
        }
    });
    assert_eq!(code, 1009, "{reason}");
}

#[test]
fn garbage_closes_1007() {
    let (code, reason) = refusal("", |client| {
        client.send_frame(true, RSV1 | TEXT, &[0xff; 9])
    });
    assert_eq!(
        (code, &*reason),
        (1007, "compressed data that cannot be inflated")
    );
}

#[test]
fn data_cut_short_closes_1007() {
    let whole = deflated(b"Hello, this is a message of some length");
    let cut = &whole[..whole.len() - 8];
    let (code, _) = refusal("", |client| client.send_frame(true, RSV1 | TEXT, cut));
    assert_eq!(code, 1007);
}

#[test]
fn compressed_text_that_is_not_utf8_closes_1007() {
    let data = deflated(b"Hello \xff");
    let (code, _) = refusal("", |client| client.send_frame(true, RSV1 | TEXT, &data));
    assert_eq!(code, 1007);
}

#[test]
fn rsv1_where_it_does_not_belong_closes_1002() {
    for frames in [
        &[(true, RSV1 | PING)][..],
        &[(true, RSV1 | CLOSE)],
        &[(true, RSV1)],
        &[(false, TEXT), (true, RSV1)],
        &[(false, RSV1 | TEXT), (true, RSV1)],
        &[(false, RSV1 | TEXT), (true, TEXT)],
        &[(false, RSV1 | TEXT), (true, RSV1 | TEXT)],
        &[(true, 0x20 | TEXT)],
        &[(true, 0x10 | RSV1 | TEXT)],
    ] {
        let (code, _) = refusal("", |client| {
            for (fin, opcode) in frames {
                client.send_frame(*fin, *opcode, b"");
            }
        });
        assert_eq!(code, 1002, "{frames:?}");
    }
}

/// Inflates a whole message with a window of its own.
fn inflated(mut message: Vec<u8>, bits: u8) -> String {
    message.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let mut bytes = Vec::with_capacity(1 << 20);
    let mut inflater = flate2::Decompress::new_with_window_bits(false, bits);
    let flush = flate2::FlushDecompress::Sync;
    inflater
        .decompress_vec(&message, &mut bytes, flush)
        .expect("zlib inflates");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn message_to_many_is_compressed_for_each_window_without_what_came_before() {
    let server = Gateway::with("--share --compress cat").start();
    let offers = [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=9; server_no_context_takeover",
    ];
    let mut clients = offers.map(|extensions| offer(&server, extensions));
    for client in &clients {
        let head = &client.head;
        assert!(head.contains("; server_no_context_takeover"), "{head}");
    }
    let mut plain = server.connect();
    let texts = [
        "Hello, ".repeat(1000),
        "again ".repeat(20_000),
        "short".to_owned(),
    ];
    for text in &texts {
        plain.send(text);
        // It is heard by all before the next is said.
        assert_eq!(plain.text(), *text);
    }
    for (client, bits) in clients.iter_mut().zip([15, 9, 9]) {
        for text in &texts {
            let frame = RawFrame::read(&mut client.stream).expect("a frame");
            match text.len() < 32 {
                true => assert_eq!((frame.first, &frame.payload[..]), (0x81, text.as_bytes())),
                false => {
                    assert!(frame.first == 0xc1 && frame.payload.len() < text.len() / 10);
                    assert_eq!(inflated(frame.payload, bits), *text);
                }
            }
        }
    }
}
