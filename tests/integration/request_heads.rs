//! Heads of requests as they come over the wire: what raw characters become, what is refused and how that is told, and
//! where one request ends and the next begins.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::support::{
    Client, Gateway, PATIENCE, Server,
    http::{Answer, parsed},
    script,
};

/// A client that writes what it likes.
fn raw(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// All that comes before the server closes.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server closes");
    String::from_utf8(answer).expect("text")
}

/// What bytes are answered with that come in one piece, and one by one.
fn answers(server: &Server, request: &[u8]) -> [Answer; 2] {
    [request.len(), 1].map(|piece| {
        let mut stream = raw(server);
        stream.set_nodelay(true).expect("an option");
        for piece in request.chunks(piece) {
            stream.write_all(piece).expect("the server reads");
        }
        parsed(rest(stream).as_bytes())
    })
}

/// A script that tells what it was asked, and a program that does.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a directory");
    let tell = "printf '%s %s %s\\n' \"$QUERY_STRING\" \"$REQUEST_URI\" \"$PATH_INFO\"";
    script(
        site.path(),
        "a.sh",
        &format!("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; {tell}\n"),
    );
    script(site.path(), "b", &format!("#!/bin/sh\n{tell}\n"));
    std::fs::write(site.path().join("a.txt"), "file").expect("a file");
    site
}

#[test]
fn raw_characters_of_a_query_are_taken_as_they_are() {
    let site = site();
    let path = site.path().display();
    let query = "q=\"a\"&<>{|}^`%22%3c\u{e9}";
    let scripts = Gateway::new().args([format!("--cgidir={path}")]).start();
    for host in ["", "http://localhost"] {
        let request = format!(
            "GET {host}/a.sh/x?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        for (status, _, body) in answers(&scripts, request.as_bytes()) {
            let body = String::from_utf8_lossy(&body);
            assert_eq!(status, 200, "{body}");
            assert!(
                body.contains(&format!("{query} /a.sh/x?{query} /x\n")),
                "{body}"
            );
        }
    }
    let programs = Gateway::new().args([format!("--dir={path}")]).start();
    let text = programs.text(&format!("/b/x?{query}"));
    assert_eq!(text, format!("{query} /b/x?{query} /x"));
    // In a path they are what their escapes are.
    assert_eq!(programs.text("/b/<`>?<"), "< /b/<`>?< /<`>");
    let files = Gateway::new().args([format!("--staticdir={path}")]).start();
    assert_eq!(files.get(&format!("/a.txt?{query}")).0, 200);
}

#[test]
fn redirect_carries_a_query_that_is_a_url() {
    let site = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(site.path().join("sub")).expect("a directory");
    let server = Gateway::new()
        .args([format!("--staticdir={}", site.path().display())])
        .start();
    let (status, headers, _) = server.get("/sub?\"<");
    assert_eq!(
        (status, headers["location"].as_str()),
        (301, "./sub/?%22%3C")
    );
}

#[test]
fn head_that_is_refused_says_why_to_the_client_and_in_the_log() {
    let mut server = Gateway::with("--header=X-Own:y cat").start();
    let many = "a:b\r\n".repeat(101);
    let long = "x".repeat(40_000);
    for (request, status, told) in [
        ("G@T / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "method"),
        (
            "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
            "spaces",
        ),
        (
            "GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
            "target",
        ),
        ("GET / HTTP/3.1\r\nHost: localhost\r\n\r\n", 505, "--h2c"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "--h2c"),
        (
            "GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            400,
            "name of a header field",
        ),
        (
            "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
            400,
            "value of a header field",
        ),
        (
            &format!("GET / HTTP/1.1\r\n{many}\r\n"),
            431,
            "more than 100",
        ),
        (
            &format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"),
            431,
            "larger than 32768",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            400,
            "Content-Length",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "chunked",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "HTTP/1.0",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "both Content-Length and Transfer-Encoding",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400,
            "both Content-Length and Transfer-Encoding",
        ),
    ] {
        let line = request.lines().next().expect("a line");
        let mut stream = raw(&server);
        let _ = stream.write_all(request.as_bytes());
        let (code, headers, body) = parsed(rest(stream).as_bytes());
        let body = String::from_utf8_lossy(&body);
        assert_eq!(code, status, "{line}: {body}");
        assert!(body.contains(told), "{line}: {body}");
        assert_eq!(headers["connection"], "close", "{line}");
        assert_eq!(headers["x-own"], "y", "{line}");
        let logged = server.wait_for_line("refused");
        assert!(logged.contains(told), "{logged}");
        assert!(logged.contains(&format!("status={status}")), "{logged}");
        assert!(logged.contains(&format!("line={line:?}")), "{logged}");
    }
}

#[test]
fn refused_head_request_has_no_body() {
    let server = Gateway::with("cat").start();
    let mut stream = raw(&server);
    let request = "HEAD / HTTP/1.1\r\nA b: c\r\n\r\n";
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let answer = rest(stream);
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn client_that_sends_on_behind_a_refused_head_gets_the_answer() {
    let server = Gateway::with("cat").start();
    let mut stream = raw(&server);
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("the server reads");
    stream
        .write_all(&[b'x'; 4_000_000])
        .expect("the server reads");
    let (status, ..) = parsed(rest(stream).as_bytes());
    assert_eq!(status, 400);
}

/// What stands behind a request of two lengths is no request to anybody.
#[test]
fn nothing_is_smuggled_behind_two_lengths() {
    let mut server = Gateway::with("cat").start();
    let mut stream = raw(&server);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let requests = [
        "GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\n\r\n",
        smuggled,
    ];
    stream
        .write_all(requests.concat().as_bytes())
        .expect("the server reads");
    let answers = rest(stream);
    let statuses: Vec<_> = answers
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1 "))
        .collect();
    assert_eq!(statuses.len(), 2, "{answers}");
    assert!(
        statuses[0].contains(" 426 ") && statuses[1].contains(" 400 "),
        "{answers}"
    );
    server.wait_for_line("/second");
    assert!(!server.log().contains("smuggled"));
}

#[test]
fn requests_of_one_write_are_told_apart_whatever_their_bodies_are() {
    let site = tempfile::tempdir().expect("a directory");
    script(
        site.path(),
        "a.sh",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s=' \"$QUERY_STRING\"; cat; echo\n",
    );
    let server = Gateway::new()
        .args([format!("--cgidir={}", site.path().display())])
        .start();
    let host = "Host: localhost\r\n";
    let requests = [
        format!("GET /a.sh?\"1\" HTTP/1.1\r\n{host}\r\n"),
        format!("POST /a.sh?2 HTTP/1.1\r\n{host}Content-Length: 6\r\n\r\n\"<two>"),
        format!(
            "POST /a.sh?3 HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nthr\r\n2\r\nee\r\n0\r\nT: r\r\n\r\n"
        ),
        format!("\r\nGET /a.sh?<4> HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
    ]
    .concat();
    for piece in [requests.len(), 1, 7, 64] {
        let mut stream = raw(&server);
        stream.set_nodelay(true).expect("an option");
        for bytes in requests.as_bytes().chunks(piece) {
            stream.write_all(bytes).expect("the server reads");
        }
        let answers = rest(stream);
        for expected in ["\"1\"=\n", "2=\"<two>\n", "3=three\n", "<4>=\n"] {
            assert!(answers.contains(expected), "{expected} in {answers}");
        }
        assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 4, "{answers}");
    }
}

#[test]
fn frames_that_come_with_the_handshake_are_no_requests() {
    let server = Gateway::with("cat").start();
    let mut stream = raw(&server);
    let handshake = "GET /?\"x\" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let frames = crate::support::client::frame(true, 1, b"G@T \"early\"");
    let all = [handshake.as_bytes(), &frames].concat();
    stream.write_all(&all).expect("the server reads");
    let mut seen = Vec::new();
    while !seen.ends_with(b"G@T \"early\"") {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).expect("an answer");
        assert!(length > 0, "{}", seen.escape_ascii());
        seen.extend_from_slice(&piece[..length]);
    }
}

#[test]
fn client_that_is_refused_a_websocket_asks_again_on_the_same_connection() {
    let server = Gateway::with("--staticdir=. cat").start();
    let mut stream = raw(&server);
    let wrong = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let next = "GET /Cargo.toml HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{wrong}{next}").as_bytes())
        .expect("the server reads");
    let answers = rest(stream);
    assert!(answers.starts_with("HTTP/1.1 426 "), "{answers}");
    assert!(answers.contains("HTTP/1.1 200 OK"), "{answers}");
    let _: Client = server.connect();
}
