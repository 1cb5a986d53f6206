//! Requests that are refused while their body still comes: the answer is not lost in a reset.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::support::{
    Gateway, PATIENCE, address_in,
    certificates::Authority,
    http::{Answer, parsed},
    script,
    tls::{End, config, tunnel},
};

/// More than sockets hold at both ends.
const BODY: usize = 8_000_000;

/// Sends a request with a body, all of it before a byte of the answer is read.
fn upload(address: SocketAddr, method: &str, target: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {BODY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    stream.write_all(&vec![b'x'; BODY]).expect("it reads on");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end, no reset");
    parsed(&answer)
}

#[test]
fn answer_reaches_a_client_that_sends_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = format!("--staticdir={}", directory.path().display());
    let site = Gateway::new().args([&files]).start();
    let program = Gateway::with("cat").start();
    for (server, method, target, headers, status, connection) in [
        (&site, "PUT", "/x.txt", "", 405, "close"),
        (&site, "PUT", "/%00", "", 400, "close"),
        (&site, "GET", "/none", "", 404, "close"),
        (&site, "PUT", "/", "Host: evil\r\n", 400, "close"),
        (&program, "POST", "/", "", 426, "close, Upgrade"),
    ] {
        let (code, headers, _) = upload(server.address, method, target, headers);
        assert_eq!(code, status, "{method} {target}");
        assert_eq!(headers["connection"], connection, "{method} {target}");
    }
}

/// A directory of scripts that answer no request.
fn bad_scripts() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in [
        ("silent", "#!/bin/sh\nexit 3\n"),
        ("missing", "#!/nowhere/sh\n"),
        ("late", "#!/bin/sh\nexec sleep 1000\n"),
    ] {
        script(directory.path(), name, text);
    }
    let flag = format!("--cgidir={}", directory.path().display());
    (directory, flag)
}

#[test]
fn answer_in_place_of_a_script_reaches_a_client_that_sends_on() {
    let (_directory, scripts) = bad_scripts();
    let server = Gateway::with("--maxforks=1")
        .args([&scripts])
        .args(["cat"])
        .start();
    let session = server.connect();
    for (target, status) in [("/silent", 503), ("/missing", 503)] {
        let (code, headers, _) = upload(server.address, "POST", target, "");
        assert_eq!((code, headers["connection"].as_str()), (status, "close"));
    }
    session.close();
    let server = Gateway::new().args([&scripts]).start();
    let (code, headers, _) = upload(server.address, "POST", "/missing", "");
    assert_eq!((code, headers["connection"].as_str()), (500, "close"));
    // The script may have ended before or behind the last of the body.
    let closed = "Connection: close\r\n";
    assert_eq!(upload(server.address, "POST", "/silent", closed).0, 502);
}

#[test]
fn answer_in_place_of_a_script_reaches_a_client_by_tls() {
    let (directory, scripts) = bad_scripts();
    let authority = Authority::new("A root");
    let [certificate, key] = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    let server = Gateway::new()
        .args(["--ssl", &certificate, &key, &scripts])
        .start();
    let config = config(authority.roots(), None);
    let address = tunnel(server.address, &config, End::Said);
    assert_eq!(upload(address, "POST", "/missing", "").0, 500);
}

#[test]
fn body_that_cannot_be_kept_is_an_error_that_names_the_place() {
    let (_directory, scripts) = bad_scripts();
    let server = Gateway::new()
        .args([&scripts])
        .env("TMPDIR", "/nowhere/at/all")
        .start();
    let (status, headers, body) = upload(server.address, "POST", "/late", "");
    let body = String::from_utf8(body).expect("text");
    assert_eq!((status, headers["connection"].as_str()), (500, "close"));
    assert!(body.contains("(TMPDIR)"), "{body}");
}

#[test]
fn answer_reaches_a_client_of_other_ports_too() {
    let mut server = Gateway::with("--redirport=0 --admin=127.0.0.1:0 cat").start();
    let redirect = address_in(&server.wait_for_line("sending "));
    let admin = address_in(&server.wait_for_line("telling operators"));
    for (address, status) in [(redirect, 308), (admin, 405)] {
        assert_eq!(upload(address, "PUT", "/", "").0, status);
    }
}

#[test]
fn client_turned_away_has_its_answer() {
    let server = Gateway::with("--max-connections-per-ip=1 cat").start();
    let session = server.connect();
    assert_eq!(upload(server.address, "PUT", "/", "").0, 429);
    session.close();
}

#[test]
fn answer_reaches_a_client_by_tls() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let [certificate, key] = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    let server = Gateway::new()
        .args(["--ssl", &certificate, &key, "cat"])
        .start();
    let config = config(authority.roots(), None);
    let address = tunnel(server.address, &config, End::Said);
    assert_eq!(upload(address, "PUT", "/", "").0, 426);
}

#[test]
fn client_that_waits_to_be_told_is_not_told_to_send() {
    let server = Gateway::with("cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head =
        "PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    assert_eq!(parsed(&answer).0, 426);
}

#[test]
fn connection_goes_on_where_there_was_no_body() {
    let server = Gateway::with("--devconsole cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let twice = "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(twice.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an end");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
}

#[test]
fn body_that_could_be_read_in_two_ways_is_refused() {
    let server = Gateway::with("--devconsole cat").start();
    let status = |head: &str| {
        let request = format!("{head}Connection: close\r\n\r\n0\r\n\r\n");
        crate::support::http(server.address, &request).0
    };
    let host = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    let coding = "Transfer-Encoding: ";
    assert_eq!(status(&format!("{host}{coding}chunked\r\n")), 200);
    for codings in [
        format!("{coding}gzip, chunked\r\n"),
        format!("{coding}chunked, chunked\r\n"),
        format!("{coding}chunked\r\n{coding}chunked\r\n"),
    ] {
        assert_eq!(status(&format!("{host}{codings}")), 501, "{codings}");
    }
}

#[test]
fn host_is_asked_for_in_http_1_0_too() {
    let server = Gateway::with("--devconsole cat").start();
    let status = |host: &str| {
        let request = format!("GET / HTTP/1.0\r\n{host}\r\n");
        crate::support::http(server.address, &request).0
    };
    assert_eq!(status("Host: localhost\r\n"), 200);
    assert_eq!(status(""), 400);
}

/// Sends a head as it is, all of it before a byte of the answer is read.
fn send(address: SocketAddr, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request).expect("it reads on");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end, no reset");
    parsed(&answer).0
}

#[test]
fn head_that_is_refused_has_its_answer() {
    let server = Gateway::with("cat").start();
    let long = "x".repeat(BODY);
    for (head, status) in [
        (
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {long}\r\n\r\n"),
            431,
        ),
        (
            format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            431,
        ),
        (format!("POST / HTTP/1.1\r\nno field\r\n\r\n{long}"), 400),
    ] {
        assert_eq!(send(server.address, head.as_bytes()), status);
    }
}

#[test]
fn upload_without_tls_is_told_to_speak_it() {
    let server = Gateway::with("--ssl-selfsigned cat").start();
    assert_eq!(upload(server.address, "PUT", "/", "").0, 400);
}
