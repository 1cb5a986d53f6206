//! Sessions that are told in events, and fed by requests of their own: what `docs/plain-http.md` says of them.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use hyper::{
    Method,
    header::{ACCEPT, HeaderValue},
};

use crate::support::{
    self, Gateway,
    event_stream::{Event, EventStream, hand_in, hand_in_with, open, resume, resumed},
    eventually, forget_caller,
    http::{http, parsed},
    http2::Connection,
    operators::figures,
    wait_until_gone,
};

fn plain() -> Gateway {
    Gateway::with("--plain-http")
}

#[test]
fn session_is_told_in_events_from_open_to_close() {
    let server = plain().program("echo a; printf 'b'; exit 3").start();
    let mut stream = EventStream::get(&server, "/", "");
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(stream.headers.get(name).map(String::as_str), Some(value));
    }
    let session = stream.opened();
    for (number, data) in [(1, "a"), (2, "b")] {
        let expected = Event {
            id: format!("{session}.{number}"),
            data: data.to_owned(),
            ..Event::default()
        };
        assert_eq!(stream.message(), expected);
    }
    let reason = "the program exited with status 3".to_owned();
    assert_eq!(stream.closed(), (4003, reason));
}

#[test]
fn what_is_handed_in_goes_in_and_close_ends_the_session() {
    let server = plain().args(["cat"]).start();
    let (mut stream, session) = open(&server);
    assert_eq!(hand_in(&server, &session, "a\n\nb"), 204);
    assert_eq!(hand_in(&server, &session, ""), 204);
    assert_eq!(
        hand_in_with(&server, &format!("/?x=y&session={session}"), b"c\r\n"),
        204
    );
    for expected in ["a", "", "b", "c"] {
        assert_eq!(stream.text(), expected);
    }
    let close = format!("/?session={session}&close");
    assert_eq!(hand_in_with(&server, &close, b"last"), 204);
    assert_eq!(stream.closed(), (1000, String::new()));
    for target in [&close, &format!("/?session={session}")] {
        eventually("the session is gone", || {
            hand_in_with(&server, target, b"x") == 404
        });
    }
    assert_eq!(resume(&server, &format!("{session}.1")).status, 404);
}

#[test]
fn close_comes_behind_what_was_handed_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = plain()
        .current_dir(directory.path())
        .program("cat > got; sort got > sorted")
        .start();
    let (_stream, session) = open(&server);
    let close = format!("/?session={session}&close");
    assert_eq!(hand_in(&server, &session, "b\n"), 204);
    assert_eq!(hand_in_with(&server, &close, b"a\n"), 204);
    let sorted = directory.path().join("sorted");
    eventually("the program has worked on all of it", || {
        fs::read_to_string(&sorted).is_ok_and(|text| text == "a\nb\n")
    });
}

#[test]
fn body_of_a_post_is_the_input_and_its_end_is_end_of_file() {
    let server = plain().program("sort; exit 3").start();
    let mut stream = EventStream::ask(&server, "POST", "/", "", "b\na");
    let session = stream.opened();
    assert_eq!((stream.text(), stream.text()), ("a".into(), "b".into()));
    assert_eq!(stream.closed().0, 4003);
    assert_eq!(hand_in(&server, &session, "x"), 404);
}

#[test]
fn input_that_was_a_body_takes_nothing_more_and_may_be_closed() {
    let server = plain().program("cat; echo end; sleep 1000").start();
    let mut stream = EventStream::ask(&server, "POST", "/", "", "a");
    let session = stream.opened();
    assert_eq!((stream.text(), stream.text()), ("a".into(), "end".into()));
    assert_eq!(hand_in(&server, &session, "x"), 404);
    let close = format!("/?session={session}&close");
    assert_eq!(hand_in_with(&server, &close, b""), 204);
    assert_eq!(stream.closed().0, 1000);
}

#[test]
fn post_without_a_body_is_fed_by_others() {
    let server = plain().args(["cat"]).start();
    let mut stream = EventStream::ask(&server, "POST", "/", "", "");
    let session = stream.opened();
    assert_eq!(hand_in(&server, &session, "a"), 204);
    assert_eq!(stream.text(), "a");
}

#[test]
fn no_message_can_look_like_an_event() {
    let program =
        "printf 'id: x\\n\\n: y\\nevent: close\\rdata: z\\n \\303\\251\\n'; cat >/dev/null";
    let server = plain().program(program).start();
    let (mut stream, _) = open(&server);
    assert_eq!(stream.text(), "id: x");
    assert_eq!(stream.text(), "");
    assert_eq!(stream.text(), ": y");
    assert_eq!(stream.encoded("text"), b"event: close\rdata: z");
    assert_eq!(stream.text(), " \u{e9}");
}

#[test]
fn newlines_of_a_text_are_lines_of_data_and_bytes_are_encoded() {
    let server = plain()
        .args(["--framing=text", "sh", "-c", "printf 'a\\n\\nb\\n'; cat"])
        .start();
    let (mut stream, session) = open(&server);
    assert_eq!(stream.text(), "a\n\nb\n");
    assert_eq!(hand_in(&server, &session, "c\nd"), 204);
    assert_eq!(stream.text(), "c\nd");
    let server = plain().args(["--binary", "cat"]).start();
    let (mut stream, session) = open(&server);
    let bytes: Vec<u8> = (0..=255).collect();
    let target = format!("/?session={session}");
    assert_eq!(hand_in_with(&server, &target, &bytes), 204);
    assert_eq!(stream.encoded("binary"), bytes);
}

#[test]
fn messages_with_headers_travel_as_lines() {
    let server = plain().args(["--framing=headers", "cat"]).start();
    let (mut stream, session) = open(&server);
    assert_eq!(hand_in(&server, &session, "{\"a\":1}\n"), 204);
    assert_eq!(stream.text(), "{\"a\":1}");
}

#[test]
fn program_that_ignores_its_input_is_ended_by_a_close() {
    let server = plain().program("echo $$; exec sleep 1000").start();
    let (mut stream, session) = open(&server);
    let pid = stream.text().parse().expect("a pid");
    assert_eq!(hand_in(&server, &session, &"x\n".repeat(20_000)), 204);
    let close = format!("/?session={session}&close");
    assert_eq!(hand_in_with(&server, &close, b""), 204);
    wait_until_gone(pid);
    assert_eq!(stream.closed().0, 1000);
}

#[test]
fn stream_on_which_nothing_is_said_has_comments() {
    let server = plain().args(["--pingms=50", "cat"]).start();
    let (mut stream, session) = open(&server);
    stream.wait_for_comment();
    stream.wait_for_comment();
    assert_eq!(hand_in(&server, &session, "a"), 204);
    assert_eq!(stream.text(), "a");
}

#[test]
fn time_limits_are_those_of_any_session() {
    for (flag, reason) in [
        ("--idle-timeout=1", "there was no message for 1 s"),
        ("--max-lifetime=1", "the session has lasted for 1 s"),
    ] {
        // A comment is no message.
        let server = plain().args([flag, "--pingms=100", "cat"]).start();
        let (mut stream, _) = open(&server);
        assert_eq!(stream.closed(), (1001, reason.to_owned()));
    }
}

#[test]
fn program_finds_the_request_and_no_subprotocol() {
    let server = plain()
        .program("echo \"$REQUEST_METHOD,$CONTENT_TYPE,$WS_PROTOCOL,$QUERY_STRING\"; cat")
        .start();
    let headers = "Content-Type: text/x\r\nSec-WebSocket-Protocol: a\r\n";
    for (method, body) in [("GET", ""), ("POST", "x"), ("PUT", "x")] {
        let mut stream = EventStream::ask(&server, method, "/?q=1", headers, body);
        stream.opened();
        assert_eq!(stream.text(), format!("{method},text/x,,q=1"));
    }
}

#[test]
fn script_at_the_path_goes_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let script =
        "#!/bin/sh\nprintf 'Content-Type: text/event-stream\\n\\n'; printf 'data: script\\n\\n'\n";
    support::script(directory.path(), "hello", script);
    let server = plain()
        .args([format!("--cgidir={}", directory.path().display())])
        .program("echo program; cat")
        .start();
    assert_eq!(EventStream::get(&server, "/hello", "").text(), "script");
    let mut stream = EventStream::get(&server, "/other", "");
    let session = stream.opened();
    assert_eq!(stream.text(), "program");
    let target = format!("/other?session={session}");
    assert_eq!(hand_in_with(&server, &target, b"a"), 204);
    assert_eq!(stream.text(), "a");
}

#[test]
fn events_come_while_the_body_goes_on() {
    let server = plain().args(["cat"]).start();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = EventStream::send(server.address, head);
    let session = stream.opened();
    stream.write(b"2\r\na\n\r\n");
    assert_eq!(stream.text(), "a");
    assert_eq!(hand_in(&server, &session, "b"), 204);
    assert_eq!(stream.text(), "b");
    stream.write(b"2\r\nc\n\r\n0\r\n\r\n");
    assert_eq!(stream.text(), "c");
    assert_eq!(stream.closed().0, 1000);
}

#[test]
fn stop_is_told_as_a_close() {
    let server = plain()
        .args(["--drain-timeout=2"])
        .program("exec sleep 1000")
        .start();
    let (mut stream, _) = open(&server);
    server.signal(support::Signal::TERM);
    assert_eq!(stream.closed().0, 1001);
}

#[test]
fn session_is_logged_and_counted_as_what_it_is() {
    let (mut server, admin) = support::operators::start(&["--plain-http", "cat"]);
    let (stream, session) = open(&server);
    let line = server.wait_for_line("session started");
    assert!(line.contains("http=\"events\""), "{line}");
    for name in ["wsd_sessions_open", "wsd_sessions_total"] {
        for (transport, number) in [("events", 1.0), ("post", 0.0), ("websocket", 0.0)] {
            let name = format!("{name}{{transport=\"{transport}\"}}");
            assert_eq!(figures(admin).get(&name), Some(&number), "{name}");
        }
    }
    drop(stream);
    resumed(&server, &format!("{session}.0"));
    let line = server.wait_for_line("event stream resumed");
    assert!(line.contains("session{id="), "{line}");
}

#[test]
fn hook_is_told_of_events() {
    let hook =
        "echo \"$WSD_TRANSPORT $REQUEST_METHOD $QUERY_STRING $HTTP_LAST_EVENT_ID\" >> \"$0.told\"";
    let site = support::hooks::HookedSite::new(hook, "--plain-http");
    let mut stream = EventStream::get(&site.server, "/x", "");
    let session = stream.opened();
    let target = format!("/x?session={session}&close");
    let last = format!("Last-Event-ID: {session}.0\r\n");
    drop(EventStream::get(&site.server, "/x", &last));
    assert_eq!(hand_in_with(&site.server, &target, b""), 204);
    assert_eq!(
        site.lines("hook.told", 3),
        [
            "events GET  ",
            "events GET  wsd-***.0",
            "events POST session=wsd-***&close ",
        ]
    );
}

#[test]
fn name_of_a_session_is_seen_nowhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let hook = "#!/bin/sh\nenv >> \"$0.told\"";
    let hook = support::script(directory.path(), "hook", hook);
    let records = directory.path().join("records");
    fs::create_dir(&records).expect("a directory");
    let mut server = plain()
        .args(["--loglevel=debug", "--h2c", "--admin=127.0.0.1:0"])
        .args([
            format!("--authorize={}", hook.display()),
            format!("--record={}", records.display()),
        ])
        .program("env; cat")
        .start();
    let admin = support::address_in(&server.wait_for_line("telling operators"));
    let (mut stream, session) = open(&server);
    // One that is resumed behind it.
    stream.text();
    let target = format!("/?session={session}");
    let referer = format!("Referer: http://localhost{target}\r\n");
    assert_eq!(
        support::event_stream::post(&server, &target, &referer, b"a").0,
        204
    );
    drop(stream);
    let headers = format!("Last-Event-ID: {session}.1\r\n{referer}");
    let mut seen = String::new();
    let mut stream = EventStream::get(&server, &target, &headers);
    stream.opened();
    // A session of its own, whose program sees what it is asked with.
    let raw = format!("/other?a=\"&x={session}");
    let mut other = EventStream::ask(&server, "POST", &raw, &referer, "b");
    let name = other.opened();
    while let Some(event) = other.next() {
        seen += &event.data;
    }
    assert!(seen.contains("x=wsd-***"), "{seen}");
    assert_eq!(
        hand_in_with(&server, &format!("/no?session={session}"), b"a"),
        404
    );
    assert_eq!(resume(&server, &format!("{session}.999")).status, 400);
    let encoded = format!("/?session=%77sd%2D{}", &session[4..]);
    assert_eq!(hand_in_with(&server, &encoded, b"a"), 404);
    let (curled, _) = curl(&[
        "--http2-prior-knowledge",
        "-d",
        "x",
        &format!("http://{}{target}", server.address),
    ]);
    assert_eq!(curled, "");
    let malformed = format!("G@T {target} HTTP/1.1\r\n\r\n");
    assert_eq!(http(server.address, &malformed).0, 400);
    seen += &support::operators::ask(admin, "GET", "/sessions").1;
    drop(stream);
    let close = format!("{target}&close");
    assert_eq!(hand_in_with(&server, &close, b""), 204);
    server.wait_for_line("session ended");
    server.signal(support::Signal::TERM);
    seen += &server.log();
    for file in fs::read_dir(&records).expect("a directory") {
        let bytes = fs::read(file.expect("a file").path()).expect("it is read");
        seen += &String::from_utf8_lossy(&bytes);
    }
    seen += &fs::read_to_string(directory.path().join("hook.told")).expect("a file");
    for name in [session, name] {
        let digits = name.trim_start_matches("wsd-");
        assert!(
            !seen.contains(digits),
            "{}",
            seen.lines()
                .find(|line| line.contains(digits))
                .expect("a line")
        );
    }
}

#[test]
fn stream_listens_to_a_room_and_a_post_speaks_in_it() {
    let server = plain().args(["--room=/chat"]).start();
    let mut listener = EventStream::get(&server, "/chat/lobby", "");
    let session = listener.opened();
    let post = |target: &str| hand_in_with(&server, target, b"hi");
    assert_eq!(post("/chat/lobby"), 200);
    assert_eq!(listener.text(), "hi");
    assert_eq!(post(&format!("/chat/lobby?session={session}")), 204);
    assert_eq!(listener.text(), "hi");
    let mut speaker = EventStream::ask(&server, "POST", "/chat/lobby", "", "ho");
    speaker.opened();
    assert_eq!(speaker.text(), "ho");
    assert_eq!(speaker.closed().0, 1000);
    assert_eq!(listener.text(), "ho");
}

#[test]
fn streams_share_a_program() {
    let server = plain().args(["--share", "cat"]).start();
    let ((mut one, session), (mut other, _)) = (open(&server), open(&server));
    let mut socket = server.connect();
    assert_eq!(hand_in(&server, &session, "hi"), 204);
    assert_eq!(
        (one.text(), other.text(), socket.text()),
        ("hi".into(), "hi".into(), "hi".into())
    );
}

/// What curl printed, and how it ended.
fn curl(words: &[&str]) -> (String, Option<i32>) {
    let output = forget_caller(&mut Command::new("curl"))
        .args(["-sS", "-N", "-k", "--max-time", "60"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("curl is there");
    let text = String::from_utf8(output.stdout).expect("text");
    (text, output.status.code())
}

const OF_EVENTS: [&str; 2] = ["-H", "Accept: text/event-stream"];

#[test]
fn curl_is_told_events_by_every_version() {
    for (flags, version) in [
        ("", "--http1.1"),
        ("--h2c", "--http2-prior-knowledge"),
        ("--ssl-selfsigned", "--http1.1"),
        ("--ssl-selfsigned", "--http2"),
    ] {
        let server = Gateway::with(flags)
            .args(["--plain-http"])
            .program("cat; exit 3")
            .start();
        let scheme = if flags.starts_with("--ssl") {
            "https"
        } else {
            "http"
        };
        let url = format!("{scheme}://localhost:{}/", server.port());
        let (said, status) = curl(&[&OF_EVENTS[..], &[version, "-d", "hello", &url]].concat());
        assert_eq!(status, Some(0), "{flags} {version} {said}");
        let end = ".1\ndata: hello\n\nevent: close\ndata: {\"code\":4003,\"reason\":\"the program exited with status 3\"}\n\n";
        assert!(
            said.starts_with("event: open\nid: wsd-") && said.ends_with(end),
            "{said}"
        );
    }
}

#[test]
fn stream_of_http_2_is_fed_and_resumed() {
    let server = plain().args(["--h2c"]).program("echo $$; cat").start();
    let url = format!("http://{}/", server.address);
    let mut child = forget_caller(&mut Command::new("curl"))
        .args(["-sS", "-N", "--http2-prior-knowledge"])
        .args(OF_EVENTS)
        .arg(&url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is there");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut said = String::new();
    while said.matches("\n\n").count() < 2 {
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("more");
        said.push(char::from(byte[0]));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let (_, session) = said.split_once("\"session\":\"").expect("an event");
    let session = &session[..session.find('"').expect("an end")];
    let target = format!("{url}?session={session}");
    let version = "--http2-prior-knowledge";
    assert_eq!(
        curl(&[version, "-d", "a", &target]),
        (String::new(), Some(0))
    );
    let mut stream = resumed(&server, &format!("{session}.1"));
    assert_eq!(stream.text(), "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_of_one_connection_are_more_than_its_turns_and_count_as_clients() {
    const STREAMS: usize = 120;
    let flags = format!("--plain-http --h2c --max-connections-per-ip={STREAMS} --room=/r");
    let server = Gateway::with(&flags).start();
    let connection = Connection::plain(server.address).await;
    let ask = async || {
        let mut request = connection.request(Method::GET, "/r/a");
        let accept = HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(ACCEPT, accept);
        connection.begin(request, true).await.0
    };
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let answer = ask().await;
        assert_eq!(answer.status(), 200);
        streams.push(answer);
    }
    assert_eq!(ask().await.status(), 429);
    // It is answered while all of them last.
    assert_eq!(connection.get("/").await.0.status, 404);
}

#[test]
fn client_of_http_1_0_is_told_until_the_connection_ends() {
    let server = plain().program("echo a").start();
    let request = "GET / HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    let mut stream = EventStream::send(server.address, request);
    stream.opened();
    assert_eq!(stream.text(), "a");
    assert_eq!(stream.closed().0, 1000);
}

#[test]
fn connection_stays_for_the_next_request() {
    let server = plain().program("echo a").start();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    let twice = format!(
        "{request}{}",
        request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    );
    let (status, _, body) = http(server.address, &twice);
    assert_eq!(status, 200);
    let text = String::from_utf8(body).expect("text");
    assert_eq!(text.matches("event: close").count(), 2, "{text}");
}

#[test]
fn request_that_came_meanwhile_is_answered_behind_the_stream() {
    let server = plain().program("read -r line; echo $line").start();
    let (mut stream, session) = open(&server);
    let next = "GET /other HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write(next.as_bytes());
    assert_eq!(hand_in(&server, &session, "a"), 204);
    assert_eq!(stream.text(), "a");
    assert_eq!(stream.closed().0, 1000);
    let (status, ..) = parsed(&stream.rest_of_connection());
    assert_eq!(status, 426);
}

#[test]
fn next_request_is_answered_however_late_it_comes() {
    let server = plain().program("echo a").start();
    let mut stream = EventStream::get(&server, "/", "");
    stream.opened();
    assert_eq!((stream.text(), stream.closed().0), ("a".into(), 1000));
    let next = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for piece in [&next[..5], &next[5..], "\r\n"] {
        stream.write(piece.as_bytes());
    }
    let (status, ..) = parsed(&stream.rest_of_connection());
    assert_eq!(status, 426);
}

#[test]
fn connection_that_is_to_be_closed_ends_with_the_stream() {
    let server = plain().program("echo a").start();
    let mut stream = EventStream::get(&server, "/", "Connection: close\r\n");
    assert_eq!(stream.headers["connection"], "close");
    stream.opened();
    assert_eq!((stream.text(), stream.closed().0), ("a".into(), 1000));
    assert_eq!(stream.rest_of_connection(), b"");
}

#[test]
fn client_that_shuts_its_direction_has_left_the_stream() {
    let server = Gateway::with("--plain-http --plain-http-resume=0")
        .args(["cat"])
        .start();
    let (stream, session) = open(&server);
    stream.shut();
    assert_eq!(stream.rest_of_connection(), b"");
    eventually("the session is gone", || {
        hand_in(&server, &session, "x") == 404
    });
}

#[test]
fn kernel_looks_for_clients_of_lasting_answers_and_not_of_others() {
    let server = plain().args(["cat"]).start();
    let (stream, _) = open(&server);
    let socket = server.connect();
    // It is answered when the program says something.
    let mut post = TcpStream::connect(server.address).expect("it listens");
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na";
    post.write_all(head.as_bytes()).expect("room");
    let asks = |port: u16| {
        let table = fs::read_to_string("/proc/net/tcp").expect("a table");
        let ours = format!(":{:04X} ", server.port());
        let peer = format!(":{port:04X} ");
        let line = table.lines().find(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let ends = |field: Option<&str>, end: &str| {
                field.is_some_and(|field| format!("{field} ").ends_with(end))
            };
            ends(fields.next(), &ours) && ends(fields.next(), &peer)
        });
        let timer = line.expect("a connection").split_whitespace().nth(5);
        timer.expect("a timer").starts_with("02:")
    };
    eventually("the client is looked for", || asks(stream.address().port()));
    assert!(!asks(
        socket.stream.local_addr().expect("an address").port()
    ));
}

#[test]
fn streams_that_nobody_reads_hold_up_nobody_and_little_memory() {
    const STREAMS: usize = 1000;
    let server = plain()
        .args(["--maxforks=0", "--room=/r", "--max-rate=0"])
        .start();
    let streams: Vec<_> = (0..STREAMS)
        .map(|_| EventStream::get(&server, "/r/a", ""))
        .collect();
    assert!(streams.iter().all(|stream| stream.status == 200));
    let (sender, ended) = mpsc::channel();
    let target = server.address;
    thread::spawn(move || {
        let line = "x".repeat(1000);
        let body = format!("{line}\n").repeat(1000);
        let length = body.len();
        let _ = http(
            target,
            &format!(
                "POST /r/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            ),
        );
        sender.send(()).expect("it is waited for");
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("an end");
    assert_eq!(server.status("/r/b", &[]), 101);
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: usize = resident.expect("a line").parse().expect("a number");
    // The ring of each, and what is on its way.
    assert!(kilobytes < STREAMS * 200, "{kilobytes} kB");
}
