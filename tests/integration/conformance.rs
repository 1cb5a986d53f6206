//! RFC 6455 case by case, in raw frames, through plain TCP, a unix socket, TLS and streams of HTTP/2.

use bytes::Bytes;
use tempfile::TempDir;

/// How a Close without a code is told (§7.1.5).
const NO_CODE: u16 = 1005;
/// Longest message, in bytes.
const LIMIT: usize = 70_000;

/// What a client sends, and what comes back.
struct Case {
    name: String,
    sent: Vec<u8>,
    expected: Vec<Expected>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Frame(u8, Vec<u8>),
    /// A Close with this code, and then the end of the connection.
    Closed(u16),
}
use Expected::{Closed, Frame};

use crate::support::{
    Client, Gateway,
    certificates::Authority,
    client::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame},
    http2::{Connection, WebSocket},
    tls::{End, config, tunnel},
};

fn case(name: impl Into<String>, sent: &[&[u8]], expected: &[Expected]) -> Case {
    Case {
        name: name.into(),
        sent: sent.concat(),
        expected: expected.to_vec(),
    }
}

/// A masked frame whose first byte, and whose length as it is written, are given.
fn raw(first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | length[0]];
    bytes.extend(&length[1..]);
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn whole(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(true, opcode, payload)
}

fn part(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(false, opcode, payload)
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    whole(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

fn text(payload: &str) -> Expected {
    Frame(TEXT, payload.as_bytes().to_vec())
}

/// §5.2: the frame's head.
fn heads() -> Vec<Case> {
    let mut cases = Vec::new();
    for (bit, name) in [(0x40, "RSV1"), (0x20, "RSV2"), (0x10, "RSV3")] {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            let sent = raw(0x80 | bit | opcode, &[0], b"");
            cases.push(case(
                format!("{name} on opcode {opcode}"),
                &[&sent],
                &[Closed(1002)],
            ));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let name = format!("reserved opcode {opcode}");
        cases.push(case(name, &[&whole(opcode, b"x")], &[Closed(1002)]));
    }
    cases.push(case("no mask", &[&[0x81, 1, b'x']], &[Closed(1002)]));
    for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let payload = vec![b'*'; length];
        for opcode in [TEXT, BINARY] {
            cases.push(case(
                format!("{length} bytes of opcode {opcode}"),
                &[&whole(opcode, &payload)],
                &[Frame(opcode, payload.clone())],
            ));
        }
    }
    for length in [
        // In more bytes than it needs.
        &[126, 0, 2][..],
        &[126, 0, 125],
        &[127, 0, 0, 0, 0, 0, 0, 0, 2],
        &[127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        // With its highest bit.
        &[127, 0x80, 0, 0, 0, 0, 0, 0, 0],
    ] {
        let sent = raw(0x81, length, b"hi");
        cases.push(case(
            format!("length {length:?}"),
            &[&whole(TEXT, b"before"), &sent],
            &[text("before"), Closed(1002)],
        ));
    }
    cases.push(case(
        "a length over the limit",
        &[&raw(0x82, &[127, 0, 0, 0, 1, 0, 0, 0, 0], b"")],
        &[Closed(1009)],
    ));
    cases
}

/// §5.4: fragments.
fn fragments() -> Vec<Case> {
    let pong = |payload: &[u8]| Frame(PONG, payload.to_vec());
    vec![
        case(
            "two fragments",
            &[&part(TEXT, b"a"), &whole(CONTINUATION, b"b")],
            &[text("ab")],
        ),
        case(
            "empty fragments",
            &[
                &part(TEXT, b""),
                &part(CONTINUATION, b""),
                &whole(CONTINUATION, b""),
            ],
            &[text("")],
        ),
        case(
            "control frames between fragments",
            &[
                &part(TEXT, b"a"),
                &whole(PING, b"1"),
                &part(CONTINUATION, b"b"),
                &whole(PONG, b""),
                &whole(PING, b"2"),
                &whole(CONTINUATION, b"c"),
            ],
            &[pong(b"1"), pong(b"2"), text("abc")],
        ),
        case(
            "a continuation of nothing",
            &[&whole(CONTINUATION, b"x")],
            &[Closed(1002)],
        ),
        case(
            "an unfinished continuation of nothing",
            &[&part(CONTINUATION, b"x")],
            &[Closed(1002)],
        ),
        case(
            "a continuation after the end",
            &[
                &part(TEXT, b"a"),
                &whole(CONTINUATION, b"b"),
                &whole(CONTINUATION, b"c"),
            ],
            // What came before is still answered.
            &[text("ab"), Closed(1002)],
        ),
        case(
            "a message within a message",
            &[&part(TEXT, b"a"), &whole(TEXT, b"b")],
            &[Closed(1002)],
        ),
        case("a fragmented ping", &[&part(PING, b"a")], &[Closed(1002)]),
        case("a fragmented close", &[&part(CLOSE, b"")], &[Closed(1002)]),
        case(
            "fragments over the limit together",
            &[&part(TEXT, &[b'x'; LIMIT]), &whole(CONTINUATION, b"x")],
            &[Closed(1009)],
        ),
    ]
}

/// §5.5: control frames.
fn controls() -> Vec<Case> {
    let largest = [b'*'; 125];
    let long = raw(0x89, &[126, 0, 126], &[b'*'; 126]);
    let many: Vec<Vec<u8>> = (0..10).map(|n| whole(PING, &[n])).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let pongs: Vec<Expected> = (0..10).map(|n| Frame(PONG, vec![n])).collect();
    vec![
        case(
            "a ping",
            &[&whole(PING, b"\x00\xff\xfe")],
            &[Frame(PONG, b"\x00\xff\xfe".to_vec())],
        ),
        case(
            "the largest ping",
            &[&whole(PING, &largest)],
            &[Frame(PONG, largest.to_vec())],
        ),
        case("a ping that is too large", &[&long], &[Closed(1002)]),
        case("ten pings", &many, &pongs),
        case(
            "a pong that nobody asked for",
            &[&whole(PONG, b"x"), &whole(TEXT, b"y")],
            &[text("y")],
        ),
    ]
}

/// §5.5.1, §7.4: closes.
fn closes() -> Vec<Case> {
    let mut cases = vec![
        case(
            "a close without a code",
            &[&whole(CLOSE, b"")],
            &[Closed(NO_CODE)],
        ),
        case(
            "a close of one byte",
            &[&whole(CLOSE, b"x")],
            &[Closed(1002)],
        ),
        case(
            "the longest reason",
            &[&close(1000, &[b'x'; 123])],
            &[Closed(1000)],
        ),
        case(
            "a reason that is not UTF-8",
            &[&close(1000, b"\xff")],
            &[Closed(1007)],
        ),
        case(
            "a message after the close",
            &[&close(1000, b""), &whole(TEXT, b"x")],
            &[Closed(1000)],
        ),
        case(
            "a ping after the close",
            &[&close(1000, b""), &whole(PING, b"x")],
            &[Closed(1000)],
        ),
        case(
            "two closes",
            &[&close(1000, b""), &close(1001, b"")],
            &[Closed(1000)],
        ),
    ];
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ] {
        cases.push(case(
            format!("close {code}"),
            &[&close(code, b"why")],
            &[Closed(code)],
        ));
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        cases.push(case(
            format!("close {code}"),
            &[&close(code, b"")],
            &[Closed(1002)],
        ));
    }
    cases
}

/// §8.1: UTF-8, by the Unicode standard's table of well-formed sequences.
fn texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for valid in [
        "\u{0}",
        "\u{7f}",
        "\u{80}",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "Hello-µ@ßöäüàá-UTF-8!!",
        "κόσμε",
    ] {
        let bytes = valid.as_bytes();
        cases.push(case(
            format!("{bytes:x?}"),
            &[&whole(TEXT, bytes)],
            &[text(valid)],
        ));
        // Cut at every byte.
        let mut fragments = vec![part(TEXT, b"")];
        fragments.extend(bytes.iter().map(|byte| part(CONTINUATION, &[*byte])));
        fragments.push(whole(CONTINUATION, b""));
        let fragments: Vec<&[u8]> = fragments.iter().map(Vec::as_slice).collect();
        cases.push(case(
            format!("{bytes:x?} in pieces"),
            &fragments,
            &[text(valid)],
        ));
    }
    for invalid in [
        &b"\x80"[..],
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc2",
        b"\xc2\x41",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xe1\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xfe",
        b"\xff",
    ] {
        let name = format!("{invalid:x?}");
        cases.push(case(&name, &[&whole(TEXT, invalid)], &[Closed(1007)]));
        let middle = [b"before ", invalid, b" after"].concat();
        cases.push(case(
            format!("{name} in the middle"),
            &[&whole(TEXT, &middle)],
            &[Closed(1007)],
        ));
        let pieces = [&part(TEXT, b"before ")[..], &whole(CONTINUATION, invalid)];
        cases.push(case(
            format!("{name} in the second fragment"),
            &pieces,
            &[Closed(1007)],
        ));
        // No more of the frame comes.
        let mut cut = raw(0x81, &[126, 0, 200], b"before ");
        cut.extend(invalid);
        cut.extend(b" after");
        cases.push(case(
            format!("{name} in a frame that is not whole"),
            &[&cut],
            &[Closed(1007)],
        ));
        // Not text: anything goes.
        let binary = Frame(BINARY, invalid.to_vec());
        cases.push(case(
            format!("{name} as bytes"),
            &[&whole(BINARY, invalid)],
            &[binary],
        ));
    }
    cases
}

fn cases() -> Vec<Case> {
    [heads(), fragments(), controls(), closes(), texts()]
        .into_iter()
        .flatten()
        .collect()
}

/// Sends a case and takes what comes back; what expects no Close is closed afterwards.
fn run(mut client: Client, case: &Case) {
    // A server that has heard enough may close while we still send.
    let _ = std::io::Write::write_all(&mut client.stream, &case.sent);
    for expected in &case.expected {
        match expected {
            Frame(opcode, payload) => {
                let frame = client.receive();
                assert_eq!(
                    (frame.opcode, &frame.payload),
                    (*opcode, payload),
                    "{}",
                    case.name
                );
            }
            Closed(NO_CODE) => {
                let frame = client.receive();
                let empty = (CLOSE, Vec::new());
                assert_eq!((frame.opcode, frame.payload), empty, "{}", case.name);
                client.ended();
                return;
            }
            Closed(code) => {
                // Many cases have sent their Close already, and nobody sends a second one (§5.5.1).
                let frame = client.receive();
                let begin = (frame.opcode, frame.payload.get(..2));
                let wanted = code.to_be_bytes();
                assert_eq!(begin, (CLOSE, Some(&wanted[..])), "{}", case.name);
                client.ended();
                return;
            }
        }
    }
    client.close();
}

/// The same on a stream.
async fn run_on_a_stream(mut socket: WebSocket, case: &Case) {
    let sent = Bytes::copy_from_slice(&case.sent);
    socket.send.send_data(sent, false).expect("an open stream");
    for expected in &case.expected {
        let frame = socket.receive().await;
        match expected {
            Frame(opcode, payload) => {
                assert_eq!(
                    (frame.opcode, &frame.payload),
                    (*opcode, payload),
                    "{}",
                    case.name
                );
            }
            Closed(code) => {
                let code = match code {
                    &NO_CODE => Vec::new(),
                    code => code.to_be_bytes().to_vec(),
                };
                assert_eq!(frame.opcode, CLOSE, "{}", case.name);
                assert_eq!(frame.payload[..code.len()], code, "{}", case.name);
                socket.answer_close(&frame).await;
                return;
            }
        }
    }
    socket.send_frame(CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(socket.closed().await, 1000, "{}", case.name);
}

const WORDS: [&str; 3] = ["--framing=length", "--maxframesize=70000", "cat"];

#[test]
fn every_case_over_tcp() {
    let server = Gateway::new().args(WORDS).start();
    for case in cases() {
        run(server.connect(), &case);
    }
}

#[test]
fn every_case_over_a_unix_socket() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let flag = format!("--unixsocket={}", path.display());
    let _server = Gateway::without_port().args([&flag]).args(WORDS).start();
    for case in cases() {
        run(Client::connect_unix(&path, "/", &[]), &case);
    }
}

#[test]
fn every_case_over_tls() {
    let directory = TempDir::new().expect("a directory");
    let authority = Authority::new("authority");
    let flags = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    let mut words = vec!["--ssl"];
    words.extend(flags.iter().map(String::as_str));
    words.extend(WORDS);
    let server = Gateway::new().args(&words).start();
    let config = config(authority.roots(), None);
    for case in cases() {
        let address = tunnel(server.address, &config, End::Said);
        run(Client::connect(address, "/", &[]), &case);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_case_on_a_stream() {
    let server = Gateway::new()
        .args([&["--h2c"][..], &WORDS].concat())
        .start();
    let connection = Connection::plain(server.address).await;
    for case in cases() {
        run_on_a_stream(connection.websocket("/").await, &case).await;
    }
}
