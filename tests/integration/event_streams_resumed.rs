//! Event streams that are lost, and gone on with: what `docs/plain-http.md` says of `Last-Event-ID`.

use std::fs;

use crate::{
    browser::browse,
    support::{
        self, Client, Gateway, Server, assert_refused,
        event_stream::{EventStream, hand_in, open, resume, resumed},
        eventually, wait_until_gone,
    },
};

fn plain() -> Gateway {
    Gateway::with("--plain-http")
}

#[test]
fn lost_stream_is_gone_on_with_by_the_same_program() {
    let server = plain().program("echo $$; cat").start();
    let (mut stream, session) = open(&server);
    let pid = stream.text();
    assert_eq!(hand_in(&server, &session, "a\nb\nc"), 204);
    assert_eq!(stream.text(), "a");
    drop(stream);
    assert_eq!(hand_in(&server, &session, "d"), 204);
    let mut stream = resumed(&server, &format!("{session}.2"));
    for (number, data) in [(3, "b"), (4, "c"), (5, "d")] {
        let message = stream.message();
        assert_eq!(
            (message.id, &*message.data),
            (format!("{session}.{number}"), data)
        );
    }
    drop(stream);
    // Without a number all that is kept.
    let mut stream = EventStream::get(&server, &format!("/?session={session}"), "");
    assert_eq!(stream.opened(), session);
    assert_eq!(stream.text(), pid);
    drop(stream);
    let mut stream = EventStream::get(&server, &format!("/?session={session}.4"), "");
    stream.opened();
    assert_eq!(stream.text(), "d");
    let headers = format!("Last-Event-ID: {session}.4\r\n");
    let mut again = EventStream::ask(&server, "POST", "/", &headers, "");
    again.opened();
    assert_eq!(again.text(), "d");
    assert_eq!(stream.next(), None, "another has taken its place");
}

#[test]
fn stream_that_is_not_known_to_be_lost_is_gone_on_with() {
    let server = plain().args(["cat"]).start();
    let (mut first, session) = open(&server);
    let mut second = resumed(&server, &format!("{session}.0"));
    assert_eq!(first.next(), None);
    assert_eq!(hand_in(&server, &session, "a"), 204);
    assert_eq!(second.text(), "a");
}

#[test]
fn events_of_a_post_can_be_resumed() {
    let server = plain().program("cat; sleep 0.2; echo late; exit 4").start();
    let mut stream = EventStream::ask(&server, "POST", "/", "", "a");
    let session = stream.opened();
    assert_eq!(stream.text(), "a");
    drop(stream);
    let mut stream = resumed(&server, &format!("{session}.1"));
    assert_eq!(stream.text(), "late");
    assert_eq!(stream.closed().0, 4004);
}

#[test]
fn body_of_who_comes_again_is_that_of_the_first_time_or_refused() {
    let server = plain().program("cat; exec sleep 1000").start();
    let mut stream = EventStream::ask(&server, "POST", "/", "", "a\nb");
    let session = stream.opened();
    assert_eq!(stream.text(), "a");
    // As clients do that come again by themselves.
    let headers = format!("Last-Event-ID: {session}.1\r\n");
    let mut again = EventStream::ask(&server, "POST", "/", &headers, "a\nb");
    again.opened();
    assert_eq!(again.text(), "b");

    let (_stream, session) = open(&server);
    let headers = format!("Last-Event-ID: {session}.0\r\n");
    let refused = EventStream::ask(&server, "POST", "/", &headers, "a");
    assert_eq!(refused.status, 400);
    let again = EventStream::ask(&server, "POST", "/", &headers, "");
    assert_eq!(again.status, 200);
}

#[test]
fn end_that_came_while_nobody_read_is_read_later() {
    let mut server = plain().program("read line; echo last; exit 5").start();
    let (stream, session) = open(&server);
    drop(stream);
    assert_eq!(hand_in(&server, &session, "go"), 204);
    server.wait_for_line("session ended");
    let mut stream = resumed(&server, &format!("{session}.0"));
    assert_eq!(stream.text(), "last");
    assert_eq!(stream.closed().0, 4005);
    assert_eq!(resume(&server, &format!("{session}.0")).status, 404);
}

#[test]
fn program_waits_when_what_is_kept_is_full_and_nothing_is_lost() {
    let server = plain()
        .program("read line; seq 1 30000; echo end; cat")
        .start();
    let (stream, session) = open(&server);
    drop(stream);
    assert_eq!(hand_in(&server, &session, "go"), 204);
    let mut stream = resumed(&server, &format!("{session}.0"));
    for number in 1..=30000 {
        assert_eq!(stream.text(), number.to_string());
    }
    assert_eq!(stream.text(), "end");
    // What is behind 64 KiB is gone.
    let gone = resume(&server, &format!("{session}.1"));
    assert_eq!(gone.status, 410);
    assert!(gone.rest().contains("not kept"));
    let mut near = resumed(&server, &format!("{session}.29990"));
    assert_eq!(near.text(), "29991");
}

#[test]
fn session_ends_when_nobody_comes_again_in_time() {
    let mut server = plain()
        .args(["--plain-http-resume=1"])
        .program("echo $$; exec sleep 1000")
        .start();
    let (mut stream, session) = open(&server);
    let pid = stream.text().parse().expect("a pid");
    drop(stream);
    wait_until_gone(pid);
    let line = server.wait_for_line("session ended");
    assert!(
        line.contains("code=1006") && line.contains("by=\"client\""),
        "{line}"
    );
    assert_eq!(resume(&server, &format!("{session}.0")).status, 404);
}

#[test]
fn without_resuming_a_session_ends_with_its_stream() {
    let server = plain()
        .args(["--plain-http-resume=0"])
        .program("echo $$; exec sleep 1000")
        .start();
    let (mut stream, session) = open(&server);
    let pid = stream.text().parse().expect("a pid");
    assert_eq!(resume(&server, &format!("{session}.0")).status, 404);
    assert!(support::is_alive(pid));
    drop(stream);
    wait_until_gone(pid);
}

#[test]
fn body_that_is_cut_off_with_its_stream_is_no_end_of_the_input() {
    let server = plain().program("cat; echo end").start();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = EventStream::send(server.address, head);
    let session = stream.opened();
    stream.write(b"2\r\na\n\r\n");
    assert_eq!(stream.text(), "a");
    drop(stream);
    let mut stream = resumed(&server, &format!("{session}.1"));
    assert_eq!(hand_in(&server, &session, "b"), 204);
    assert_eq!(stream.text(), "b");
}

#[test]
fn event_source_comes_again_to_the_same_program() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("index.html"), "<title>events</title>").expect("a file");
    let server = plain()
        .args([format!("--staticdir={}", directory.path().display())])
        .program("echo $$; cat")
        .start();
    browse("event_source", &[&server.port().to_string()]);
}

#[test]
fn lost_client_counts_among_those_of_its_address() {
    let server = plain().args(["--max-connections-per-ip=2", "cat"]).start();
    let (stream, session) = open(&server);
    let last = format!("{session}.0");
    drop(stream);
    // While it is found out that the first is lost, it may count twice for a moment.
    let second = let_in(&server);
    eventually("two are there", || server.status("/", &[]) == 429);
    // A place is free when it comes again, be it by a connection that is refused once.
    drop(second);
    let mut again = None;
    eventually("it comes again", || {
        let stream = resume(&server, &last);
        let has_come = stream.status == 200;
        again = has_come.then_some(stream);
        has_come
    });
    let mut again = again.expect("a stream");
    again.opened();
    let _second = let_in(&server);
    eventually("two are there", || server.status("/", &[]) == 429);
}

/// A WebSocket, as soon as there is a place for one.
fn let_in(server: &Server) -> Client {
    let mut client = None;
    eventually("there is a place", || {
        let asked = server.ask("/", &[]);
        client = (asked.status() == 101).then_some(asked);
        client.is_some()
    });
    client.expect("a session")
}

#[test]
fn resume_time_is_a_time_and_needs_plain_http() {
    assert_refused(
        "--plain-http-resume=5 cat",
        &["--plain-http-resume", "--plain-http"],
    );
    for value in ["-1", "x", "1y", ""] {
        let words = format!("--plain-http --plain-http-resume={value} cat");
        assert_refused(&words, &["--plain-http-resume"]);
    }
}

#[test]
fn resume_time_is_a_routes() {
    let file = "[[route]]\npath = \"/long\"\ncommand = \"cat\"\nplain-http = true\n\n\
        [[route]]\npath = \"/short\"\ncommand = \"cat\"\nplain-http = true\nplain-http-resume = 0\n";
    let server = Gateway::new().file(file).start();
    for (path, status) in [("/long", 200), ("/short", 404)] {
        let mut stream = EventStream::get(&server, path, "");
        let session = stream.opened();
        let last = format!("Last-Event-ID: {session}.0\r\n");
        assert_eq!(
            EventStream::get(&server, path, &last).status,
            status,
            "{path}"
        );
    }
}
