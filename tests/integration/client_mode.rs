//! `--connect`: what is joined, how it ends, what is refused.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use crate::support::{
    self, Gateway, PATIENCE, Signal, children_of, eventually,
    line_client::{LineClient, connect, wsd},
    site::Site,
    wait_until_gone,
};

/// How a client ended.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Ended {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }
}

fn run(mut command: Command, stdin: impl Into<Stdio>) -> Ended {
    let output = command.stdin(stdin).output().expect("wsd runs");
    Ended {
        status: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A client that is given `input`, while all it prints is read.
fn fed(command: Command, input: &[u8]) -> Ended {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(input).expect("room");
    std::io::Seek::rewind(&mut file).expect("a file");
    run(command, file)
}

fn lines(count: usize) -> Vec<u8> {
    let lines = (1..=count).map(|number| format!("{number}\n"));
    lines.collect::<String>().into_bytes()
}

/// A server that answers the first connection with these bytes, and hands over what it was sent first.
fn answering(answer: &'static str) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, request) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        // Not every test looks at it.
        let _ = sender.send(head(&mut stream));
        let _ = stream.write_all(answer.as_bytes());
    });
    (address, request)
}

/// Reads up to the empty line behind a head.
fn head(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = String::new();
    let mut byte = [0];
    while !head.ends_with("\r\n\r\n") && stream.read(&mut byte).expect("a head") == 1 {
        head.push(char::from(byte[0]));
    }
    head
}

// What is joined.

#[test]
fn hundred_thousand_lines_of_a_file_come_back_in_order() {
    let server = Gateway::with("cat").start();
    let input = lines(100_000);
    let ended = fed(connect(&server.url, &[]), &input);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == input, "{} bytes came", ended.stdout.len());
}

#[test]
fn last_line_without_a_newline_is_a_message() {
    let server = Gateway::with("cat").start();
    let ended = fed(connect(&server.url, &[]), b"a\n\nb");
    assert_eq!((ended.status, ended.text()), (Some(0), "a\n\nb\n"));
}

#[test]
fn ten_mebibytes_of_anything_come_back_unchanged() {
    let server = Gateway::with("--binary cat").start();
    let mut input = vec![0; 10 << 20];
    let mut random = File::open("/dev/urandom").expect("random bytes");
    random.read_exact(&mut input).expect("random bytes");
    let ended = fed(connect(&server.url, &["--binary"]), &input);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.stdout == input, "{} bytes came", ended.stdout.len());
}

#[test]
fn types_and_boundaries_survive_with_lengths() {
    let server = Gateway::with("--framing=length cat").start();
    let input = b"t\0\0\0\x04a\nb\nb\0\0\0\x03\xff\0\nt\0\0\0\0";
    let ended = fed(connect(&server.url, &["--framing=length"]), input);
    assert_eq!((ended.status, &ended.stdout[..]), (Some(0), &input[..]));
}

#[test]
fn prompt_is_sent_after_a_while() {
    let server = Gateway::with("--flush-after=10 cat").start();
    let mut client = LineClient::connect(&server.url, &["--flush-after=10"]);
    client.write(b"name? ");
    assert_eq!(client.line(), "name? ");
    assert_eq!(client.end().0, Some(0));
}

#[test]
fn each_line_is_answered_while_stdin_is_open() {
    let server = Gateway::with("cat").start();
    let mut client = LineClient::connect(&server.url, &[]);
    for line in ["one", "two"] {
        client.send(line);
        assert_eq!(client.line(), line);
    }
    assert_eq!(client.end(), (Some(0), String::new()));
}

#[test]
fn answers_after_the_end_of_stdin_are_waited_for() {
    let server = Gateway::new()
        .program("while read x; do sleep 0.3; echo $x; done")
        .start();
    let ended = fed(connect(&server.url, &["--linger=5000"]), b"a\nb\n");
    assert_eq!(ended.text(), "a\nb\n");
}

#[test]
fn end_of_stdin_ends_it_at_once_without_linger() {
    let mut server = Gateway::with("cat").start();
    let ended = run(connect(&server.url, &["--linger=0"]), Stdio::null());
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(server.wait_for_line("session ended").contains("code=1000"));
}

#[test]
fn slow_reader_of_stdout_gets_everything() {
    let server = Gateway::new().program("seq 1 200000").start();
    let mut command = connect(&server.url, &[]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("wsd starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut first = [0; 2];
    stdout.read_exact(&mut first).expect("the first line");
    // Longer than anything but the reader is waited for.
    thread::sleep(std::time::Duration::from_secs(3));
    let mut all = first.to_vec();
    stdout.read_to_end(&mut all).expect("the rest");
    assert!(all == lines(200_000), "{} bytes came", all.len());
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

#[test]
fn reader_that_has_enough_ends_it_quietly() {
    let server = Gateway::with("yes").start();
    let mut client = LineClient::connect(&server.url, &[]);
    assert_eq!(client.line(), "y");
    let closed = std::mem::replace(&mut client.stdout, BufReader::new(other_stdout()));
    drop(closed);
    assert_eq!(client.end(), (Some(0), String::new()));
}

/// Something to put in the place of a pipe.
fn other_stdout() -> ChildStdout {
    let mut child = Command::new("true")
        .stdout(Stdio::piped())
        .spawn()
        .expect("true");
    let stdout = child.stdout.take().expect("a pipe");
    child.wait().expect("a child");
    stdout
}

#[test]
fn stdout_that_cannot_be_written_is_an_error() {
    let server = Gateway::with("cat").start();
    let mut command = connect(&server.url, &[]);
    command.stdout(File::create("/dev/full").expect("a device"));
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("wsd starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"x\n").expect("wsd reads");
    let output = child.wait_with_output().expect("a child");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("stdout cannot be written"), "{stderr}");
}

#[test]
fn two_programs_are_joined() {
    let server = Gateway::new()
        .program("while read n; do [ $n -lt 7 ] && echo more && continue; echo yes; break; done")
        .start();
    let guess = "n=1; echo $n; while read word; do [ $word = yes ] && exit 40; n=$((n+1)); echo $n; done; exit $n";
    let ended = run(connect(&server.url, &["sh", "-c", guess]), Stdio::null());
    assert_eq!(
        (ended.status, ended.text()),
        (Some(40), ""),
        "{}",
        ended.stderr
    );
}

#[test]
fn program_writes_down_all_that_came_before_it_is_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Gateway::with("seq 1 1000").start();
    let workdir = format!("--workdir={}", directory.path().display());
    let script = "wc -l > unfinished; sleep 0.5; mv unfinished count";
    let ended = run(
        connect(&server.url, &[&workdir, "sh", "-c", script]),
        Stdio::null(),
    );
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let count = fs::read_to_string(directory.path().join("count")).expect("a file");
    assert_eq!(count.trim(), "1000");
}

#[test]
fn program_has_our_stderr_and_only_its_environment() {
    let server = Gateway::with("--subprotocol=b cat").start();
    let mut command = connect(
        &server.url,
        &["--subprotocol=a,b", "--env=X=1", "sh", "-c", "env >&2"],
    );
    command.env("SECRET", "1");
    let ended = run(command, Stdio::null());
    let mut names: Vec<_> = ended.stderr.lines().collect();
    names.retain(|line| !line.starts_with("PATH=") && !line.starts_with("LD_LIBRARY_PATH="));
    names.retain(|line| {
        !line.starts_with("PWD=") && !line.starts_with("_=") && !line.starts_with("SHLVL=")
    });
    names.sort_unstable();
    assert_eq!(names, ["LC_CTYPE=C.UTF-8", "WS_PROTOCOL=b", "X=1"]);
}

// How it ends.

#[test]
fn exit_status_is_that_of_the_program_at_the_other_end() {
    for (script, status, complaint) in [
        ("exit 0", 0, ""),
        (
            "exit 1",
            1,
            "closed with 4001: the program exited with status 1",
        ),
        ("exit 77", 77, "closed with 4077"),
        (
            "kill -9 $$",
            137,
            "closed with 4137: the program was ended by signal 9",
        ),
    ] {
        let server = Gateway::new().program(script).start();
        let mut client = LineClient::connect(&server.url, &[]);
        // stdin stays open: it is the server that ends it.
        let code = client.status();
        let (_, stderr) = client.end();
        assert_eq!(code, Some(status), "{script}: {stderr}");
        assert!(stderr.contains(complaint), "{script}: {stderr}");
        assert_eq!(
            stderr.is_empty(),
            complaint.is_empty(),
            "{script}: {stderr}"
        );
    }
}

#[test]
fn exit_status_is_that_of_the_own_program_where_that_ends_first() {
    let server = Gateway::with("cat").start();
    for (script, status) in [("exit 0", 0), ("exit 9", 9), ("kill -15 $$", 143)] {
        let ended = run(connect(&server.url, &["sh", "-c", script]), Stdio::null());
        assert_eq!(
            (ended.status, ended.stderr.as_str()),
            (Some(status), ""),
            "{script}"
        );
    }
}

#[test]
fn server_that_stops_is_an_error() {
    let server = Gateway::with("cat").start();
    let mut client = LineClient::connect(&server.url, &[]);
    client.send("x");
    assert_eq!(client.line(), "x");
    server.signal(Signal::TERM);
    assert_eq!(client.line(), "");
    let (status, stderr) = client.end();
    assert_eq!(status, Some(1));
    assert_eq!(
        stderr,
        format!(
            "error: {}: closed with 1001: the server is stopping\n",
            server.url
        )
    );
}

#[test]
fn connection_that_is_lost_is_an_error() {
    let server = Gateway::with("cat").start();
    let mut client = LineClient::connect(&server.url, &[]);
    client.send("x");
    assert_eq!(client.line(), "x");
    server.signal(Signal::KILL);
    assert_eq!(client.line(), "");
    let (status, stderr) = client.end();
    assert_eq!(status, Some(1));
    assert!(stderr.contains("the connection was lost"), "{stderr}");
}

#[test]
fn server_that_has_gone_behind_unread_messages_is_noticed() {
    // More than the client takes for its program (a pipe and 60 KiB), and little enough for its socket to take the end
    // behind it.
    let mut server = Gateway::new()
        .program("head -c 150000 /dev/zero | tr '\\0' x | fold -w 999; exec sleep 1000")
        .start();
    let mut client = LineClient::connect(&server.url, &["--pingms=0", "sleep", "1000"]);
    let comm = |pid: i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    eventually("all of it is said", || {
        let programs = server.children();
        programs.first().is_some_and(|pid| comm(*pid) == "sleep\n")
    });
    server.signal(Signal::KILL);
    server.wait();
    // Its program has ten seconds from the end of its input on.
    eventually("the client has ended", || {
        client.child.try_wait().expect("a child").is_some()
    });
}

#[test]
fn signal_closes_in_order() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut server = Gateway::with("cat").start();
        let mut client = LineClient::connect(&server.url, &[]);
        client.send("x");
        assert_eq!(client.line(), "x");
        client.signal(signal);
        assert_eq!(client.line(), "");
        assert!(server.wait_for_line("session ended").contains("code=1001"));
        assert_eq!(client.status(), Some(status));
    }
}

#[test]
fn signal_that_is_sent_twice_closes_in_order_too() {
    let mut server = Gateway::with("cat").start();
    let mut client = LineClient::connect(&server.url, &[]);
    client.send("x");
    assert_eq!(client.line(), "x");
    // Both are there when it goes on, however busy the machine is.
    for signal in [Signal::STOP, Signal::TERM, Signal::INT, Signal::CONT] {
        client.signal(signal);
    }
    assert!(server.wait_for_line("session ended").contains("code=1001"));
    assert!(matches!(client.status(), Some(130 | 143)));
}

#[test]
fn signal_ends_the_program_too() {
    let server = Gateway::with("cat").start();
    let script = "trap '' INT TERM; echo hello; read x; echo $x >&2; while :; do sleep 1; done";
    let mut client = LineClient::connect(&server.url, &["sh", "-c", script]);
    let mut stderr = BufReader::new(client.child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("text");
    assert_eq!(line, "hello\n");
    let programs = children_of(client.pid());
    assert_eq!(programs.len(), 1);
    client.signal(Signal::INT);
    assert_eq!(client.status(), Some(130));
    programs.into_iter().for_each(wait_until_gone);
}

#[test]
fn binary_message_where_lines_are_written_names_the_flag() {
    let server = Gateway::with("--binary echo x").start();
    let mut client = LineClient::connect(&server.url, &[]);
    assert_eq!(client.line(), "");
    let (status, stderr) = client.end();
    assert_eq!(status, Some(1));
    assert!(stderr.contains("--binary"), "{stderr}");
}

#[test]
fn limits_are_those_of_the_flags() {
    let server = Gateway::new()
        .program("read x; echo 123456; sleep 100")
        .start();
    for (words, input, part) in [
        ("--maxframesize=5", "x\n", "--maxframesize"),
        ("--maxlinesize=5", "1234567\n", "--maxlinesize"),
        ("--max-lifetime=1 --linger=9000", "", "lasted for 1 s"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let ended = fed(connect(&server.url, &words), input.as_bytes());
        assert_eq!(ended.status, Some(1), "{words:?}");
        assert!(ended.stderr.contains(part), "{words:?}: {}", ended.stderr);
    }
}

// What is asked, and what is refused.

#[test]
fn server_that_is_silent_or_takes_nothing_is_an_error() {
    // It is stopped where it can no more answer than read.
    for (words, said) in [
        ("--pingms=1000", "the other end was silent"),
        ("--write-timeout=1000", "the other end took nothing"),
    ] {
        let server = Gateway::with("cat").start();
        let mut client = LineClient::connect(&server.url, &[words]);
        client.send("hello");
        assert_eq!(client.line(), "hello");
        server.signal(Signal::STOP);
        if words.starts_with("--write") {
            let stdin = client.stdin.as_mut().expect("open");
            let line = "x".repeat(100_000) + "\n";
            while stdin.write_all(line.as_bytes()).is_ok() {}
        }
        let status = client.status();
        server.signal(Signal::CONT);
        let (_, stderr) = client.end();
        assert_eq!(status, Some(1), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn request_says_what_the_flags_say() {
    let (address, request) =
        answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nno\nx\n");
    let ended = run(
        connect(
            &format!("ws://u:p@{address}/a?b=c"),
            &[
                "--header=X-A: 1",
                "--header=Host: other",
                "--origin=https://o",
                "--subprotocol=p,q",
            ],
        ),
        Stdio::null(),
    );
    let request = request.recv_timeout(PATIENCE).expect("a request");
    for line in [
        "GET /a?b=c HTTP/1.1\r\n",
        "\r\nHost: other\r\n",
        "\r\nX-A: 1\r\n",
        "\r\nOrigin: https://o\r\n",
        "\r\nAuthorization: Basic dTpw\r\n",
        "\r\nSec-Websocket-Protocol: p, q\r\n",
        "\r\nUpgrade: websocket\r\n",
        "\r\nSec-Websocket-Version: 13\r\n",
    ] {
        assert!(request.contains(line), "{line:?} in {request}");
    }
    assert_eq!(ended.status, Some(1));
    let expected = format!("error: ws://{address}/a?b=c: the server refuses: 404 Not Found: no\n");
    assert_eq!(ended.stderr, expected);
}

#[test]
fn answer_that_makes_no_websocket_is_told() {
    for (answer, part) in [
        (
            "HTTP/1.1 302 Found\r\nLocation: wss://b/\r\nContent-Length: 0\r\n\r\n",
            "302 Found, to wss://b/",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>",
            "403 Forbidden\n",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n\x1b[2Jhi\n", "200 OK: [2Jhi\n"),
        (
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            "Sec-WebSocket-Accept",
        ),
        (
            "SSH-2.0-OpenSSH_9\r\n",
            "no answer to the opening handshake",
        ),
        ("", "no answer to the opening handshake"),
    ] {
        let (address, _) = answering(answer);
        let ended = run(connect(&format!("ws://{address}/"), &[]), Stdio::null());
        assert_eq!(ended.status, Some(1), "{answer}");
        assert!(ended.stderr.contains(part), "{answer}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let ended = run(connect(&format!("ws://{address}/"), &[]), Stdio::null());
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("within 10 s"), "{}", ended.stderr);
}

#[test]
fn nobody_at_the_address_is_told_with_the_url() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    for (url, part) in [
        (format!("ws://127.0.0.1:{port}/"), "refused"),
        ("ws://no-such-host.invalid/".to_owned(), "lookup"),
        ("ws+unix:/no/such/socket:/".to_owned(), "No such file"),
    ] {
        let ended = run(connect(&url, &[]), Stdio::null());
        assert_eq!(ended.status, Some(1));
        assert!(
            ended
                .stderr
                .starts_with(&format!("error: {url}: cannot connect: "))
                && ended.stderr.contains(part),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn flags_that_do_not_go_together_are_named() {
    for (words, parts) in [
        ("--connect=ws://a --port=80", ["--port", "--connect"]),
        (
            "--connect=ws://a --staticdir=/tmp",
            ["--staticdir", "--connect"],
        ),
        ("--connect=ws://a --route=/x=cat", ["--route", "--connect"]),
        ("--connect=ws://a --ssl", ["--ssl", "--connect"]),
        ("--connect=ws://a --maxforks=1", ["--maxforks", "--connect"]),
        ("--connect=ws://a --admin=unix:/x", ["--admin", "--connect"]),
        ("--connect=ws://a --insecure", ["--insecure", "wss://"]),
        (
            "--connect=wss://a --insecure --sslca=/x",
            ["--insecure", "--sslca"],
        ),
        ("--connect=wss://a --sslca=/no", ["--sslca", "/no"]),
        ("--connect=wss://a --sslcert=/no", ["--sslcert", "--sslkey"]),
        ("--connect=ws://a --env=A=b", ["--env", "COMMAND"]),
        ("--connect=ws://a --linger=1 cat", ["--linger", "COMMAND"]),
        ("--connect=ws://a --origin=a,b", ["--origin", "a,b"]),
        (
            "--connect=ws://a --header=Sec-WebSocket-Key:x",
            ["--header", "sec-websocket-key"],
        ),
        ("--connect=localhost:80", ["--connect", "ws://"]),
        (
            "--connect=ws://a no-such-program",
            ["COMMAND", "no-such-program"],
        ),
        ("--insecure cat", ["--insecure", "--connect"]),
        ("--reconnect cat", ["--reconnect", "--connect"]),
        ("--linger=1 cat", ["--linger", "--connect"]),
    ] {
        let ended = support::run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.stderr);
        let first = ended.stderr.lines().next().expect("a line").to_lowercase();
        let all = parts
            .iter()
            .all(|part| first.contains(&part.to_lowercase()));
        assert!(all, "{words}: {first}");
    }
}

#[test]
fn configuration_file_makes_a_client() {
    let server = Gateway::with("cat").start();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("client.toml");
    fs::write(
        &file,
        format!("connect = \"{}\"\nlinger = 300\n", server.url),
    )
    .expect("a file");
    let flag = format!("--config={}", file.display());
    let ended = fed(wsd(&[&flag]), b"hello\n");
    assert_eq!((ended.status, ended.text()), (Some(0), "hello\n"));
}

// Ways to a server.

#[test]
fn subprotocol_that_was_selected_is_told_and_must_have_been_offered() {
    let server = Gateway::with("--subprotocol=b")
        .program("echo $WS_PROTOCOL")
        .start();
    let ended = run(connect(&server.url, &["--subprotocol=a,b"]), Stdio::null());
    assert_eq!(ended.text(), "b\n");
    let ended = run(connect(&server.url, &["--subprotocol=a"]), Stdio::null());
    assert_eq!(ended.text(), "\n");
}

#[test]
fn unix_socket_is_a_way_to_a_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("a.sock");
    let _server = Gateway::without_port()
        .args([format!("--unixsocket={}", socket.display())])
        .program("echo $REQUEST_URI")
        .start();
    let url = format!("ws+unix:{}:/x?y", socket.display());
    let ended = run(connect(&url, &[]), Stdio::null());
    assert_eq!(
        (ended.status, ended.text()),
        (Some(0), "/x?y\n"),
        "{}",
        ended.stderr
    );
}

/// A proxy for one connection, to `target` whatever it is asked for; hands over the head that it was
/// sent.
fn proxy(target: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, request) = mpsc::channel();
    thread::spawn(move || {
        let (mut near, _) = listener.accept().expect("a client");
        sender.send(head(&mut near)).expect("the test waits");
        near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .expect("wsd reads");
        let mut far = TcpStream::connect(target).expect("the server listens");
        let (mut near2, mut far2) = (
            near.try_clone().expect("a socket"),
            far.try_clone().expect("a socket"),
        );
        thread::spawn(move || std::io::copy(&mut near2, &mut far2));
        let _ = std::io::copy(&mut far, &mut near);
    });
    (address, request)
}

#[test]
fn proxy_of_the_environment_is_asked_for_a_tunnel() {
    let site = Site::new(&[]);
    let plain = Gateway::with("cat").start();
    for (variable, url, port) in [
        ("HTTPS_PROXY", &site.url, site.server.port()),
        ("http_proxy", &plain.url, plain.port()),
        ("ALL_PROXY", &plain.url, plain.port()),
    ] {
        let (address, request) = proxy(SocketAddr::from(([127, 0, 0, 1], port)));
        let ca = site.flag("sslca", "ca.pem");
        let words: &[&str] = match url.starts_with("wss") {
            true => &[&ca],
            false => &[],
        };
        let mut command = connect(url, words);
        command.env(variable, format!("http://u:p@{address}"));
        let ended = fed(command, b"hello\n");
        assert_eq!(
            (ended.status, ended.text()),
            (Some(0), "hello\n"),
            "{}",
            ended.stderr
        );
        let request = request.recv_timeout(PATIENCE).expect("a request");
        assert!(
            request.starts_with("CONNECT ") && request.contains(&format!(":{port} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(
            request.contains("\r\nProxy-Authorization: Basic dTpw\r\n"),
            "{request}"
        );
    }
}

#[test]
fn proxy_that_refuses_is_told() {
    let (address, _) =
        answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let mut command = connect("ws://a.example/", &[]);
    command.env("ALL_PROXY", address.to_string());
    let ended = run(command, Stdio::null());
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.stderr.contains("407") && ended.stderr.contains("proxy"),
        "{}",
        ended.stderr
    );
}

#[test]
fn exceptions_of_the_environment_go_there_directly() {
    let server = Gateway::with("cat").start();
    let mut command = connect(&server.url, &[]);
    command
        .env("HTTP_PROXY", "127.0.0.1:1")
        .env("NO_PROXY", "127.0.0.0/8,localhost");
    let ended = fed(command, b"hello\n");
    assert_eq!(
        (ended.status, ended.text()),
        (Some(0), "hello\n"),
        "{}",
        ended.stderr
    );
}

// Again.

#[test]
fn stdin_goes_on_where_it_was_when_the_server_is_back() {
    let mut server = Gateway::with("cat").start();
    let port = server.port();
    let mut client = LineClient::connect(&server.url, &["--reconnect"]);
    client.send("before");
    assert_eq!(client.line(), "before");
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    drop(server);
    client.send("after");
    let flag = format!("--port={port}");
    let _server = Gateway::new().args([&flag, "cat"]).start();
    assert_eq!(client.line(), "after");
    let (status, stderr) = client.end();
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains("closed with 1001") && stderr.contains("trying again in"),
        "{stderr}"
    );
}

#[test]
fn program_is_started_anew_for_each_connection() {
    let mut server = Gateway::with("cat").start();
    let port = server.port();
    let client = LineClient::connect(
        &server.url,
        &["--reconnect", "sh", "-c", "echo $$; read x; read x"],
    );
    server.wait_for_line("session started");
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    drop(server);
    let flag = format!("--port={port}");
    let mut server = Gateway::new().args([&flag, "cat"]).start();
    server.wait_for_line("session started");
    drop(client);
}

#[test]
fn refusal_that_would_come_again_is_the_end() {
    let (address, _) = answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let ended = run(
        connect(&format!("ws://{address}/"), &["--reconnect"]),
        Stdio::null(),
    );
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn waiting_for_a_server_is_ended_by_a_signal() {
    let mut client = LineClient::connect("ws://127.0.0.1:1/", &["--reconnect"]);
    let mut stderr = BufReader::new(client.child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("text");
    assert!(line.contains("trying again in"), "{line}");
    client.signal(Signal::INT);
    assert_eq!(client.status(), Some(130));
}
