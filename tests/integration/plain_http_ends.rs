//! How answers without a WebSocket end: one that is cut off has all that was said, and a client that goes ends in order.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::support::{
    Gateway, PATIENCE, Server,
    event_stream::EventStream,
    forget_caller,
    http::{http, parsed},
    script,
};

/// What a body in chunks says.
#[derive(Debug, Default)]
struct Said {
    text: String,
    chunks: usize,
    /// The last chunk has come, and so much of what is behind it.
    end: Option<String>,
}

fn said(mut body: &[u8]) -> Said {
    let mut said = Said::default();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let rest = &body[end + 2..];
        if size == 0 {
            said.end = Some(String::from_utf8_lossy(rest).into_owned());
            return said;
        }
        said.text.push_str(&String::from_utf8_lossy(&rest[..size]));
        said.chunks += 1;
        body = &rest[size + 2..];
    }
    said
}

/// A whole request and its answer, to the end of the connection, which is no reset.
fn post(address: SocketAddr, headers: &str, body: &str) -> Said {
    let length = body.len();
    let head =
        format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n");
    let (status, _, answer) = http(address, &format!("{head}\r\n{body}"));
    assert_eq!(status, 200);
    said(&answer)
}

/// The body of an answer that is cut off behind these lines.
fn assert_cut_off_behind(said: &Said, last: &str) {
    assert!(said.text.ends_with(last), "{said:?}");
    assert!(said.end.is_none(), "{said:?}");
}

fn plain(program: &str) -> Server {
    Gateway::with("--plain-http").program(program).start()
}

/// A conversation that has begun: the program has said `begun`.
fn begun(server: &Server, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is taken");
    let mut read = Vec::new();
    while !read.ends_with(b"begun\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("more");
        read.push(byte[0]);
    }
    stream
}

fn rest(mut stream: TcpStream) -> Said {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("an end, no reset");
    said(&rest)
}

/// Says much at the end of its input, and fails.
const LATE: &str = "echo begun; cat >/dev/null; seq 3000; exit 4";

#[test]
fn program_that_fails_has_its_last_words_in_the_answer() {
    let server = plain("cat; seq 3000; exit 4");
    // Often: what is lost is lost in a race.
    for _ in 0..20 {
        assert_cut_off_behind(&post(server.address, "", "x\n"), "\n2999\n3000\n");
    }
}

#[test]
fn stop_and_the_end_of_a_lifetime_leave_the_last_words_in_the_answer() {
    let server = plain(LATE);
    let stream = begun(&server, "");
    server.signal(Signal::TERM);
    assert_cut_off_behind(&rest(stream), "\n3000\n");
    let server = Gateway::with("--plain-http --max-lifetime=1")
        .program(LATE)
        .start();
    assert_cut_off_behind(&rest(begun(&server, "")), "\n3000\n");
}

#[test]
fn program_that_says_nothing_and_fails_has_an_answer_that_is_cut_off() {
    let answer = post(plain("exit 4").address, "", "x\n");
    assert_cut_off_behind(&answer, "");
    assert_eq!(answer.text, "");
}

#[test]
fn answer_that_is_cut_off_reaches_a_client_that_sends_on() {
    /// More than sockets hold at both ends.
    const BODY: usize = 8_000_000;
    let server = plain("echo early; exit 4");
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let body = "x\n".repeat(BODY / 2);
    stream.write_all(body.as_bytes()).expect("it reads on");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end, no reset");
    assert_cut_off_behind(&said(&parsed(&answer).2), "early\n");
}

#[test]
fn script_that_breaks_off_has_its_last_words_in_the_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; seq 3000; kill -9 $$\n";
    script(directory.path(), "broken", text);
    let server = Gateway::new()
        .args([&format!("--cgidir={}", directory.path().display())])
        .start();
    for _ in 0..20 {
        let request = "GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let (_, _, answer) = http(server.address, request);
        assert_cut_off_behind(&said(&answer), "\n3000\n");
    }
}

/// The log of a server says that its only session has ended, and of nothing unforeseen.
fn assert_ended_by_client(mut server: Server) {
    let line = server.wait_for_line("session ended");
    assert!(line.contains("by=\"client\""), "{line}");
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn client_that_goes_while_answers_wait_ends_its_session_in_order() {
    for words in [&[][..], &["--http2-prior-knowledge"]] {
        let server = Gateway::with("--plain-http --h2c yes").start();
        let mut child = forget_caller(&mut Command::new("curl"))
            .args(["-sN", "-d", "x"])
            .args(words)
            .arg(format!("http://{}/", server.address))
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl is there");
        // It takes something, and then nothing, until all that lies between is full.
        let mut some = [0; 100_000];
        let stdout = child.stdout.as_mut().expect("a pipe");
        stdout.read_exact(&mut some).expect("it answers");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert_ended_by_client(server);
    }
}

#[test]
fn client_that_shuts_its_sending_side_is_taken_for_gone() {
    let mut server = plain("cat; exec sleep 1000");
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is taken");
    server.wait_for_line("session started");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    assert!(answer.is_empty(), "{answer:?}");
    assert_ended_by_client(server);
}

#[test]
fn reader_of_events_that_goes_while_they_wait_ends_its_session_in_order() {
    let server = Gateway::with("--plain-http --plain-http-resume=0 yes").start();
    let mut stream = EventStream::get(&server, "/", "");
    stream.opened();
    drop(stream);
    assert_ended_by_client(server);
}

#[test]
fn events_of_a_program_that_fails_are_all_there_and_the_end_behind_them() {
    let server = plain("seq 3000; exit 4");
    for _ in 0..5 {
        let mut stream = EventStream::get(&server, "/", "");
        stream.opened();
        for number in 1..=3000 {
            assert_eq!(stream.text(), number.to_string());
        }
        assert_eq!(stream.closed().0, 4004);
    }
}

#[test]
fn line_that_is_too_long_is_told_of_with_the_flag() {
    let mut server = Gateway::with("--plain-http --maxframesize=10")
        .program("echo begun; cat")
        .start();
    let reason = "a line over 10 bytes (maxframesize)";
    let headers = "TE: trailers\r\nConnection: TE, close\r\n";
    let mut stream = begun(&server, headers);
    let chunk = "17\r\nshort\nlonger than that\n\r\n0\r\n\r\n";
    stream.write_all(chunk.as_bytes()).expect("it is taken");
    let answer = rest(stream);
    assert_eq!(answer.text, "short\n");
    let end = answer.end.expect("trailers");
    assert!(
        end.contains("Wsd-Close: 1009\r\n") && end.contains(reason),
        "{end}"
    );
    let line = server.wait_for_line("session ended");
    assert!(line.contains(reason), "{line}");
}

#[test]
fn lines_that_are_said_at_once_are_few_chunks() {
    let server = plain("cat >/dev/null; seq 20000");
    let answer = post(server.address, "Connection: close\r\n", "");
    assert!(answer.text.ends_with("\n20000\n") && answer.end.is_some());
    assert!(answer.chunks < 1000, "{} chunks", answer.chunks);
}
