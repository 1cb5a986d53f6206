//! Scripts that answer requests: CGI/1.1 (RFC 3875), seen from the client's end of the wire.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    self, Gateway, PATIENCE, Server, Signal, eventually, http,
    http::{Answer, parsed},
    is_alive, script, wait_until_gone,
};

/// A directory of scripts and a server for it.
struct Site {
    directory: tempfile::TempDir,
    server: Server,
}

impl Site {
    /// Serves scripts of the shell: names and what stands below the first line.
    fn new(options: &[&str], scripts: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in scripts {
            if let Some(parent) = Path::new(name).parent() {
                fs::create_dir_all(directory.path().join(parent)).expect("a directory");
            }
            script(directory.path(), name, &format!("#!/bin/sh\n{text}\n"));
        }
        let cgidir = format!("--cgidir={}", directory.path().display());
        Site {
            server: Gateway::new().args([&cgidir]).args(options).start(),
            directory,
        }
    }

    fn get(&self, target: &str) -> Answer {
        decoded(self.server.get(target))
    }

    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        decoded(http(
            self.server.address,
            &format!(
                "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}"
            ),
        ))
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
        stream
    }

    fn begin(&self, target: &str) -> TcpStream {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// The process id that a script has written to a file beside it.
    fn pid(&self, name: &str) -> i32 {
        let mut pid = None;
        eventually("the script has told its process id", || {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            pid = text.strip_suffix('\n').and_then(|text| text.parse().ok());
            pid.is_some()
        });
        pid.expect("a number")
    }
}

/// An answer with its chunks put together; panics if it breaks off.
fn decoded((status, headers, body): Answer) -> Answer {
    let body = match headers.contains_key("transfer-encoding") {
        true => unchunked(&body).expect("a whole body"),
        false => body,
    };
    (status, headers, body)
}

/// RFC 9112 §7.1; `None` for a body without its last chunk.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        let data = bytes.get(end + 2..end + 2 + size)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(data);
        bytes = bytes.get(end + 2 + size + 2..)?;
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.2).expect("text")
}

/// Reads until `part` has come.
fn read_until(stream: &mut TcpStream, part: &str) -> String {
    let mut found = Vec::new();
    while !String::from_utf8_lossy(&found).contains(part) {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).expect("an answer"),
            1,
            "{part} never came"
        );
        found.push(byte[0]);
    }
    String::from_utf8(found).expect("text")
}

fn mkfifo(path: &str) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()));
}

const ENV: &str = "printf 'Content-Type: text/plain\\n\\n'; env";

#[test]
fn path_is_split_at_the_script() {
    let site = Site::new(
        &["--staticdir=/srv"],
        &[("env.sh", ENV), ("sub/env.sh", ENV)],
    );
    for (target, name, info, translated, query) in [
        ("/env.sh", "/env.sh", "", "", ""),
        ("/env.sh/", "/env.sh", "/", "/srv/", ""),
        (
            "/env.sh/extra?x=1&y",
            "/env.sh",
            "/extra",
            "/srv/extra",
            "x=1&y",
        ),
        ("/sub/env.sh/a%20b", "/sub/env.sh", "/a b", "/srv/a b", ""),
    ] {
        let answer = site.get(target);
        assert_eq!(answer.0, 200, "{target}");
        for variable in [
            format!("SCRIPT_NAME={name}"),
            format!("PATH_INFO={info}"),
            format!("PATH_TRANSLATED={translated}"),
            format!("QUERY_STRING={query}"),
            format!("REQUEST_URI={target}"),
        ] {
            assert!(
                text(&answer).lines().any(|line| line == variable),
                "{variable} of {target}"
            );
        }
    }
}

#[test]
fn script_is_told_of_the_request() {
    let site = Site::new(&[], &[("env.sh", ENV)]);
    let headers = "Content-Type: text/x-mine\r\nContent-Length: 3\r\nX-Mine: 1\r\nProxy: evil\r\n";
    let answer = site.ask("PATCH", "/env.sh", headers, "abc");
    for line in [
        "GATEWAY_INTERFACE=CGI/1.1",
        "SERVER_PROTOCOL=HTTP/1.1",
        "REQUEST_METHOD=PATCH",
        "CONTENT_TYPE=text/x-mine",
        "CONTENT_LENGTH=3",
        "HTTP_X_MINE=1",
        "REMOTE_ADDR=127.0.0.1",
    ] {
        assert!(text(&answer).lines().any(|found| found == line), "{line}");
    }
    assert!(!text(&answer).contains("HTTP_PROXY"));
    let id = text(&answer)
        .lines()
        .find_map(|line| line.strip_prefix("UNIQUE_ID="));
    assert_eq!(id.map(str::len), Some(36));
}

#[test]
fn script_finds_no_variable_that_says_nothing() {
    let site = Site::new(&["--passenv=PATH,REMOTE_USER"], &[("env.sh", ENV)]);
    let answer = site.get("/env.sh");
    let is_set = |name: &str| {
        let mut lines = text(&answer).lines();
        lines.any(|line| line.split_once('=').is_some_and(|(found, _)| found == name))
    };
    for name in [
        "AUTH_TYPE",
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "DOCUMENT_ROOT",
        "REMOTE_IDENT",
        "REMOTE_USER",
    ] {
        assert!(!is_set(name), "{name}");
    }
    assert!(is_set("QUERY_STRING") && is_set("PATH_INFO"));
}

#[test]
fn script_finds_what_other_servers_tell() {
    let files = tempfile::tempdir().expect("a directory");
    let root = files.path().to_str().expect("text");
    let flag = format!("--staticdir={root}");
    let site = Site::new(&[&flag], &[("env.sh", ENV)]);
    let answer = site.get("/env.sh");
    let root = format!("DOCUMENT_ROOT={root}");
    for line in [
        &root,
        "SERVER_ADDR=127.0.0.1",
        "REQUEST_SCHEME=http",
        "LC_CTYPE=C.UTF-8",
    ] {
        assert!(text(&answer).lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn job_in_a_session_of_its_own_outlives_its_script() {
    // The shell ends as soon as it has started the job, which has yet to leave its group.
    let job = "setsid sh -c 'echo $$ >pid.new; mv pid.new pid; exec sleep 1000' </dev/null >/dev/null 2>&1 &";
    let site = Site::new(&[], &[("job.sh", &format!("printf 'X: y\\n\\n'\n{job}"))]);
    for _ in 0..20 {
        assert_eq!(site.get("/job.sh").0, 200);
        let pid = site.pid("pid");
        assert!(is_alive(pid));
        support::kill(pid, Signal::KILL);
        fs::remove_file(site.path("pid")).expect("it was there");
    }
}

#[test]
fn every_method_goes_to_the_script() {
    let site = Site::new(
        &[],
        &[(
            "m.sh",
            "printf 'X-Method: %s\\n\\n%s' $REQUEST_METHOD $REQUEST_METHOD",
        )],
    );
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"] {
        let answer = site.ask(method, "/m.sh", "", "");
        assert_eq!((answer.0, text(&answer)), (200, method));
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let site = Site::new(
        &[],
        &[(
            "m.sh",
            "printf 'X-Method: %s\\nContent-Length: 4\\n\\nbody' $REQUEST_METHOD",
        )],
    );
    let (status, headers, body) = site.ask("HEAD", "/m.sh", "", "");
    assert_eq!((status, &body[..]), (200, &b""[..]));
    assert_eq!(
        (
            headers["x-method"].as_str(),
            headers["content-length"].as_str()
        ),
        ("HEAD", "4")
    );
}

#[test]
fn statuses_without_a_body_have_none() {
    let site = Site::new(
        &[],
        &[("s.sh", "printf 'Status: %s\\n\\nbody' $QUERY_STRING")],
    );
    for status in [204, 304] {
        let answer = site.get(&format!("/s.sh?{status}"));
        assert_eq!((answer.0, text(&answer)), (status, ""));
    }
}

#[test]
fn script_runs_in_its_own_directory() {
    let site = Site::new(&[], &[("sub/pwd.sh", "printf 'X: y\\n\\n'; pwd -P")]);
    let directory = site
        .directory
        .path()
        .canonicalize()
        .expect("a path")
        .join("sub");
    assert_eq!(
        text(&site.get("/sub/pwd.sh")).trim_end(),
        directory.to_str().expect("text")
    );
}

const ECHO: &str = "printf 'X-Length: %s\\n\\n' \"$CONTENT_LENGTH\"; cat";

#[test]
fn body_with_a_length_reaches_stdin() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let answer = site.ask("POST", "/echo.sh", "Content-Length: 5\r\n", "hello");
    assert_eq!(
        (answer.1["x-length"].as_str(), text(&answer)),
        ("5", "hello")
    );
}

#[test]
fn chunked_body_has_its_exact_length() {
    let site = Site::new(&[], &[("echo.sh", ECHO), ("env.sh", ENV)]);
    let coding = "Transfer-Encoding: chunked\r\n";
    let answer = site.ask(
        "POST",
        "/echo.sh",
        coding,
        "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
    );
    assert_eq!(
        (answer.1["x-length"].as_str(), text(&answer)),
        ("5", "hello")
    );
    let answer = site.ask("POST", "/env.sh", coding, "0\r\n\r\n");
    assert!(text(&answer).lines().any(|line| line == "CONTENT_LENGTH=0"));
    assert!(!text(&answer).contains("TRANSFER_ENCODING"));
}

#[test]
fn request_without_a_body_has_no_length_and_an_empty_stdin() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let answer = site.get("/echo.sh");
    assert_eq!((answer.1["x-length"].as_str(), text(&answer)), ("", ""));
}

/// Sends a body from a second thread, as it comes back.
fn echo(site: &Site, head: &str, body: Vec<u8>) -> Answer {
    let mut stream = site.send(&format!(
        "POST /echo.sh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n"
    ));
    let mut sending = stream.try_clone().expect("a descriptor");
    let sender = thread::spawn(move || sending.write_all(&body));
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    sender
        .join()
        .expect("no panic")
        .expect("the server reads all");
    decoded(parsed(&answer))
}

fn five_megabytes() -> Vec<u8> {
    (0..5_000_000_u32)
        .map(|number| (number * 7 / 3) as u8)
        .collect()
}

#[test]
fn large_body_comes_back_while_it_is_sent() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let body = five_megabytes();
    let answer = echo(&site, "Content-Length: 5000000\r\n", body.clone());
    assert!(
        answer.2 == body,
        "{} bytes of {}",
        answer.2.len(),
        body.len()
    );
}

#[test]
fn large_chunked_body_is_spooled_and_comes_back() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let body = five_megabytes();
    let mut coded = Vec::new();
    for piece in body.chunks(33_333) {
        coded.extend(format!("{:x}\r\n", piece.len()).bytes());
        coded.extend(piece);
        coded.extend(b"\r\n");
    }
    coded.extend(b"0\r\n\r\n");
    let answer = echo(&site, "Transfer-Encoding: chunked\r\n", coded);
    assert_eq!(answer.1["x-length"], "5000000");
    assert!(
        answer.2 == body,
        "{} bytes of {}",
        answer.2.len(),
        body.len()
    );
}

#[test]
fn script_need_not_read_its_body() {
    let site = Site::new(&[], &[("echo.sh", "printf 'X: y\\n\\nenough'")]);
    let answer = echo(&site, "Content-Length: 5000000\r\n", five_megabytes());
    assert_eq!((answer.0, text(&answer)), (200, "enough"));
}

#[test]
fn script_may_write_much_before_it_reads() {
    let site = Site::new(
        &[],
        &[(
            "echo.sh",
            "printf 'X: y\\n\\n'; head -c 3000000 /dev/zero; wc -c",
        )],
    );
    let answer = echo(&site, "Content-Length: 5000000\r\n", five_megabytes());
    assert_eq!(answer.2.len(), 3_000_008);
    assert!(answer.2.ends_with(b"5000000\n"));
}

#[test]
fn client_may_send_all_before_it_reads() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let mut stream = site.send(
        "POST /echo.sh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: 10000000\r\n\r\n",
    );
    let body = [five_megabytes(), five_megabytes()].concat();
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(&body).expect("the server reads all");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert!(decoded(parsed(&answer)).2 == body);
}

#[test]
fn first_piece_arrives_before_the_script_ends() {
    let site = Site::new(&[], &[("slow.sh", "printf 'X: y\\n\\nfirst\\n'; cat fifo")]);
    mkfifo(&site.path("fifo"));
    let mut stream = site.begin("/slow.sh");
    read_until(&mut stream, "first\n");
    // Only now may it go on.
    fs::write(site.path("fifo"), "second\n").expect("a reader");
    read_until(&mut stream, "second\n");
    read_until(&mut stream, "\r\n0\r\n\r\n");
}

#[test]
fn status_and_reason_are_the_scripts() {
    let site = Site::new(
        &[],
        &[("s.sh", "printf 'Status: 418 Short and stout\\n\\ntea'")],
    );
    let mut stream = site.begin("/s.sh");
    assert!(read_until(&mut stream, "tea").starts_with("HTTP/1.1 418 Short and stout\r\n"));
}

#[test]
fn headers_are_passed_on_with_either_line_end() {
    let script = "printf 'X-One: 1\\r\\nX-Two: 2\\nConnection: keep-alive\\nTransfer-Encoding: gzip\\r\\n\\r\\n\\nbody'";
    let site = Site::new(&[], &[("h.sh", script)]);
    let answer = site.get("/h.sh");
    assert_eq!(
        (answer.1["x-one"].as_str(), answer.1["x-two"].as_str()),
        ("1", "2")
    );
    assert_eq!(answer.1["transfer-encoding"], "chunked");
    assert_eq!(text(&answer), "\nbody");
}

#[test]
fn location_elsewhere_is_the_clients_to_follow() {
    let site = Site::new(
        &[],
        &[("l.sh", "printf 'Location: http://example.org/x\\n\\n'")],
    );
    let (status, headers, _) = site.get("/l.sh");
    assert_eq!(
        (status, headers["location"].as_str()),
        (302, "http://example.org/x")
    );
}

#[test]
fn location_here_is_answered_at_once_and_as_a_get() {
    let site = Site::new(
        &["--maxforks=1"],
        &[
            ("l.sh", "printf 'Location: /m.sh/info?x=1\\n\\n'"),
            (
                "m.sh",
                "printf 'X: y\\n\\n'; echo $REQUEST_METHOD $PATH_INFO $QUERY_STRING [$CONTENT_LENGTH]; cat",
            ),
        ],
    );
    let answer = site.ask("POST", "/l.sh", "Content-Length: 4\r\n", "body");
    assert_eq!((answer.0, text(&answer)), (200, "GET /info x=1 []\n"));
}

#[test]
fn location_here_may_be_a_file() {
    let files = tempfile::tempdir().expect("a directory");
    fs::write(files.path().join("page.html"), "<p>page").expect("a file");
    let staticdir = format!("--staticdir={}", files.path().display());
    let site = Site::new(
        &[&staticdir],
        &[("l.sh", "printf 'Location: /page.html\\n\\n'")],
    );
    let answer = site.ask("POST", "/l.sh", "Content-Length: 4\r\n", "body");
    assert_eq!((answer.0, text(&answer)), (200, "<p>page"));
}

#[test]
fn hostile_location_is_refused() {
    let site = Site::new(
        &[],
        &[("l.sh", "printf 'Location: %s\\n\\n' \"$QUERY_STRING\"")],
    );
    for location in [
        "/../etc/passwd",
        "/a/%2e%2e/b",
        "/a%2fb",
        "/%00",
        "//other/x",
        "/a\\b",
    ] {
        assert_eq!(site.get(&format!("/l.sh?{location}")).0, 502, "{location}");
    }
}

#[test]
fn loop_of_locations_is_cut() {
    let script = "echo >>count; printf 'Location: /l.sh\\n\\n'";
    let site = Site::new(&[], &[("l.sh", script)]);
    let answer = site.get("/l.sh");
    assert_eq!(answer.0, 502);
    assert!(
        text(&answer).contains("10 local redirects"),
        "{}",
        text(&answer)
    );
    assert_eq!(fs::read(site.path("count")).expect("a file").len(), 11);
}

#[test]
fn nph_script_speaks_http() {
    let script = "printf 'HTTP/1.1 299 Mine\\r\\nX-Mine: 1\\r\\nLocation: /x\\r\\n\\r\\nbody'";
    let site = Site::new(
        &[],
        &[
            ("nph-a.sh", script),
            ("sub/nph-b.sh", "printf 'X: y\\n\\n'"),
        ],
    );
    let answer = site.get("/nph-a.sh");
    assert_eq!((answer.0, text(&answer)), (299, "body"));
    assert_eq!(
        (answer.1["x-mine"].as_str(), answer.1["location"].as_str()),
        ("1", "/x")
    );
    assert_eq!(site.get("/sub/nph-b.sh").0, 502);
}

#[test]
fn longer_output_than_announced_is_cut() {
    let site = Site::new(
        &[],
        &[("l.sh", "printf 'Content-Length: 4\\n\\nbody and more'")],
    );
    let (status, headers, body) = site.server.get("/l.sh");
    assert_eq!(
        (status, headers["content-length"].as_str(), &body[..]),
        (200, "4", &b"body"[..])
    );
}

#[test]
fn shorter_output_than_announced_breaks_the_connection() {
    let mut site = Site::new(&[], &[("l.sh", "printf 'Content-Length: 40\\n\\nbody'")]);
    let (_, headers, body) = site.server.get("/l.sh");
    assert_eq!(
        (headers["content-length"].as_str(), &body[..]),
        ("40", &b"body"[..])
    );
    site.server.wait_for_line("lacks 36 bytes");
}

#[test]
fn answer_of_a_script_that_is_killed_does_not_look_whole() {
    let mut site = Site::new(&[], &[("k.sh", "printf 'X: y\\n\\nhalf'; kill -9 $$")]);
    let (status, _, body) = site.server.get("/k.sh");
    assert_eq!((status, unchunked(&body)), (200, None));
    site.server.wait_for_line("ended by signal 9");
}

#[test]
fn body_over_the_limit_is_413() {
    let site = Site::new(&["--cgi-maxbody=8"], &[("echo.sh", ECHO)]);
    let length = |length: usize, body| {
        site.ask(
            "POST",
            "/echo.sh",
            &format!("Content-Length: {length}\r\n"),
            body,
        )
    };
    assert_eq!(length(8, "12345678").0, 200);
    assert_eq!(length(9, "123456789").0, 413);
    let chunked = |body| site.ask("POST", "/echo.sh", "Transfer-Encoding: chunked\r\n", body);
    assert_eq!(chunked("8\r\n12345678\r\n0\r\n\r\n").0, 200);
    assert_eq!(chunked("8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n").0, 413);
}

#[test]
fn answer_413_reaches_a_client_that_sends_on() {
    let site = Site::new(&["--cgi-maxbody=8"], &[("echo.sh", ECHO)]);
    let answer = echo(&site, "Content-Length: 5000000\r\n", five_megabytes());
    assert_eq!(answer.0, 413);
}

#[test]
fn zero_is_no_limit_of_the_body() {
    let site = Site::new(
        &["--cgi-maxbody=0"],
        &[("echo.sh", "wc -c >size; printf 'X: y\\n\\n'")],
    );
    let answer = echo(
        &site,
        "Content-Length: 12000000\r\n",
        vec![b'x'; 12_000_000],
    );
    assert_eq!(answer.0, 200);
    assert_eq!(
        fs::read_to_string(site.path("size"))
            .expect("a file")
            .trim(),
        "12000000"
    );
}

/// As short as a busy machine allows: within it a script has to start and say its first word.
const TIMEOUT: &str = "--cgi-timeout=3";

#[test]
fn header_that_does_not_come_is_504_and_the_group_goes() {
    let script = "sleep 1000 & echo $! >child; echo $$ >leader; wait";
    let site = Site::new(&[TIMEOUT], &[("t.sh", script)]);
    assert_eq!(site.get("/t.sh").0, 504);
    wait_until_gone(site.pid("leader"));
    wait_until_gone(site.pid("child"));
}

#[test]
fn time_limit_of_a_script_is_told_as_it_was_set() {
    let site = Site::new(&["--cgi-timeout=500ms"], &[("t.sh", "exec sleep 1000")]);
    let (status, _, body) = site.server.get("/t.sh");
    assert_eq!(status, 504);
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("within the 500 ms that"), "{body}");
}

#[test]
fn script_that_falls_silent_breaks_the_connection() {
    let mut site = Site::new(
        &[TIMEOUT],
        &[(
            "t.sh",
            "echo $$ >leader; printf 'X: y\\n\\nhalf'; exec sleep 1000",
        )],
    );
    let (status, _, body) = site.server.get("/t.sh");
    assert_eq!((status, unchunked(&body)), (200, None));
    site.server.wait_for_line("silent");
    wait_until_gone(site.pid("leader"));
}

#[test]
fn chunked_body_that_stops_coming_is_408() {
    let site = Site::new(&["--cgi-timeout=1"], &[("echo.sh", ECHO)]);
    let answer = site.ask(
        "POST",
        "/echo.sh",
        "Transfer-Encoding: chunked\r\n",
        "5\r\nhe",
    );
    assert_eq!(answer.0, 408);
}

#[test]
fn body_with_a_length_that_stops_coming_is_408_and_the_group_goes() {
    let script = "sleep 1000 & echo $! >child; echo $$ >leader; cat; wait";
    let site = Site::new(&[TIMEOUT], &[("t.sh", script)]);
    let answer = site.ask("POST", "/t.sh", "Content-Length: 5\r\n", "he");
    assert_eq!(answer.0, 408);
    wait_until_gone(site.pid("leader"));
    wait_until_gone(site.pid("child"));
}

#[test]
fn body_that_stops_coming_breaks_an_answer_that_has_begun() {
    let site = Site::new(&[TIMEOUT], &[("echo.sh", ECHO)]);
    let mut stream =
        site.send("POST /echo.sh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nhalf");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("half") && !answer.ends_with("0\r\n\r\n"));
}

#[test]
fn slow_upload_is_not_the_scripts_time() {
    const LIMIT: Duration = Duration::from_secs(2);
    let site = Site::new(
        &["--cgi-timeout=2"],
        &[("wc.sh", "printf 'X: y\\n\\n'; wc -c")],
    );
    let upload = || {
        let mut stream = site.send(
            "POST /wc.sh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n\r\n",
        );
        let mut longest = Duration::ZERO;
        for _ in 0..4 {
            // Each pause is within the limit, their sum is not.
            let begun = Instant::now();
            thread::sleep(LIMIT / 3);
            longest = longest.max(begun.elapsed());
            // An upload that was too slow has been cut off.
            let _ = stream.write_all(b"x");
        }
        (longest, stream)
    };
    // A pause that a busy machine made longer proves nothing.
    let mut stream = loop {
        let (longest, stream) = upload();
        if longest < LIMIT * 2 / 3 {
            break stream;
        }
    };
    let answer = read_until(&mut stream, "0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\r\n4\n"), "{answer}");
}

#[test]
fn group_goes_with_a_client_that_waits_for_the_header() {
    let site = Site::new(
        &[],
        &[("g.sh", "sleep 1000 & echo $! >child; echo $$ >leader; wait")],
    );
    let stream = site.begin("/g.sh");
    let (child, leader) = (site.pid("child"), site.pid("leader"));
    assert!(is_alive(leader));
    drop(stream);
    wait_until_gone(leader);
    wait_until_gone(child);
}

#[test]
fn group_goes_with_a_client_that_has_half_the_answer() {
    let script = "trap '' INT TERM; sleep 1000 & echo $! >child; echo $$ >leader; printf 'X: y\\n\\nhalf'; wait";
    let site = Site::new(&[], &[("g.sh", script)]);
    let mut stream = site.begin("/g.sh");
    read_until(&mut stream, "half");
    let (child, leader) = (site.pid("child"), site.pid("leader"));
    drop(stream);
    wait_until_gone(leader);
    wait_until_gone(child);
}

#[test]
fn group_goes_with_a_client_that_breaks_off_its_body() {
    let site = Site::new(
        &[],
        &[("g.sh", "echo $$ >leader; cat >/dev/null; exec sleep 1000")],
    );
    let stream =
        site.send("POST /g.sh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
    let leader = site.pid("leader");
    drop(stream);
    wait_until_gone(leader);
}

#[test]
fn group_goes_with_a_client_whose_body_was_not_read() {
    let site = Site::new(&[], &[("g.sh", "echo $$ >leader; exec sleep 1000")]);
    let mut stream =
        site.send("POST /g.sh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n");
    stream
        .write_all(&[b'x'; 1_000_000])
        .expect("the kernel and the server take that");
    let leader = site.pid("leader");
    drop(stream);
    wait_until_gone(leader);
}

#[test]
fn script_is_ended_when_the_client_takes_nothing() {
    let script = "echo $$ >leader; printf 'X: y\\n\\n'; exec yes";
    let mut site = Site::new(&["--write-timeout=200"], &[("y.sh", script)]);
    let _stream = site.begin("/y.sh");
    let leader = site.pid("leader");
    site.server.wait_for_line("--write-timeout");
    wait_until_gone(leader);
}

#[test]
fn client_of_the_first_version_gets_the_body_until_the_end() {
    let site = Site::new(&[], &[("v.sh", "printf 'X: y\\n\\n%s' $SERVER_PROTOCOL")]);
    let (status, headers, body) = http(
        site.server.address,
        "GET /v.sh HTTP/1.0\r\nHost: localhost\r\n\r\n",
    );
    assert_eq!((status, &body[..]), (200, &b"HTTP/1.0"[..]));
    assert!(!headers.contains_key("transfer-encoding"));
}

#[test]
fn what_a_script_leaves_behind_does_not_hold_the_answer() {
    let site = Site::new(
        &[],
        &[(
            "b.sh",
            "printf 'X: y\\n\\nall'; sleep 1000 & echo $! >child",
        )],
    );
    let answer = site.get("/b.sh");
    assert_eq!(text(&answer), "all");
    wait_until_gone(site.pid("child"));
}

#[test]
fn script_that_closes_its_stdout_works_on() {
    let works =
        "printf 'X: y\\n\\nall'; exec >&-; cat >body; read -r word <fifo; echo \"$word\" >word";
    let site = Site::new(&["--maxforks=1"], &[("w.sh", works), ("s.sh", ENV)]);
    mkfifo(&site.path("fifo"));
    let body = "x".repeat(3_000_000);
    let answer = site.ask("POST", "/w.sh", "Content-Length: 3000000\r\n", &body);
    assert_eq!(text(&answer), "all");
    // It still counts, and is not told to end.
    assert_eq!(site.get("/s.sh").0, 503);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(site.get("/s.sh").0, 503);
    fs::write(site.path("fifo"), "go\n").expect("a reader");
    eventually("it has done its work", || {
        fs::read_to_string(site.path("word")).is_ok_and(|word| word == "go\n")
    });
    assert_eq!(
        fs::read(site.path("body")).expect("a file").len(),
        body.len()
    );
    eventually("it has ended", || site.get("/s.sh").0 == 200);
}

#[test]
fn script_that_closes_its_stdout_and_never_ends_is_ended() {
    let stays = "echo $$ >leader; printf 'X: y\\n\\nall'; exec >&-; exec sleep 1000";
    let site = Site::new(&[TIMEOUT], &[("w.sh", stays)]);
    assert_eq!(text(&site.get("/w.sh")), "all");
    wait_until_gone(site.pid("leader"));
}

#[test]
fn running_script_has_its_time_when_the_server_stops() {
    let mut site = Site::new(&[], &[("s.sh", "printf 'X: y\\n\\nfirst\\n'; cat fifo")]);
    mkfifo(&site.path("fifo"));
    let mut stream = site.begin("/s.sh");
    read_until(&mut stream, "first\n");
    site.server.signal(Signal::TERM);
    site.server.wait_for_line("stopping");
    fs::write(site.path("fifo"), "second\n").expect("a reader");
    read_until(&mut stream, "second\n");
    read_until(&mut stream, "\r\n0\r\n\r\n");
    assert_eq!(site.server.wait().code(), Some(0));
}

#[test]
fn script_is_ended_when_a_drain_takes_too_long() {
    let script = "sleep 1000 & echo $! >child; echo $$ >leader; wait";
    let mut site = Site::new(&["--drain-timeout=1"], &[("s.sh", script)]);
    let mut stream = site.begin("/s.sh");
    let (child, leader) = (site.pid("child"), site.pid("leader"));
    site.server.signal(Signal::TERM);
    assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 503 "));
    assert_eq!(site.server.wait().code(), Some(0));
    wait_until_gone(leader);
    wait_until_gone(child);
}

#[test]
fn what_is_no_answer_is_502_with_a_reason_in_the_log() {
    for (script, reason) in [
        ("exit 3", "printed nothing, and exited with status 3"),
        (":", "printed nothing, and exited with status 0"),
        (
            "exec >&-; exec sleep 1000",
            "printed nothing, and closed its stdout",
        ),
        ("echo", "no header before the empty line"),
        ("echo 'hello, world'; echo", "line 1"),
        ("head -c 5000 /dev/zero", "did not complete its header"),
        ("printf 'X: \\001\\n\\n'", "line 1"),
        (
            "printf 'X: y\\n'",
            "did not complete its header, and exited with status 0",
        ),
        (
            "printf 'X: y'; exit 7",
            "did not complete its header, and exited with status 7",
        ),
        ("kill -9 $$", "printed nothing, and was ended by signal 9"),
        (
            "printf 'X: y\\nX: '; head -c 1000000 /dev/zero | tr '\\0' x; printf '\\n\\n'",
            "larger than 65536",
        ),
        ("yes x", "larger than 65536"),
        ("printf 'Status: 1000\\n\\n'", "bad Status"),
    ] {
        let mut site = Site::new(&[], &[("bad.sh", script)]);
        assert_eq!(site.get("/bad.sh").0, 502, "{script}");
        let line = site.server.wait_for_line("refused");
        assert!(line.contains(reason), "{script}: {line}");
    }
}

#[test]
fn line_that_is_no_field_is_left_out_and_logged() {
    let script = "printf 'Content-Type: text/plain\\n<!--: x\\n\\nhi'";
    let mut site = Site::new(&[], &[("odd.sh", script)]);
    let answer = site.get("/odd.sh");
    assert_eq!((answer.0, text(&answer)), (200, "hi"));
    let line = site.server.wait_for_line("no header fields");
    assert!(line.contains("[2]"), "{line}");
}

#[test]
fn empty_segments_behind_a_script_are_path_info() {
    let script = "printf 'X: y\\n\\n%s' \"$PATH_INFO\"";
    let site = Site::new(&[], &[("env.sh", script)]);
    for (target, info) in [("/env.sh//a", "//a"), ("/env.sh/a//", "/a//")] {
        let answer = site.get(target);
        assert_eq!((answer.0, text(&answer)), (200, info), "{target}");
    }
    assert_eq!(site.get("//env.sh").0, 404);
}

#[test]
fn stderr_is_in_the_log_with_the_requests_id() {
    let script = "echo oops >&2; printf 'X: y\\n\\n%s' $UNIQUE_ID";
    let mut site = Site::new(&[], &[("e.sh", script)]);
    let answer = site.get("/e.sh");
    let line = site.server.wait_for_line("oops");
    assert!(
        line.contains(&format!("request{{id=\"{}\"}}", text(&answer))),
        "{line}"
    );
}

#[test]
fn places_are_shared_with_sessions() {
    let site = Site::new(
        &["--maxforks=1", "cat"],
        &[("p.sh", "printf 'X: y\\n\\nran'")],
    );
    let client = site.server.connect();
    let answer = site.get("/p.sh");
    assert_eq!((answer.0, answer.1["retry-after"].as_str()), (503, "1"));
    client.close();
    eventually("the place is free", || site.get("/p.sh").0 == 200);
    // A place is free when the answer has ended.
    for _ in 0..20 {
        assert_eq!(site.get("/p.sh").0, 200);
    }
}

#[test]
fn scripts_of_many_languages_answer() {
    let server = Gateway::with("--cgidir=examples/cgi").start();
    let shell = decoded(server.get("/hello.sh/world"));
    assert_eq!(
        text(&shell),
        "Hello from the shell. You asked for /world.\n"
    );
    let perl = decoded(server.get("/hello.pl"));
    assert_eq!(text(&perl), "Hello from Perl, which counts: 1 2 3\n");
    let python = decoded(http(
        server.address,
        "POST /hello.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\nname=Alice",
    ));
    assert_eq!(
        text(&python),
        "Hello from Python. Your POST had 10 bytes of body.\n"
    );
}

/// Asks the example in PHP.
fn ask_php(method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let server = Gateway::with("--cgidir=examples/cgi").start();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    decoded(http(server.address, &request))
}

#[test]
fn php_has_query_and_path() {
    let answer = ask_php("GET", "/hello.php/a/b?name=%3CAlice%3E", "", "");
    assert_eq!(
        (answer.0, answer.1["content-type"].as_str()),
        (200, "text/plain;charset=UTF-8")
    );
    assert_eq!(
        text(&answer),
        "Hello from PHP, <Alice>. Your GET asked hello.php for /a/b.\n"
    );
}

#[test]
fn php_has_forms_and_cookies_and_sets_them() {
    let headers = "Content-Type: application/x-www-form-urlencoded\r\nCookie: visits=4\r\n";
    let answer = ask_php("POST", "/hello.php", headers, "name=B%C3%B6b&x=1");
    assert_eq!(answer.0, 200);
    assert!(
        text(&answer).starts_with("Hello from PHP, B\u{f6}b. Your POST"),
        "{}",
        text(&answer)
    );
    assert_eq!(answer.1["set-cookie"], "visits=5");
}

#[test]
fn php_has_uploaded_files() {
    let body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\r\nfive!\r\n--x--\r\n";
    let headers = "Content-Type: multipart/form-data; boundary=x\r\n";
    let answer = ask_php("POST", "/hello.php", headers, body);
    assert!(
        text(&answer).ends_with("f.txt has 5 bytes.\n"),
        "{}",
        text(&answer)
    );
}

#[test]
fn php_sets_status_and_location() {
    let answer = ask_php("GET", "/hello.php?status=404", "", "");
    assert_eq!(answer.0, 404);
    let answer = ask_php("GET", "/hello.php?manual", "", "");
    assert_eq!(
        (answer.0, answer.1["location"].as_str()),
        (302, "https://www.php.net/manual/")
    );
}

#[test]
fn source_is_never_served() {
    let files = tempfile::tempdir().expect("a directory");
    let root = files.path().join("root");
    let scripts = root.join("cgi-bin");
    fs::create_dir_all(scripts.join("sub")).expect("a directory");
    fs::write(root.join("page"), "page").expect("a file");
    script(
        &scripts,
        "s.sh",
        "#!/bin/sh\nprintf 'X: y\\n\\nran' # secret\n",
    );
    script(
        &scripts,
        ".hidden.sh",
        "#!/bin/sh\nprintf 'X: y\\n\\nran' # secret\n",
    );
    for name in ["data", "index.html", "sub/module", "sub/index.html"] {
        fs::write(scripts.join(name), "secret").expect("a file");
    }
    symlink("cgi-bin", root.join("link")).expect("a link");
    symlink("cgi-bin/s.sh", root.join("file.sh")).expect("a link");
    symlink("cgi-bin/sub/module", root.join("module")).expect("a link");
    let server = Gateway::new()
        .args([
            &format!("--staticdir={}", root.display()),
            &format!("--cgidir={}", scripts.display()),
        ])
        .start();
    assert_eq!(text(&decoded(server.get("/s.sh"))), "ran");
    assert_eq!(server.get("/page").2, b"page");
    for target in [
        "/cgi-bin/s.sh",
        "/cgi-bin/s.sh/",
        "/cgi-bin/data",
        "/cgi-bin/",
        "/cgi-bin/index.html",
        "/cgi-bin/sub/module",
        "/cgi-bin/sub/",
        "/cgi-bin//s.sh",
        "/cgi%2dbin/s.sh",
        "/link/s.sh",
        "/link/",
        "/file.sh",
        "/module",
        "/data",
        "/index.html",
        "/.hidden.sh",
    ] {
        let (status, _, body) = server.get(target);
        assert_eq!(status, 404, "{target}");
        assert!(
            !String::from_utf8_lossy(&body).contains("secret"),
            "{target}"
        );
    }
}

#[test]
fn what_is_not_a_script_is_404() {
    let site = Site::new(&[], &[("sub/s.sh", ECHO)]);
    fs::write(site.path("plain"), "#!/bin/sh\n").expect("a file");
    for target in [
        "/",
        "/sub",
        "/sub/",
        "/plain",
        "/nothing",
        "//sub/s.sh",
        "/sub/s.sh%0aX",
    ] {
        let (status, ..) = site.get(target);
        assert_eq!(status, 404, "{target}");
    }
    assert_eq!(site.get("/sub/s.sh/a%0ab").0, 400);
}

#[test]
fn script_that_cannot_be_started_is_500() {
    let site = Site::new(&[], &[]);
    let path = site.directory.path().join("s.sh");
    fs::write(&path, "#!/nowhere/interpreter\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    assert_eq!(site.get("/s.sh").0, 500);
}

#[test]
fn script_with_line_ends_of_windows_is_told_as_such() {
    let mut site = Site::new(&["--devconsole", "cat"], &[]);
    script(site.directory.path(), "s.sh", "#!/bin/sh\r\necho hi\r\n");
    let answer = site.get("/s.sh");
    assert_eq!(answer.0, 500);
    assert!(text(&answer).contains("carriage return"), "{answer:?}");
    let line = site.server.wait_for_line("cannot be started");
    assert!(
        line.contains("carriage return") && line.contains("sed -i"),
        "{line}"
    );
    // Who has no console open on it is not told where it lies.
    let mut site = Site::new(&[], &[]);
    script(site.directory.path(), "s.sh", "#!/bin/sh\r\necho hi\r\n");
    let answer = site.get("/s.sh");
    assert!(!text(&answer).contains("sed -i"), "{answer:?}");
    assert!(
        site.server
            .wait_for_line("cannot be started")
            .contains("carriage return")
    );
}

#[test]
fn script_that_env_finds_nothing_for_is_told_as_such() {
    for (text_of, part) in [
        ("#!/usr/bin/env sh\r\necho hi\r\n", "carriage return"),
        (
            "#!/usr/bin/env no-such-program\necho hi\n",
            "'no-such-program'",
        ),
    ] {
        for console in [&["--devconsole", "cat"][..], &[]] {
            let mut site = Site::new(console, &[]);
            script(site.directory.path(), "s.sh", text_of);
            let answer = site.get("/s.sh");
            assert_eq!(answer.0, 500, "{answer:?}");
            assert_eq!(
                text(&answer).contains(part),
                !console.is_empty(),
                "{answer:?}"
            );
            let line = site.server.wait_for_line("cannot be started");
            assert!(line.contains(part) && line.contains("s.sh"), "{line}");
        }
    }
    // One that says so itself has started well.
    let site = Site::new(&[], &[("s.sh", "exit 127")]);
    assert_eq!(site.get("/s.sh").0, 502);
}

#[test]
fn program_of_a_directory_that_env_finds_nothing_for_is_told_in_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "s", "#!/usr/bin/env sh\r\necho hi\r\n");
    let flag = format!("--dir={}", directory.path().display());
    let mut server = Gateway::new().args([flag]).start();
    assert_eq!(server.connect_to("/s").closed().0, 4127);
    let line = server.wait_for_line("cannot be started");
    assert!(
        line.contains("carriage return") && line.contains("sed -i"),
        "{line}"
    );
}

#[test]
fn program_of_a_directory_that_env_finds_nothing_for_is_told_to_who_has_a_console() {
    let directory = tempfile::tempdir().expect("a directory");
    script(
        directory.path(),
        "s",
        "#!/usr/bin/env no-such-program\necho hi\n",
    );
    let flag = format!("--dir={}", directory.path().display());
    let server = Gateway::with("--devconsole").args([flag]).start();
    let mut refused = server.ask("/s", &[]);
    assert_eq!(refused.status(), 500);
    let body = refused.body();
    assert!(body.contains("'no-such-program'"), "{body}");
}

#[test]
fn script_that_somebody_is_writing_is_503() {
    let site = Site::new(&[], &[("s.sh", "printf 'X: y\\n\\nran'")]);
    let writer = fs::OpenOptions::new().append(true).open(site.path("s.sh"));
    let (status, headers, _) = site.get("/s.sh");
    assert_eq!((status, headers["retry-after"].as_str()), (503, "1"));
    drop(writer);
    assert_eq!(text(&site.get("/s.sh")), "ran");
}

#[test]
fn websocket_and_console_share_the_server() {
    let site = Site::new(
        &["--devconsole", "cat"],
        &[("s.sh", "printf 'X: y\\n\\nran'")],
    );
    let mut client = site.server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert!(text(&site.get("/")).contains("console"));
    assert_eq!(text(&site.get("/s.sh")), "ran");
}

#[test]
fn connection_is_kept_for_the_next_request() {
    let site = Site::new(&[], &[("echo.sh", ECHO)]);
    let request = "POST /echo.sh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    let mut stream = site.send(request);
    for _ in 0..3 {
        read_until(&mut stream, "hello\r\n0\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
    }
    read_until(&mut stream, "hello\r\n0\r\n\r\n");
}

#[test]
fn nothing_is_left_behind() {
    let site = Site::new(
        &["--cgi-timeout=20"],
        &[("echo.sh", ECHO), ("bad.sh", "exit 1")],
    );
    let descriptors = || {
        let entries = fs::read_dir(format!("/proc/{}/fd", site.server.pid()));
        entries.expect("descriptors").count()
    };
    let before = {
        site.get("/echo.sh");
        eventually("the first has ended", || site.server.children().is_empty());
        descriptors()
    };
    for number in 0..50 {
        site.get("/echo.sh");
        site.ask(
            "POST",
            "/echo.sh",
            "Transfer-Encoding: chunked\r\n",
            "1\r\nx\r\n0\r\n\r\n",
        );
        assert_eq!(site.get("/bad.sh").0, 502);
        // One that goes at once.
        drop(site.begin(&format!("/echo.sh?{number}")));
    }
    eventually("no script is left", || site.server.children().is_empty());
    eventually("no descriptor is left", || descriptors() <= before);
}

#[test]
fn static_files_within_the_directory_of_scripts_are_a_mistake() {
    let scripts = tempfile::tempdir().expect("a directory");
    let cgidir = format!("--cgidir={}", scripts.path().display());
    let staticdir = format!("--staticdir={}", scripts.path().display());
    let output = support::run(&[&cgidir, &staticdir]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("--staticdir") && output.stderr.contains("--cgidir"));
}
