//! What is refused of those who want to open, to feed or to resume a session that is told in events.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::{
    browser::browse,
    support::{
        Gateway, PATIENCE, Server,
        event_stream::{EventStream, post},
        eventually, login, own_address, script,
    },
};

fn plain() -> Gateway {
    Gateway::with("--plain-http")
}

fn open(server: &Server, headers: &str) -> (EventStream, String) {
    let mut stream = EventStream::get(server, "/", headers);
    let session = stream.opened();
    (stream, session)
}

fn hand_in(server: &Server, session: &str, headers: &str, body: &[u8]) -> (u16, String) {
    post(server, &format!("/?session={session}"), headers, body)
}

/// Another name of the same form.
const UNKNOWN: &str = "wsd-00000000000000000000000000000000";

#[test]
fn session_that_there_is_not_takes_nothing_and_starts_nothing() {
    let server = plain().args(["cat"]).start();
    for name in ["", "x", UNKNOWN, "wsd-", "%77sd-0"] {
        for rest in ["", "&close"] {
            let (status, text) = hand_in(&server, &format!("{name}{rest}"), "", b"a");
            assert_eq!(status, 404, "{name} {text}");
        }
        let stream = EventStream::get(&server, &format!("/?session={name}"), "");
        assert_eq!(stream.status, 404, "{name}");
    }
    let last = format!("Last-Event-ID: {UNKNOWN}.1\r\n");
    assert_eq!(EventStream::get(&server, "/", &last).status, 404);
    assert!(server.children().is_empty());
}

#[test]
fn last_event_id_that_is_none_of_this_session_is_refused() {
    let server = plain().args(["cat"]).start();
    let (_stream, session) = open(&server, "");
    let (_other, other) = open(&server, "");
    for (target, last) in [
        ("/".to_owned(), "7".to_owned()),
        ("/".to_owned(), session.clone()),
        ("/".to_owned(), format!("{session}.x")),
        ("/".to_owned(), format!("{session}.-1")),
        ("/".to_owned(), format!("{session}.18446744073709551616")),
        ("/".to_owned(), format!("{session}.1")),
        (format!("/?session={other}"), format!("{session}.0")),
    ] {
        let last = format!("Last-Event-ID: {last}\r\n");
        let stream = EventStream::get(&server, &target, &last);
        assert_eq!(stream.status, 400, "{target} {last}");
        assert!(stream.rest().contains("Last-Event-ID"));
    }
}

#[test]
fn session_of_another_user_or_route_is_none() {
    let server = login::site(
        "--plain-http --route=/other=cat",
        "basic-auth = \"DIR/users\"\n",
    )
    .args(["cat"])
    .start();
    let alice = format!("{}\r\n", login::alice());
    let bob = format!("{}\r\n", login::basic("bob", "hunter2"));
    let (_stream, session) = open(&server, &alice);
    for (headers, status) in [(&alice, 204), (&bob, 404), (&String::new(), 401)] {
        assert_eq!(
            hand_in(&server, &session, headers, b"a").0,
            status,
            "{headers}"
        );
    }
    let last = format!("Last-Event-ID: {session}.0\r\n");
    for (headers, status) in [(&bob, 404), (&String::new(), 401)] {
        let stream = EventStream::get(&server, "/", &format!("{headers}{last}"));
        assert_eq!(stream.status, status);
    }
    let stream = EventStream::get(&server, "/other", &format!("{alice}{last}"));
    assert_eq!(stream.status, 404);
    let elsewhere = format!("/other?session={session}");
    assert_eq!(post(&server, &elsewhere, &alice, b"a").0, 404);
    let stream = EventStream::get(&server, "/", &format!("{alice}{last}"));
    assert_eq!(stream.status, 200);
}

#[test]
fn session_is_its_routes_at_whatever_path_of_that() {
    let flags = "--plain-http --route=/own=cat --route=/own/other=cat --room=/chat";
    let server = Gateway::with(flags).args(["cat"]).start();
    for (opened, same, others) in [
        ("/", &["/", "/x/y"][..], &["/own", "/chat/a"][..]),
        ("/own", &["/own", "/own/x"], &["/", "/own/other", "/owner"]),
        ("/chat/a", &["/chat/a", "/chat/b"], &["/"]),
    ] {
        let mut stream = EventStream::get(&server, opened, "");
        let session = stream.opened();
        let target = |path: &str| format!("{path}?session={session}");
        for path in others {
            assert_eq!(
                post(&server, &target(path), "", b"x").0,
                404,
                "{opened} {path}"
            );
            let stream = EventStream::get(&server, &target(path), "");
            assert_eq!(stream.status, 404, "{opened} {path}");
        }
        for path in same {
            assert_eq!(
                post(&server, &target(path), "", b"a").0,
                204,
                "{opened} {path}"
            );
            assert_eq!(stream.text(), "a");
        }
        for path in same {
            let stream = EventStream::get(&server, &target(path), "");
            assert_eq!(stream.status, 200, "{opened} {path}");
        }
    }
}

#[test]
fn session_stays_where_its_path_decides_what_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["a", "b"] {
        script(directory.path(), name, "#!/bin/sh\nexec cat\n");
    }
    let server = plain()
        .args([format!("--dir={}", directory.path().display())])
        .start();
    let mut stream = EventStream::get(&server, "/a", "");
    let session = stream.opened();
    for (path, status) in [("/a", 204), ("/b", 404), ("/a/x", 404)] {
        let target = format!("{path}?session={session}");
        assert_eq!(post(&server, &target, "", b"a").0, status, "{path}");
    }
}

#[test]
fn session_of_nobody_is_not_a_users() {
    let file = "plain-http = true\nauth-header = \"X-User\"\ntrust-proxy = [\"127.0.0.1\"]\n";
    let server = Gateway::new().file(file).args(["cat"]).start();
    let user = |name: &str| format!("X-Forwarded-For: 192.0.2.1\r\nX-User: {name}\r\n");
    let (_stream, session) = open(&server, &user("ann"));
    assert_eq!(hand_in(&server, &session, &user("ben"), b"a").0, 404);
    assert_eq!(hand_in(&server, &session, &user("ann"), b"a").0, 204);
}

#[test]
fn program_that_does_not_read_has_its_clients_wait() {
    let server = plain().program("read line; echo $line; cat").start();
    let stopped = plain().program("exec sleep 1000").start();
    let (_stream, session) = open(&stopped, "");
    let body = "x".repeat(60_000) + "\n";
    let mut answer = (0, String::new());
    // What its pipe takes comes before.
    eventually("it is full", || {
        answer = hand_in(&stopped, &session, "", body.as_bytes());
        answer.0 != 204
    });
    assert_eq!(answer.0, 503, "{}", answer.1);
    assert!(answer.1.contains("\r\nRetry-After: 1\r\n"), "{}", answer.1);
    // One that reads takes as much and more.
    let (mut stream, session) = open(&server, "");
    for _ in 0..10 {
        eventually("there is room", || {
            hand_in(&server, &session, "", body.as_bytes()).0 == 204
        });
        assert_eq!(stream.text().len(), 60_000);
    }
}

#[test]
fn input_that_is_refused_has_put_in_nothing() {
    let server = plain().args(["--maxframesize=100000", "cat"]).start();
    let (mut stream, session) = open(&server, "");
    let long = "x".repeat(100_001);
    for (body, status) in [
        (&b"a\n\xe9\n"[..], 400),
        (long.as_bytes(), 413),
        (format!("a\n{long}").as_bytes(), 413),
    ] {
        let (refused, text) = hand_in(&server, &session, "", body);
        assert_eq!(refused, status, "{text}");
    }
    // One that stops in the middle.
    let mut socket = TcpStream::connect(server.address).expect("it listens");
    let head = format!(
        "POST /?session={session} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na\nb\n"
    );
    socket.write_all(head.as_bytes()).expect("room");
    drop(socket);
    assert_eq!(hand_in(&server, &session, "", b"good\0\n\xc3\xa9").0, 204);
    assert_eq!(stream.text(), "good\0");
    assert_eq!(stream.text(), "\u{e9}");
}

#[test]
fn line_is_limited_and_not_the_body() {
    let server = plain().args(["--maxframesize=10", "cat"]).start();
    let (mut stream, session) = open(&server, "");
    assert_eq!(
        hand_in(
            &server,
            &session,
            "",
            b"0123456789\n".repeat(1000).as_slice()
        )
        .0,
        204
    );
    assert_eq!(hand_in(&server, &session, "", b"0123456789a").0, 413);
    for _ in 0..1000 {
        assert_eq!(stream.text(), "0123456789");
    }
}

#[test]
fn body_that_is_no_text_is_told_by_the_close() {
    let server = plain().args(["cat"]).start();
    let mut stream = EventStream::ask(&server, "POST", "/", "Content-Type: x/y\r\n", "a\n");
    stream.opened();
    assert_eq!(stream.text(), "a");
    assert_eq!(stream.closed().0, 1000);
    let mut socket = TcpStream::connect(server.address).expect("it listens");
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
    socket
        .write_all(&[head.as_bytes(), b"a\n\xe9\n"].concat())
        .expect("room");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an end");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("data: a\n\n"), "{answer}");
    assert!(
        answer.contains("event: close\ndata: {\"code\":1007,"),
        "{answer}"
    );
}

#[test]
fn get_of_a_page_of_others_starts_nothing() {
    let server = plain()
        .args([
            "--address=0.0.0.0",
            "--host=wsd.example",
            "--host=127.0.0.9",
            "--origin=http://good.example",
        ])
        .args(["--trust-proxy=127.0.0.1", "cat"])
        .start();
    let port = server.port();
    let own = format!("Origin: http://wsd.example:{port}\r\n");
    let https = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n";
    let http = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n";
    let foreign = "Sec-Fetch-Site: cross-site\r\n";
    for (host, headers, get, post) in [
        ("wsd.example", "", 403, 200),
        ("localhost", "", 200, 200),
        ("127.0.0.9", "", 200, 200),
        ("wsd.example", http, 403, 200),
        ("wsd.example", https, 200, 200),
        ("wsd.example", &own, 200, 200),
        ("wsd.example", "Origin: http://good.example\r\n", 200, 200),
        ("wsd.example", "Origin: http://evil.example\r\n", 403, 403),
        ("localhost", "Origin: http://evil.example\r\n", 403, 403),
        ("wsd.example", "Sec-Fetch-Site: same-origin\r\n", 200, 200),
        ("wsd.example", "Sec-Fetch-Site: none\r\n", 200, 200),
        ("wsd.example", "Sec-Fetch-Site: same-site\r\n", 403, 403),
        ("localhost", foreign, 403, 403),
        ("wsd.example", &format!("{https}{foreign}"), 403, 403),
    ] {
        for (method, status) in [("GET", get), ("POST", post)] {
            let stream = EventStream::send(
                server.address,
                &format!(
                    "{method} / HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n{headers}Content-Length: 0\r\n\r\n"
                ),
            );
            assert_eq!(stream.status, status, "{method} {host} {headers}");
            if method == "GET" && headers.is_empty() && status == 403 {
                assert!(stream.rest().contains("send a POST"));
            }
        }
    }
}

#[test]
fn page_that_may_ask_is_told_why_it_is_refused_and_what_it_may_ask() {
    let server = plain()
        .args(["--origin=http://good.example,*.many.example", "cat"])
        .start();
    let answer = |method: &str, headers: &str| server.request(method, "/", headers);
    let good = "Origin: http://good.example\r\n";
    let (status, text) = hand_in(&server, UNKNOWN, good, b"a");
    assert_eq!(status, 404);
    for field in [
        "Access-Control-Allow-Origin: http://good.example",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Expose-Headers: Retry-After",
        "Vary: Origin",
    ] {
        assert!(text.contains(&format!("\r\n{field}\r\n")), "{text}");
    }
    let asking = "Access-Control-Request-Method: POST\r\n\
        Access-Control-Request-Headers: authorization, last-event-id, x-own, content-type\r\n";
    let (status, headers, _) = answer("OPTIONS", &format!("{good}{asking}"));
    assert_eq!(status, 204);
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization, last-event-id, content-type"
    );
    assert_eq!(headers["access-control-allow-methods"], "GET, POST, PUT");
    let many = "Origin: http://a.many.example\r\n";
    let (_, headers, _) = answer("OPTIONS", &format!("{many}{asking}"));
    assert_eq!(
        headers["access-control-allow-headers"],
        "last-event-id, content-type"
    );
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let evil = "Origin: http://evil.example\r\n";
    let (_, headers, _) = answer("OPTIONS", &format!("{evil}{asking}"));
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[test]
fn who_asks_for_something_else_is_told_of_both_ways() {
    let server = plain().args(["cat"]).start();
    for (method, accept) in [
        ("GET", "text/html,*/*;q=0.8"),
        ("GET", "text/event-stream;q=0"),
        ("HEAD", "text/event-stream"),
    ] {
        let (status, _, body) = server.request(method, "/", &format!("Accept: {accept}\r\n"));
        assert_eq!(status, 426, "{method} {accept}");
        let text = String::from_utf8(body).expect("text");
        let is_told = text.contains("POST") && text.contains("Accept: text/event-stream");
        assert_eq!(is_told, method == "GET", "{text}");
    }
    assert!(server.children().is_empty());
}

#[test]
fn without_the_flag_no_events_are_told() {
    let server = Gateway::new().args(["cat"]).start();
    assert_eq!(EventStream::get(&server, "/", "").status, 426);
}

#[test]
fn messages_of_other_kinds_are_for_websockets_alone() {
    for flags in ["--framing=length", "--framing=control", "--terminal"] {
        let server = plain().args([flags, "cat"]).start();
        let stream = EventStream::get(&server, "/", "");
        assert_eq!(stream.status, 406, "{flags}");
    }
}

#[test]
fn client_that_waits_to_be_told_is_refused_before_it_sends() {
    let server = plain().args(["cat"]).start();
    let (mut stream, session) = open(&server, "");
    let answer = |session: &str| {
        let mut socket = TcpStream::connect(server.address).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "POST /?session={session} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).expect("room");
        let mut line = [0; 12];
        socket.read_exact(&mut line).expect("an answer");
        (socket, String::from_utf8_lossy(&line).into_owned())
    };
    assert_eq!(answer(UNKNOWN).1, "HTTP/1.1 404");
    let (mut socket, line) = answer(&session);
    assert_eq!(line, "HTTP/1.1 100");
    socket.write_all(b"hi").expect("room");
    assert_eq!(stream.text(), "hi");
}

#[test]
fn program_that_cannot_be_started_is_a_refusal() {
    let server = plain().args(["--maxforks=1", "cat"]).start();
    let (_stream, _) = open(&server, "");
    assert_eq!(EventStream::get(&server, "/", "").status, 503);
}

#[test]
fn page_from_elsewhere_starts_nothing_in_a_browser() {
    let pages = Gateway::with("--staticdir=examples/fizzbuzz").start();
    let page = format!("http://127.0.0.1:{}/", pages.port());
    let mut server = plain().args(["--address=0.0.0.0", "cat"]).start();
    // To the latter browsers do not tell that the page is foreign.
    let lan = own_address().map(|own| format!("http://{own}:{}/", server.port()));
    let local = Some(format!("http://localhost:{}/", server.port()));
    for target in [local, lan].into_iter().flatten() {
        browse("events_foreign", &[&page, &target]);
        for _ in 0..5 {
            let line = server.wait_for_line("access: ");
            assert!(
                line.contains("refused") && line.contains("status=403"),
                "{line}"
            );
        }
    }
    assert!(server.children().is_empty());
}

#[test]
fn page_that_may_ask_is_told_that_it_needs_a_login() {
    let flags = "--plain-http --origin=http://good.example";
    let server = login::site(flags, "basic-auth = \"DIR/users\"\n")
        .args(["cat"])
        .start();
    let good = "Origin: http://good.example\r\n";
    for headers in [
        good.to_owned(),
        format!("{good}{}\r\n", login::basic("alice", "x")),
    ] {
        let (status, text) = hand_in(&server, UNKNOWN, &headers, b"a");
        assert_eq!(status, 401);
        let allows = "\r\nAccess-Control-Allow-Origin: http://good.example\r\n";
        assert!(text.contains(allows), "{text}");
    }
    // What is asked before is answered before.
    let asking = format!(
        "{good}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
    );
    let (status, headers, _) = server.request("OPTIONS", "/", &asking);
    assert_eq!(status, 204);
    assert_eq!(headers["access-control-allow-headers"], "authorization");
}

#[test]
fn connection_whose_body_is_refused_is_said_to_end() {
    let server = plain().args(["cat"]).start();
    let (_stream, session) = open(&server, "");
    let long = vec![b'x'; 1_100_000];
    for target in ["/".to_owned(), format!("/?session={session}")] {
        let mut socket = TcpStream::connect(server.address).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            long.len() + 1
        );
        // All but its last byte.
        socket
            .write_all(&[head.as_bytes(), &long].concat())
            .expect("room");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("an end");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}
