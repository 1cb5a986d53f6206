//! Sessions without a WebSocket, by curl and other clients of plain HTTP: what `docs/plain-http.md` says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use crate::support::{
    self, Gateway, Server, assert_refused, forget_caller, http::parsed, operators::figures,
    wait_until_gone,
};

/// What curl printed, and how it ended.
fn curl(server: &Server, words: &[&str], body: &[u8]) -> (String, Option<i32>) {
    let mut child = start_curl(server, words);
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may have its answer before it has sent all.
    let _ = stdin.write_all(body);
    drop(stdin);
    let output = child.wait_with_output().expect("curl ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code())
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}/{path}", server.address)
}

fn start_curl(server: &Server, words: &[&str]) -> Child {
    forget_caller(&mut Command::new("curl"))
        .args(["-sS", "-N", "--max-time", "60"])
        .args(words)
        .arg(url(server, ""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is there")
}

/// The head of an answer and its body, as they came over the wire, to the end of the connection.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = Vec::new();
    // A connection that is cut off may end with a reset.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn plain() -> Gateway {
    Gateway::with("--plain-http")
}

#[test]
fn body_is_the_input_and_what_is_said_is_the_answer() {
    let server = plain().args(["cat"]).start();
    assert_eq!(
        curl(&server, &["-d", "hello"], b""),
        ("hello\n".to_owned(), Some(0))
    );
    assert_eq!(
        curl(&server, &["-T-"], b"a\r\n\nb"),
        ("a\n\nb\n".to_owned(), Some(0))
    );
}

#[test]
fn end_of_the_body_is_end_of_file_and_no_end_of_the_session() {
    let server = plain()
        .args(["sh", "-c", "sort; sleep 0.3; echo last"])
        .start();
    let (said, status) = curl(&server, &["--data-binary", "@-"], b"b\na\nc");
    assert_eq!((said.as_str(), status), ("a\nb\nc\nlast\n", Some(0)));
}

/// A request whose body goes on, and its answer: by hand, for curl may look at an answer only when there is more to send.
struct Conversation {
    stream: TcpStream,
    answer: BufReader<TcpStream>,
}

impl Conversation {
    fn begin(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        let timeout = Some(support::PATIENCE);
        stream.set_read_timeout(timeout).expect("a timeout");
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("it is taken");
        let answer = BufReader::new(stream.try_clone().expect("a descriptor"));
        Conversation { stream, answer }
    }

    fn say(&mut self, line: &[u8]) {
        let chunk = [format!("{:x}\r\n", line.len()).as_bytes(), line, b"\r\n"].concat();
        self.stream.write_all(&chunk).expect("it is taken");
    }

    /// Reads on until this has come.
    fn wait_for(&mut self, line: &str) {
        let mut read = String::new();
        while !read.ends_with(&format!("{line}\n")) {
            let length = self.answer.read_line(&mut read).expect("text");
            assert_ne!(length, 0, "{read}");
        }
    }

    /// What comes to the end of the connection.
    fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.answer.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

#[test]
fn one_request_is_a_conversation() {
    let server = plain().args(["cat"]).start();
    let mut conversation = Conversation::begin(&server);
    for line in ["one", "two"] {
        conversation.say(format!("{line}\n").as_bytes());
        conversation.wait_for(line);
    }
}

#[test]
fn program_that_fails_makes_curl_fail() {
    let server = plain().args(["sh", "-c", "cat; exit 3"]).start();
    assert_eq!(
        curl(&server, &["-d", "hello"], b""),
        ("hello\n".to_owned(), Some(18))
    );
}

#[test]
fn trailers_say_how_the_session_ended() {
    let server = plain().args(["sh", "-c", "cat; exit 3"]).start();
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE, close\r\nContent-Length: 2\r\n\r\nhi";
    let answer = raw(&server, request);
    assert!(
        answer.contains("\r\nTrailer: Wsd-Close, Wsd-Reason\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with(
            "0\r\nWsd-Close: 4003\r\nWsd-Reason: the program exited with status 3\r\n\r\n"
        ),
        "{answer}"
    );
    let (head, status) = curl(
        &plain().args(["--h2c", "sh", "-c", "cat; exit 3"]).start(),
        &["-i", "--http2-prior-knowledge", "-d", "hello"],
        b"",
    );
    assert_eq!(status, Some(0));
    assert!(head.contains("wsd-close: 4003"), "{head}");
}

#[test]
fn connection_stays_for_the_next_request() {
    let server = plain().args(["cat"]).start();
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).expect("it is taken");
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n0\r\n\r\n") {
            stream.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }
}

#[test]
fn bytes_go_both_ways_as_they_are() {
    let server = plain().args(["--binary", "cat"]).start();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let mut child = start_curl(&server, &["-i", "--data-binary", "@-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&bytes).expect("curl reads");
    drop(stdin);
    let output = child.wait_with_output().expect("curl ends");
    let mut answer = output.stdout;
    if answer.starts_with(b"HTTP/1.1 100") {
        answer.drain(.."HTTP/1.1 100 Continue\r\n\r\n".len());
    }
    let (status, headers, body) = parsed(&answer);
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert!(body == bytes, "{} bytes came", body.len());
}

#[test]
fn bytes_of_the_framing_text_are_as_they_are_and_events_are_text() {
    let server = plain()
        .args(["--framing=text"])
        .program("printf 'a\\377\\n\\303'; cat")
        .start();
    let mut child = start_curl(&server, &["-i", "-d", "b\n"]);
    drop(child.stdin.take());
    let (status, headers, body) = parsed(&child.wait_with_output().expect("curl ends").stdout);
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(body, b"a\xff\n\xc3b\n");
    let mut stream = support::event_stream::EventStream::get(&server, "/", "");
    stream.opened();
    assert_eq!(stream.text(), "a\u{fffd}\n");
    let target = support::Target::echo();
    let server = plain()
        .args([target.flag(), "--framing=text".to_owned()])
        .start();
    let mut child = start_curl(&server, &["--data-binary", "@-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"\xff\n\xc3").expect("curl reads");
    drop(stdin);
    let answer = child.wait_with_output().expect("curl ends").stdout;
    assert_eq!(answer, b"\xff\n\xc3");
}

#[test]
fn program_finds_a_request_and_no_subprotocol() {
    let server = plain()
        .program("echo $REQUEST_METHOD,$CONTENT_TYPE,$WS_PROTOCOL,$PATH_INFO,$QUERY_STRING")
        .start();
    let words = [
        "-X",
        "PUT",
        "-H",
        "Content-Type: text/x",
        "-d",
        "",
        "-H",
        "Sec-WebSocket-Protocol: a",
    ];
    assert_eq!(curl(&server, &words, b"").0, "PUT,text/x,,/,\n");
}

#[test]
fn body_that_is_no_text_is_refused_before_anything_was_answered() {
    let server = plain()
        .args(["--maxframesize=1000", "sh", "-c", "cat >/dev/null"])
        .start();
    let (answer, _) = curl(&server, &["-i", "--data-binary", "@-"], b"\xe9\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let (answer, _) = curl(&server, &["-i", "--data-binary", "@-"], &[b'a'; 1001]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("--maxframesize"), "{answer}");
}

#[test]
fn body_is_refused_as_a_whole_where_a_program_answers_at_its_end() {
    for program in [&["sort"][..], &["wc", "-l"]] {
        let mut server = plain().args(["--maxframesize=10"]).args(program).start();
        for (body, status) in [(&b"b\na\n\xff\n"[..], 400), (b"b\na\n12345678901\n", 413)] {
            let (answer, _) = curl(&server, &["-i", "--data-binary", "@-"], body);
            let start = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&start), "{program:?}: {answer}");
            // The program is ended in order all the same.
            let line = server.wait_for_line("session ended");
            assert!(line.contains("messages_in=2"), "{line}");
        }
        let (answer, _) = curl(&server, &["-i", "--data-binary", "@-"], b"b\na");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[test]
fn body_that_is_no_text_cuts_an_answer_that_has_begun() {
    let server = plain().args(["cat"]).start();
    let mut conversation = Conversation::begin(&server);
    conversation.say(b"good\n");
    conversation.wait_for("good");
    conversation.say(b"\xe9\n");
    let rest = conversation.rest();
    assert!(!rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn client_that_goes_ends_its_program() {
    let server = plain().program("echo $$; exec sleep 1000").start();
    let mut child = start_curl(&server, &["-d", ""]);
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("curl writes");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    wait_until_gone(line.trim().parse().expect("a pid"));
}

#[test]
fn pages_of_others_are_refused() {
    let server = plain()
        .args(["--origin=http://good.example", "cat"])
        .start();
    for (header, status) in [
        ("Origin: http://evil.example", "403"),
        ("Sec-Fetch-Site: cross-site", "403"),
        ("Sec-Fetch-Site: same-site", "403"),
        ("Sec-Fetch-Site: same-origin", "200"),
        ("Sec-Fetch-Site: none", "200"),
        ("Origin: http://good.example", "200"),
    ] {
        let (answer, _) = curl(&server, &["-i", "-d", "x", "-H", header], b"");
        let start = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&start), "{header}: {answer}");
    }
}

#[test]
fn page_that_may_ask_may_read_and_with_its_cookies_if_it_is_named() {
    let server = plain()
        .args(["--origin=http://good.example,*.many.example", "cat"])
        .start();
    let answer = |origin: &str| curl(&server, &["-i", "-d", "x", "-H", origin], b"").0;
    let named = answer("Origin: http://good.example");
    assert!(
        named.contains("\r\nAccess-Control-Allow-Origin: http://good.example\r\n"),
        "{named}"
    );
    assert!(
        named.contains("\r\nAccess-Control-Allow-Credentials: true\r\n"),
        "{named}"
    );
    assert!(named.contains("\r\nVary: Origin\r\n"), "{named}");
    let fitting = answer("Origin: http://a.many.example");
    assert!(
        fitting.contains("\r\nAccess-Control-Allow-Origin: http://a.many.example\r\n"),
        "{fitting}"
    );
    assert!(!fitting.contains("Credentials"), "{fitting}");
}

#[test]
fn framings_with_kinds_of_messages_are_for_websockets_alone() {
    for framing in ["length", "control"] {
        let server = plain()
            .args([&format!("--framing={framing}"), "cat"])
            .start();
        let (answer, _) = curl(&server, &["-i", "-d", "x"], b"");
        assert!(answer.starts_with("HTTP/1.1 406 "), "{answer}");
        assert!(answer.contains(framing), "{answer}");
    }
}

#[test]
fn terminal_is_for_websockets_alone() {
    let server = plain().args(["--terminal", "cat"]).start();
    let (answer, _) = curl(&server, &["-i", "-d", "x"], b"");
    assert!(answer.starts_with("HTTP/1.1 406 "), "{answer}");
    assert!(answer.contains("terminal"), "{answer}");
}

#[test]
fn end_of_the_body_is_end_of_file_of_a_pty() {
    let server = plain().args(["--pty", "sort"]).start();
    let (said, status) = curl(&server, &["--data-binary", "@-"], b"b\na\n");
    assert_eq!((said.as_str(), status), ("a\nb\n", Some(0)));
}

#[test]
fn get_is_told_of_post_and_options_of_both() {
    let server = plain().args(["cat"]).start();
    let (answer, _) = curl(&server, &["-i"], b"");
    assert!(
        answer.starts_with("HTTP/1.1 426 ") && answer.contains("POST"),
        "{answer}"
    );
    let (answer, _) = curl(&server, &["-i", "-X", "OPTIONS"], b"");
    assert!(
        answer.contains("\r\nAllow: GET, HEAD, POST, PUT, OPTIONS\r\n"),
        "{answer}"
    );
}

#[test]
fn without_the_flag_nothing_is_taken() {
    let server = Gateway::new().args(["cat"]).start();
    let (answer, _) = curl(&server, &["-i", "-d", "x"], b"");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[test]
fn post_speaks_in_a_room_and_hears_what_is_said_meanwhile() {
    let server = plain().args(["--room=/chat"]).start();
    let mut listener = server.connect_to("/chat/lobby");
    let mut child = forget_caller(&mut Command::new("curl"))
        .args(["-sS", "-d", "hi"])
        .arg(url(&server, "chat/lobby"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is there");
    assert_eq!(listener.text(), "hi");
    let mut said = String::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut said).expect("text");
    assert_eq!(said, "hi\n");
    assert!(child.wait().expect("curl ends").success());
}

#[test]
fn script_at_the_path_goes_before() {
    let directory = tempfile::tempdir().expect("a directory");
    support::script(
        directory.path(),
        "hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; echo script\n",
    );
    let server = plain()
        .args([&format!("--cgidir={}", directory.path().display()), "cat"])
        .start();
    let at = |path: &str| {
        let output = forget_caller(&mut Command::new("curl"))
            .args(["-sS", "-d", "program"])
            .arg(url(&server, path))
            .output();
        String::from_utf8(output.expect("curl runs").stdout).expect("text")
    };
    assert_eq!(at("hello"), "script\n");
    assert_eq!(at("other"), "program\n");
}

#[test]
fn client_of_http_1_0_gets_its_answer() {
    let server = plain().args(["sh", "-c", "sleep 0.3; cat"]).start();
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    let request = "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.ends_with("hi\n"), "{answer}");
    let server = plain().args(["sh", "-c", "cat; exit 3"]).start();
    let (said, status) = curl(&server, &["-0", "-d", "hi"], b"");
    assert_eq!((said.as_str(), status), ("hi\n", Some(0)));
}

#[test]
fn session_by_a_post_is_logged_as_that() {
    let mut server = plain().args(["cat"]).start();
    curl(&server, &["-d", "x"], b"");
    let line = server.wait_for_line("session started");
    assert!(line.contains("http=\"post\""), "{line}");
    server.wait_for_line("code=1000");
}

#[test]
fn sessions_of_both_kinds_are_counted() {
    let (server, admin) = support::operators::start(&["--plain-http", "cat"]);
    curl(&server, &["-d", "x"], b"");
    support::eventually("the session is counted", || {
        figures(admin).get("wsd_sessions_total{transport=\"post\"}") == Some(&1.0)
    });
}

#[test]
fn client_mode_has_no_use_for_it() {
    assert_refused(
        "--plain-http --connect=ws://localhost/",
        &["--plain-http", "--connect"],
    );
}
