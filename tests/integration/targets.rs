//! Sockets in a program's place, through the real binary: what `docs/targets.md` says of a session.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddress, UnixListener},
    },
    thread,
};

use crate::support::{
    Gateway, PATIENCE, Signal, Target,
    client::{BINARY, CLOSE, frame},
    eventually, http,
    http2::Connection,
    line_client::LineClient,
    target::{echo, read_bytes, read_rest, reset},
};

/// Serves echoes on a unix socket.
fn echo_on(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            echo(stream.expect("a client"));
        }
    });
}

#[test]
fn bytes_travel_both_ways_over_every_kind_of_socket() {
    let target = Target::echo();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    echo_on(UnixListener::bind(&path).expect("a socket"));
    let name = format!("wsd-test-{}", std::process::id());
    let address = UnixAddress::from_abstract_name(&name).expect("a name");
    echo_on(UnixListener::bind_addr(&address).expect("a socket"));
    let unix = format!("--target=/unix=unix:{}", path.display());
    let mut server = Gateway::new()
        .args([
            target.flag(),
            unix,
            format!("--target=/abstract=unix:@{name}"),
        ])
        .args([format!("--target=/tcp=tcp:localhost:{}", target.port())])
        .start();
    for (path, shown) in [
        ("/", format!("target=tcp:{} ", target.address())),
        ("/tcp", format!("target=tcp:localhost:{}", target.port())),
        ("/unix/below", format!("target=unix:{}", path.display())),
        ("/abstract", format!("target=unix:@{name}")),
    ] {
        let mut client = server.connect_to(path);
        let line = server.wait_for_line("session started");
        assert!(
            format!("{line} ").contains(&shown) && !line.contains("pid="),
            "{line}"
        );
        client.send("text\n");
        assert_eq!(client.binary(), b"text\n", "{path}");
        client.send_binary(b"\0\xff");
        assert_eq!(client.binary(), b"\0\xff", "{path}");
        client.close();
        let line = server.wait_for_line("session ended");
        assert!(
            line.contains("code=1000") && line.contains("by=\"client\""),
            "{line}"
        );
    }
}

#[test]
fn every_framing_is_that_of_programs() {
    let target = Target::echo();
    for (framing, sent, received) in [
        ("lines", "one\ntwo", &["one", "two"][..]),
        ("text", "é\n", &["é\n"]),
        ("length", "a\nb", &["a\nb"]),
        ("headers", "{}", &["{}"]),
    ] {
        let server = Gateway::new()
            .args([target.flag(), format!("--framing={framing}")])
            .start();
        let mut client = server.connect();
        client.send(sent);
        for text in received {
            assert_eq!(client.text(), *text, "{framing}");
        }
        client.close();
    }
}

#[test]
fn client_of_a_target_by_control_is_told_the_code_that_this_says() {
    let target = Target::listen();
    let server = Gateway::new()
        .args([target.flag(), "--framing=control".to_owned()])
        .start();
    let mut client = server.connect();
    let mut end = target.accept();
    end.write_all(b"t\0\0\0\x02hic\0\0\0\x05\x0f\xa1bye")
        .expect("it is read");
    assert_eq!(client.text(), "hi");
    assert_eq!(client.closed(), (4001, "bye".to_owned()));
}

#[test]
fn message_of_any_length_passes_in_pieces() {
    let target = Target::echo();
    let server = Gateway::new()
        .args([target.flag(), "--maxframesize=1000".to_owned()])
        .start();
    let client = server.connect();
    let long: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let mut sender = crate::support::Client {
        stream: client.stream.try_clone().expect("a descriptor"),
        head: String::new(),
    };
    let (sent, mut receiver) = (long.clone(), client);
    let sending = thread::spawn(move || sender.send_binary(&sent));
    let mut received = Vec::new();
    while received.len() < long.len() {
        let piece = receiver.binary();
        assert!(piece.len() <= 1 << 16);
        received.extend(piece);
    }
    sending.join().expect("it was taken");
    assert!(received == long);
    receiver.send_frame(false, 1, b"\xe2");
    assert_eq!(receiver.binary(), b"\xe2");
    receiver.send_frame(true, 0, b"\x28");
    assert_eq!(receiver.closed().0, 1007);
}

#[test]
fn compressed_messages_pass_too() {
    let target = Target::echo();
    let mut server = Gateway::with("--compress --maxframesize=1000")
        .args([target.flag()])
        .start();
    let mut client = LineClient::connect(&server.url, &["--compress", "--binary"]);
    let line = server.wait_for_line("session started");
    assert!(line.contains("permessage-deflate"), "{line}");
    for line in ["hello", &"hello ".repeat(10_000), ""] {
        client.send(line);
        assert_eq!(client.line(), line);
    }
    assert_eq!(client.end().0, Some(0));
}

#[test]
fn target_that_ends_ends_its_session_once_all_is_delivered() {
    let target = Target::listen();
    let mut server = Gateway::new().args([target.flag()]).start();
    let mut client = server.connect();
    let mut end = target.accept();
    let last = vec![b'x'; 500_000];
    let sending = thread::spawn({
        let last = last.clone();
        move || {
            end.write_all(&last).expect("it is read");
            end.shutdown(Shutdown::Write).expect("it is open");
            // It reads on, and is told all the same that it is over.
            read_rest(&mut end)
        }
    });
    let mut received = Vec::new();
    while received.len() < last.len() {
        received.extend(client.binary());
    }
    assert!(received == last);
    assert_eq!(client.closed(), (1000, String::new()));
    assert_eq!(sending.join().expect("an end"), b"");
    let line = server.wait_for_line("session ended");
    assert!(line.contains("by=\"target\""), "{line}");
}

#[test]
fn connection_that_is_reset_is_1011_behind_what_was_read() {
    let target = Target::listen();
    let mut server = Gateway::with("--admin=127.0.0.1:0")
        .args([target.flag()])
        .start();
    let admin = server.wait_for_line("telling operators");
    let port = admin
        .rsplit(':')
        .next()
        .expect("a port")
        .trim_end_matches('/');
    let mut client = server.connect();
    let mut end = target.accept();
    end.write_all(b"last words").expect("it is read");
    assert_eq!(client.binary(), b"last words");
    reset(end);
    let expected = (1011, "the target reset the connection".to_owned());
    assert_eq!(client.closed(), expected);
    server.wait_for_line("session ended");
    let address = ([127, 0, 0, 1], port.parse().expect("a port")).into();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (_, _, body) = http(address, request);
    let text = String::from_utf8(body).expect("text");
    for figure in [
        "wsd_target_failures_total{reason=\"reset\"} 1",
        "wsd_target_connect_seconds_count 1",
        "wsd_spawn_seconds_count 0",
    ] {
        assert!(text.contains(figure), "{figure}\n{text}");
    }
}

#[test]
fn what_a_client_sent_before_it_closed_reaches_a_slow_target_and_then_the_end() {
    let target = Target::listen();
    let server = Gateway::new().args([target.flag()]).start();
    let mut client = server.connect();
    let mut end = target.accept();
    let long = vec![b'x'; 6_000_000];
    let closing = thread::spawn({
        let long = long.clone();
        move || {
            client.send_binary(&long);
            client.send_close(1000);
            client
        }
    });
    let first = read_bytes(&mut end, 1000);
    assert!(first == long[..1000]);
    let rest = read_rest(&mut end);
    assert_eq!(rest.len(), long.len() - 1000);
    drop(closing.join().expect("it was taken"));
}

#[test]
fn target_may_answer_behind_the_end_of_its_client() {
    let target = Target::listen();
    let server = Gateway::with("--closems=20000")
        .args([target.flag()])
        .start();
    let mut client = server.connect();
    let mut end = target.accept();
    client.send("question");
    client.close();
    assert_eq!(read_rest(&mut end), b"question");
    for _ in 0..100 {
        end.write_all(&[0; 10_000]).expect("it is thrown away");
    }
    assert_eq!(end.read(&mut [0]).expect("no reset"), 0);
}

#[test]
fn target_that_never_reads_does_not_keep_what_its_client_sent() {
    let target = Target::listen();
    let mut server = Gateway::with("--finish-timeout=0")
        .args([target.flag()])
        .start();
    let mut client = server.connect();
    let _end = target.accept();
    client.stream.set_nonblocking(true).expect("an option");
    let mut frame = frame(true, BINARY, &[0; 60_000]);
    // Until nothing is taken any more.
    let mut quiet = 0;
    while quiet < 50 {
        match client.stream.write(&frame) {
            Ok(written) => {
                frame.rotate_left(written);
                quiet = 0;
            }
            Err(_) => {
                quiet += 1;
                thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
    client.reset();
    server.wait_for_line("is not delivered");
    server.wait_for_line("session ended");
}

#[test]
fn target_that_sends_without_end_waits_for_a_client_that_does_not_read() {
    let target = Target::listen();
    let server = Gateway::new().args([target.flag()]).start();
    let mut client = server.connect();
    let end = target.accept();
    end.set_nonblocking(true).expect("an option");
    let (mut quiet, mut sent) = (0, 0);
    while quiet < 50 {
        match (&end).write(&[0; 65_536]) {
            Ok(written) => (quiet, sent) = (0, sent + written),
            Err(_) => {
                quiet += 1;
                thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
    // Another is served meanwhile.
    let mut other = server.connect();
    let mut its_end = target.accept();
    its_end.write_all(b"hello").expect("it is read");
    assert_eq!(other.binary(), b"hello");
    let mut received = 0;
    while received < sent {
        received += client.binary().len();
    }
    assert_eq!(received, sent);
}

#[test]
fn stop_of_the_server_is_the_end_of_input_and_what_is_answered_is_delivered() {
    let target = Target::listen();
    let mut server = Gateway::new().args([target.flag()]).start();
    let mut client = server.connect();
    let mut end = target.accept();
    client.send("question");
    assert_eq!(read_bytes(&mut end, 8), b"question");
    server.signal(Signal::TERM);
    assert_eq!(read_rest(&mut end), b"");
    end.write_all(b"answer").expect("it is read");
    drop(end);
    assert_eq!(client.binary(), b"answer");
    assert_eq!(client.closed().0, 1001);
    assert!(server.wait().success());
}

#[test]
fn target_is_connected_before_the_client_is_answered() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("full");
    let full =
        socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
    full.bind(&socket2::SockAddr::unix(&path).expect("a path"))
        .expect("it is free");
    full.listen(0).expect("a socket");
    let _first = std::os::unix::net::UnixStream::connect(&path).expect("room for one");
    let silent = Target::listen();
    let mut server =
        Gateway::with("--target=/refused=127.0.0.1:1 --target=/name=nothing.invalid:80")
            .args([
                "--target=/path=unix:/nonexistent/socket",
                "--target-timeout=2s",
            ])
            .args([format!("--target=/silent=tls:{}", silent.address())])
            .args([format!("--target=/full=unix:{}", path.display())])
            .start();
    for (path, status, reason) in [
        (
            "/refused",
            502,
            "target tcp:127.0.0.1:1 cannot be reached: Connection refused",
        ),
        (
            "/name",
            502,
            "target tcp:nothing.invalid:80 cannot be reached: ",
        ),
        (
            "/path",
            502,
            "target unix:/nonexistent/socket cannot be reached: No such file",
        ),
        ("/silent", 504, "there was no answer within 2 s"),
        ("/full", 503, "Resource temporarily unavailable"),
    ] {
        let mut client = server.ask(path, &[]);
        assert_eq!(client.status(), status, "{path}: {}", client.head);
        let retry = client.head.to_lowercase().contains("retry-after: ");
        assert_eq!(retry, status == 503, "{}", client.head);
        assert_eq!(client.body(), "the target cannot be reached\n");
        let line = server.wait_for_line("access: refused");
        assert!(
            line.contains(reason) && line.contains(&format!("status={status}")),
            "{line}"
        );
    }
}

#[test]
fn client_that_is_lost_ends_its_connection() {
    let target = Target::listen();
    let server = Gateway::new().args([target.flag()]).start();
    let client = server.connect();
    let mut end = target.accept();
    client.reset();
    assert_eq!(read_rest(&mut end), b"");
}

#[test]
fn message_that_is_none_for_lines_is_refused_behind_what_came_before() {
    let target = Target::listen();
    let server = Gateway::with("--framing=lines")
        .args([target.flag()])
        .start();
    let mut client = server.connect();
    let mut end = target.accept();
    client.send("line");
    client.send_binary(b"x");
    assert_eq!(client.receive().opcode, CLOSE);
    assert_eq!(read_rest(&mut end), b"line\n");
}

#[test]
fn time_limits_and_places_are_those_of_programs() {
    let target = Target::echo();
    let server = Gateway::with("--idle-timeout=200ms")
        .args([target.flag()])
        .start();
    assert_eq!(server.connect().closed().0, 1001);
    let server = Gateway::with("--maxforks=1").args([target.flag()]).start();
    let client = server.connect();
    assert_eq!(server.status("/", &[]), 503);
    client.close();
    eventually("its place is free", || server.status("/", &[]) == 101);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_of_http2_reach_sockets_too() {
    let target = Target::echo();
    let mut server = Gateway::with("--h2c").args([target.flag()]).start();
    let connection = Connection::plain(server.address).await;
    let mut streams = [
        connection.websocket("/").await,
        connection.websocket("/").await,
    ];
    let long = vec![b'x'; 100_000];
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.send(&format!("stream {number}"));
        let answer = stream.receive().await;
        assert_eq!(answer.opcode, BINARY);
        assert_eq!(answer.payload, format!("stream {number}").as_bytes());
        let sent = frame(true, BINARY, &long);
        let whole = stream.send_until_full(&sent, PATIENCE).await;
        assert_eq!(whole, sent.len());
        let mut received = 0;
        while received < long.len() {
            received += stream.receive().await.payload.len();
        }
    }
    for stream in &mut streams {
        stream.send_frame(CLOSE, &1000_u16.to_be_bytes());
        assert_eq!(stream.closed().await, 1000);
        let line = server.wait_for_line("session ended");
        assert!(line.contains("code=1000"), "{line}");
    }
}
