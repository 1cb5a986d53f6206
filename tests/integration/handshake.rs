//! The opening handshake: who may connect, what is answered.

use crate::support::{self, Client, Gateway, http};

#[test]
fn one_answer_is_given_and_frames_follow_it() {
    let server = Gateway::with("echo first").start();
    let mut client = server.connect();
    assert!(
        client
            .head
            .contains("Sec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{}",
        client.head
    );
    assert_eq!(client.text(), "first");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn frames_that_come_with_the_request_are_not_lost() {
    let server = Gateway::with("cat").start();
    let port = server.port();
    let mut request = format!(
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes();
    request.extend(support::client::frame(true, 1, b"early"));
    request.extend(support::client::frame(true, 8, &1000_u16.to_be_bytes()));
    let mut stream = std::net::TcpStream::connect(server.address).expect("the server listens");
    std::io::Write::write_all(&mut stream, &request).expect("the server reads");
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).expect("the server closes");
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head")
        + 4;
    assert!(
        answer[end..].ends_with(b"\x88\x02\x03\xe8"),
        "{:?}",
        &answer[end..]
    );
}

#[test]
fn subprotocol_offered_first_is_selected_by_default() {
    let server = Gateway::new().program("echo $WS_PROTOCOL").start();
    let mut client = Client::connect(server.address, "/", &["Sec-WebSocket-Protocol: ex1, ex2"]);
    assert!(
        client.head.contains("Sec-Websocket-Protocol: ex1\r\n"),
        "{}",
        client.head
    );
    assert_eq!(client.text(), "ex1");
    assert!(
        !server
            .connect()
            .head
            .to_lowercase()
            .contains("sec-websocket-protocol")
    );
}

#[test]
fn subprotocols_can_be_listed_or_off() {
    let server = Gateway::with("--subprotocol=a,b cat").start();
    let offer = |offer: &str| Client::connect(server.address, "/", &[offer]).head;
    assert!(offer("Sec-WebSocket-Protocol: x, b, a").contains("Sec-Websocket-Protocol: b\r\n"));
    assert!(!offer("Sec-WebSocket-Protocol: x").contains("Protocol:"));
    let server = Gateway::with("--subprotocol=none cat").start();
    assert!(
        !Client::connect(server.address, "/", &["Sec-WebSocket-Protocol: a"])
            .head
            .contains("Protocol:")
    );
}

#[test]
fn foreign_origin_is_refused_with_the_flag_that_allows_it() {
    let mut server = Gateway::with("cat").start();
    let mut client = server.ask("/", &["Origin: http://evil.example"]);
    assert_eq!(client.status(), 403);
    assert!(client.body().contains("--origin=http://evil.example"));
    assert!(
        server
            .wait_for_line("refused")
            .contains("--origin=http://evil.example")
    );
    let mut client = server.ask("/", &["Origin: null"]);
    assert_eq!(client.status(), 403);
    assert!(client.body().contains("--origin=null"));
}

#[test]
fn own_listed_and_missing_origins_pass() {
    let server = Gateway::with("--origin=null,http://good.example cat").start();
    let own = format!("Origin: http://localhost:{}", server.port());
    for headers in [
        &[&own[..]][..],
        &["Origin: null"],
        &["Origin: http://good.example"],
        &[],
    ] {
        assert_eq!(server.status("/", headers), 101, "{headers:?}");
    }
    assert_eq!(server.status("/", &["Origin: http://localhost:1"]), 403);
    assert_eq!(server.status("/", &["Origin:"]), 403);
}

#[test]
fn sameorigin_refuses_a_missing_origin_too() {
    let server = Gateway::with("--sameorigin cat").start();
    assert_eq!(server.status("/", &[]), 403);
    assert_eq!(
        server.status(
            "/",
            &[&format!("Origin: http://localhost:{}", server.port())]
        ),
        101
    );
}

#[test]
fn host_that_is_not_this_servers_is_refused_with_the_flag_that_allows_it() {
    let server = Gateway::with("--host=dev.example cat").start();
    let mut client = server.ask("/", &["Host: rebound.example"]);
    assert_eq!(client.status(), 403);
    assert!(client.body().contains("--host=rebound.example"));
    assert_eq!(server.status("/", &["Host: dev.example"]), 101);
    assert_eq!(server.status("/", &["Host: a b"]), 400);
}

#[test]
fn any_host_reaches_a_server_that_is_open_to_the_network() {
    let server = Gateway::with("--address=0.0.0.0 cat").start();
    assert_eq!(server.status("/", &["Host: any.example"]), 101);
}

#[test]
fn wrong_version_is_426_with_the_right_one() {
    let server = Gateway::with("cat").start();
    let port = server.port();
    let (status, headers, _) = http(
        server.address,
        &format!(
            "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
    );
    assert_eq!(status, 426);
    assert_eq!(headers["sec-websocket-version"], "13");
}

#[test]
fn what_is_no_handshake_is_told_so() {
    let server = Gateway::with("cat").start();
    let port = server.port();
    let upgrade =
        "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (what, line, headers, expected) in [
        ("no key", "GET / HTTP/1.1", upgrade.to_owned(), 400),
        (
            "a bad key",
            "GET / HTTP/1.1",
            format!("{upgrade}Sec-WebSocket-Key: x\r\n"),
            400,
        ),
        ("a POST", "POST / HTTP/1.1", format!("{upgrade}{key}"), 405),
        ("HTTP/1.0", "GET / HTTP/1.0", format!("{upgrade}{key}"), 400),
        (
            "a plain GET",
            "GET / HTTP/1.1",
            "Connection: close\r\n".to_owned(),
            426,
        ),
        (
            "dot segments",
            "GET /../x HTTP/1.1",
            format!("{upgrade}{key}"),
            400,
        ),
    ] {
        let (status, ..) = http(
            server.address,
            &format!("{line}\r\nHost: localhost:{port}\r\n{headers}\r\n"),
        );
        assert_eq!(status, expected, "{what}");
    }
}

#[test]
fn bytes_that_are_no_http_do_no_harm() {
    let server = Gateway::with("cat").start();
    for garbage in [
        &b"\0\xff\0\xff\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = std::net::TcpStream::connect(server.address).expect("the server listens");
        std::io::Write::write_all(&mut stream, garbage).expect("the server reads");
    }
    let mut client = server.connect();
    client.send("still here");
    assert_eq!(client.text(), "still here");
}

#[test]
fn head_that_is_too_large_is_refused() {
    let server = Gateway::with("cat").start();
    let header = format!("X-Large: {}", "x".repeat(100_000));
    assert_eq!(server.status("/", &[&header]), 431);
}

#[test]
fn limit_reached_is_503_until_a_place_is_free() {
    let mut server = Gateway::with("--maxforks=2 cat").start();
    let first = server.connect();
    let second = server.connect();
    let mut refused = server.ask("/", &[]);
    assert_eq!(refused.status(), 503);
    assert!(refused.head.contains("Retry-After: 1"), "{}", refused.head);
    assert!(refused.body().contains("--maxforks"));
    first.close();
    server.wait_for_line("session ended");
    support::eventually("the place is free", || server.status("/", &[]) == 101);
    second.close();
}

#[test]
fn no_program_is_left_when_a_client_goes_before_the_answer() {
    let mut server = Gateway::with("cat").start();
    for _ in 0..10 {
        let mut stream = std::net::TcpStream::connect(server.address).expect("the server listens");
        let request = format!(
            "GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.port()
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the server reads");
        socket2::SockRef::from(&stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("an option");
        drop(stream);
    }
    server.connect().close();
    server.wait_for_line("session ended");
    support::eventually("no program is left", || server.children().is_empty());
}

#[test]
fn line_ends_do_not_pass_into_the_environment() {
    let server = Gateway::with("env").start();
    for target in ["/a%0aEVIL=1", "/a%0d"] {
        assert_eq!(server.status(target, &[]), 400, "{target}");
    }
}

#[test]
fn a_thousand_half_open_requests_do_not_stop_a_new_client() {
    let server = Gateway::with("cat").start();
    let half_open: Vec<_> = (0..1000)
        .map(|_| {
            let mut stream =
                std::net::TcpStream::connect(server.address).expect("the server listens");
            std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: loc")
                .expect("the server reads");
            stream
        })
        .collect();
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    drop(half_open);
}
