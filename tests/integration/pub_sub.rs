//! `--pub` and `--sub`: processes of the same user in rooms, by a socket of their own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    Gateway, Server, Signal, WSD, eventually, forget_caller,
    installed::is_root_or_skip,
    kill,
    operators::{ask, figures, start},
};

/// Where a socket is, and a server with rooms beneath `/chat` that has it.
fn rooms(words: &str) -> (TempDir, PathBuf, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let server = Gateway::with(words)
        .args(["--room=/chat", &rooms_socket(&socket)])
        .start();
    (directory, socket, server)
}

fn rooms_socket(path: &Path) -> String {
    format!("--rooms-socket={}", path.display())
}

fn command(socket: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(WSD);
    forget_caller(&mut command)
        .arg(rooms_socket(socket))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Says something by `--pub`: its exit status, and what it complains of.
fn publish(socket: &Path, room: &str, input: &[u8]) -> (Option<i32>, String) {
    let mut child = command(socket, &["--pub", room])
        .spawn()
        .expect("it starts");
    // One that has ended reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code(),
        String::from_utf8(output.stderr).expect("text"),
    )
}

/// A `--sub`; ended on drop.
struct Subscriber {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Subscriber {
    fn start(socket: &Path, words: &[&str]) -> Self {
        let mut child = command(socket, words).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Subscriber { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_of_stdin_are_said_in_the_room() {
    let (_directory, socket, server) = rooms("");
    let mut client = server.connect_to("/chat/x");
    let input = b"one\n\ntwo\r\nbad \xff\nlast";
    assert_eq!(publish(&socket, "/chat/x", input), (Some(0), String::new()));
    for expected in ["one", "", "two", "bad \u{fffd}", "last"] {
        assert_eq!(client.text(), expected);
    }
    // Nobody hears it, and nothing is said.
    assert_eq!(publish(&socket, "/chat/empty", b"x\n").0, Some(0));
    assert_eq!(publish(&socket, "/chat/x", b"").0, Some(0));
}

#[test]
fn lines_are_said_before_the_next_is_whole() {
    let (_directory, socket, server) = rooms("");
    let mut client = server.connect_to("/chat/x");
    let mut child = command(&socket, &["--pub", "/chat/x"])
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"one\ntwo\nthr").expect("it reads");
    assert_eq!([client.text(), client.text()], ["one", "two"]);
    stdin.write_all(b"ee\n").expect("it reads");
    assert_eq!(client.text(), "three");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn lines_said_at_once_reach_who_reads() {
    for slow in ["close", "drop"] {
        let words = format!("--slow={slow} --member-queue=2000 --idle-timeout=1000");
        let (_directory, socket, server) = rooms(&words);
        let mut client = server.connect_to("/chat/x");
        let lines: String = (0..3000).map(|number| format!("{number}\n")).collect();
        assert_eq!(publish(&socket, "/chat/x", lines.as_bytes()).0, Some(0));
        for number in 0..3000 {
            assert_eq!(client.text(), number.to_string());
        }
    }
}

#[test]
fn line_is_said_at_once() {
    let (_directory, socket, server) = rooms("");
    let mut client = server.connect_to("/chat/x");
    let mut child = command(&socket, &["--pub", "/chat/x"])
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    for text in ["one", "two"] {
        writeln!(stdin, "{text}").expect("it reads");
        assert_eq!(client.text(), text);
    }
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn line_over_the_limit_is_left_out_and_told() {
    let (_directory, socket, server) = rooms("--maxframesize=5");
    let mut client = server.connect_to("/chat/x");
    let (code, said) = publish(&socket, "/chat/x", b"12345\n123456\n1\n");
    assert_eq!(code, Some(1));
    assert!(said.contains("--maxframesize"), "{said}");
    assert_eq!([client.text(), client.text()], ["12345", "1"]);
}

#[test]
fn binary_room_hears_bytes() {
    let (_directory, socket, server) = rooms("--binary");
    let mut client = server.connect_to("/chat/x");
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    eventually("it listens", || {
        publish(&socket, "/chat/x", b"\xff\n");
        client.binary() == b"\xff" && subscriber.has_line()
    });
}

#[test]
fn messages_are_lines_of_stdout() {
    let (_directory, socket, server) = rooms("--history=9");
    let mut client = server.connect_to("/chat/x");
    client.send("before");
    assert_eq!(client.text(), "before");
    let mut space = Subscriber::start(&socket, &["--sub=/chat/x"]);
    let mut split = Subscriber::start(&socket, &["--sub=/chat/x", "--newline=split"]);
    let mut reject = Subscriber::start(&socket, &["--sub=/chat/x", "--newline=reject"]);
    for subscriber in [&mut space, &mut split, &mut reject] {
        assert_eq!(subscriber.line(), "before\n");
    }
    client.send("two\nlines");
    client.send("é");
    assert_eq!([space.line(), space.line()], ["two lines\n", "é\n"]);
    assert_eq!(
        [split.line(), split.line(), split.line()],
        ["two\n", "lines\n", "é\n"]
    );
    assert_eq!(reject.line(), "é\n");
}

#[test]
fn subscriber_is_a_member_that_no_limit_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let (server, admin) = start(&["--room=/chat", "--max-members=1", &rooms_socket(&socket)]);
    let mut subscribers = [(); 2].map(|()| Subscriber::start(&socket, &["--sub=/chat/x"]));
    eventually("they are there", || {
        figures(admin)["wsd_members_open"] == 2.0
    });
    assert!(ask(admin, "GET", "/rooms").1.contains("\"members\":2"));
    publish(&socket, "/chat/x", b"hi\n");
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.line(), "hi\n");
    }
    // Nor do they take the place of a client.
    let client = server.connect_to("/chat/x");
    assert_eq!(server.status("/chat/x", &[]), 503);
    drop((client, subscribers));
    eventually("they are gone", || {
        figures(admin)["wsd_members_open"] == 0.0
    });
    assert_eq!(server.status("/chat/x", &[]), 101);
}

#[test]
fn there_are_no_rooms_elsewhere() {
    let (_directory, socket, _server) = rooms("");
    for room in [
        "/elsewhere/x",
        "/chat",
        "/chat/",
        "/chat/x/y",
        "/chat/a%20b",
        "/chat/a%0Ab",
    ] {
        let (code, said) = publish(&socket, room, b"x\n");
        assert_eq!(code, Some(2), "{room}: {said}");
        let output = command(&socket, &["--sub", room])
            .output()
            .expect("it ends");
        assert_eq!(output.status.code(), Some(2), "{room}");
    }
}

#[test]
fn programs_find_the_socket_in_their_environment() {
    let program = r#"echo "$WSD_ROOMS"; while read -r line; do echo "$line" | "$WSD" --pub "$line"; echo "said $?"; done"#;
    let server = Gateway::with("--room=/chat")
        .args([format!("--env=WSD={WSD}")])
        .program(program)
        .start();
    let mut program = server.connect();
    let socket = PathBuf::from(program.text());
    let metadata = fs::metadata(&socket).expect("a file");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let directory = socket.parent().expect("a directory");
    let mode = fs::metadata(directory).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut client = server.connect_to("/chat/x");
    program.send("/chat/x");
    assert_eq!(client.text(), "/chat/x");
    assert_eq!(program.text(), "said 0");
    program.send("/elsewhere/x");
    assert_eq!(program.text(), "said 2");
    end(server);
    assert!(!directory.exists());
}

#[test]
fn without_rooms_there_is_no_socket() {
    let server = Gateway::with("").program("echo \"<$WSD_ROOMS>\"").start();
    assert_eq!(server.text("/"), "<>");
}

#[test]
fn scripts_and_started_servers_find_it_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("script");
    fs::write(
        &script,
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s' \"$WSD_ROOMS\"\n",
    )
    .expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("its mode");
    let found = directory.path().join("found");
    let socket = directory.path().join("rooms");
    let server = Gateway::with("--room=/chat")
        .args([
            rooms_socket(&socket),
            format!("--cgidir={}", directory.path().display()),
            format!(
                "--start=sh -c 'echo $WSD_ROOMS > {}; exec sleep 1000'",
                found.display()
            ),
        ])
        .start();
    let expected = socket.display().to_string();
    let told = String::from_utf8(server.get("/script").2).expect("text");
    assert!(told.contains(&expected), "{told}");
    eventually("it is told", || {
        fs::read_to_string(&found).is_ok_and(|text| text.trim() == expected)
    });
}

#[test]
fn socket_of_who_is_not_there_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    let (server, admin) = start(&["--room=/chat", &rooms_socket(&socket)]);
    eventually("it is there", || figures(admin)["wsd_members_open"] == 1.0);
    server.connect_to("/chat/x").send("hi");
    assert_eq!(subscriber.line(), "hi\n");
}

#[test]
fn nobody_is_waited_for_for_ever() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let (code, said) = publish(&socket, "/chat/x", b"");
    assert_eq!(code, Some(1));
    assert!(said.contains("no wsd"), "{said}");
}

#[test]
fn lost_server_ends_subscriber_and_publisher() {
    let (_directory, socket, server) = rooms("");
    let mut client = server.connect_to("/chat/x");
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    let mut child = command(&socket, &["--pub", "/chat/x"])
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    eventually("both are there", || {
        writeln!(stdin, "x").expect("it reads");
        client.text() == "x" && subscriber.has_line()
    });
    drop(server);
    while !subscriber.line().is_empty() {}
    assert_eq!(subscriber.code(), Some(1));
    // It may have ended already.
    let _ = writeln!(stdin, "to nobody");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn closed_stdout_ends_a_subscriber_as_sigpipe() {
    let (_directory, socket, server) = rooms("--history=1");
    let mut client = server.connect_to("/chat/x");
    client.send("one");
    assert_eq!(client.text(), "one");
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    assert_eq!(subscriber.line(), "one\n");
    let Subscriber { child, lines } = &mut subscriber;
    // The pipe's reading end is closed with it.
    let reader = std::mem::replace(lines, BufReader::new(silent()));
    drop(reader);
    // A process that is just being started beside us may hold that end for a moment.
    let mut status = None;
    eventually("it has noticed", || {
        client.send("two");
        assert_eq!(client.text(), "two");
        status = child.try_wait().expect("a child");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(128 + 13));
}

/// A stdout that has ended.
fn silent() -> ChildStdout {
    let mut child = Command::new("true")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.wait().expect("it ends");
    child.stdout.take().expect("a pipe")
}

#[test]
fn slow_subscriber_is_cut_off_where_members_are() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let words = [
        "--room=/chat",
        "--slow=close",
        "--max-rate=0",
        &rooms_socket(&socket),
    ];
    let (server, admin) = start(&words);
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    eventually("it is there", || figures(admin)["wsd_members_open"] == 1.0);
    let mut client = server.connect_to("/chat/x");
    let long = "x".repeat(64 * 1024);
    while figures(admin)["wsd_slow_members_total{policy=\"close\"}"] == 0.0 {
        client.send(&long);
        assert_eq!(client.text().len(), long.len());
    }
    while !subscriber.line().is_empty() {}
    assert_eq!(subscriber.code(), Some(1));
}

#[test]
fn dead_socket_is_replaced_and_a_living_one_is_not() {
    let (directory, socket, server) = rooms("");
    let other = Gateway::with("--room=/chat")
        .args([rooms_socket(&socket)])
        .output();
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    assert!(other.stderr.contains("--rooms-socket"), "{}", other.stderr);
    assert_eq!(publish(&socket, "/chat/x", b"x\n").0, Some(0));
    // Killed, it leaves its file.
    drop(server);
    assert!(socket.exists());
    let server = Gateway::with("--room=/chat")
        .args([rooms_socket(&socket)])
        .start();
    assert_eq!(publish(&socket, "/chat/x", b"x\n").0, Some(0));
    end(server);
    assert!(!socket.exists());
    fs::write(&socket, "precious").expect("a file");
    let other = Gateway::with("--room=/chat")
        .args([rooms_socket(&socket)])
        .output();
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    assert_eq!(fs::read_to_string(&socket).expect("it"), "precious");
    drop(directory);
}

#[test]
fn who_listens_there_may_be_no_wsd() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let child = command(&socket, &["--pub", "/chat/x"])
        .spawn()
        .expect("it starts");
    let (mut stream, _) = listener.accept().expect("it connects");
    stream
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .expect("it reads");
    drop(stream);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn noise_on_the_socket_is_nobody_elses_business() {
    use std::{io::Read, os::unix::net::UnixStream};
    let (_directory, socket, server) = rooms("");
    for noise in [
        &b"\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"pub /chat/x\nnoise and more of it",
        &[b'x'; 20_000],
    ] {
        let mut stream = UnixStream::connect(&socket).expect("a connection");
        let _ = stream.write_all(noise);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.ends_with(b"taken\n"));
    }
    let mut client = server.connect_to("/chat/x");
    assert_eq!(publish(&socket, "/chat/x", b"on\n").0, Some(0));
    assert_eq!(client.text(), "on");
}

#[test]
fn reload_keeps_the_socket_and_makes_one_where_rooms_are_new() {
    let program = "read -r line; echo \"$WSD_ROOMS\"";
    let mut server = Gateway::new().file("").program(program).start();
    let reload = |server: &mut Server, text: &str| {
        fs::write(server.config(), text).expect("a file");
        server.signal(Signal::HUP);
        server.wait_for_line("was read again");
    };
    let path = |server: &Server| {
        let mut client = server.connect();
        client.send("which?");
        PathBuf::from(client.text())
    };
    assert_eq!(path(&server), Path::new(""));
    reload(&mut server, "room = '/chat'\n");
    let socket = path(&server);
    let mut client = server.connect_to("/chat/x");
    assert_eq!(publish(&socket, "/chat/x", b"one\n").0, Some(0));
    assert_eq!(client.text(), "one");
    let mut subscriber = Subscriber::start(&socket, &["--sub=/chat/x"]);
    reload(&mut server, "room = ['/chat', '/more']\n");
    assert_eq!(path(&server), socket);
    eventually("it is heard", || {
        publish(&socket, "/chat/x", b"two\n");
        client.text() == "two" && subscriber.has_line()
    });
    assert_eq!(publish(&socket, "/more/x", b"x\n").0, Some(0));
    end(server);
    assert!(!socket.exists());
}

#[test]
fn another_user_gets_in_at_neither_end() {
    if !is_root_or_skip("a socket of another user") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    // Who may come as far as the socket.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("its mode");
    let socket = directory.path().join("rooms");
    let mut server = Gateway::with("--room=/chat")
        .args([rooms_socket(&socket)])
        .start();
    let as_nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        let nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];
        forget_caller(&mut command).args(nobody).args(words);
        command.stdin(Stdio::null()).output().expect("it runs")
    };
    // A wsd that anybody may execute.
    let binary = directory.path().join("wsd");
    fs::copy(WSD, &binary).expect("a copy");
    let words = [
        binary.to_str().expect("text"),
        &rooms_socket(&socket),
        "--pub=/chat/x",
    ];
    let output = as_nobody(&words);
    assert_eq!(output.status.code(), Some(1));
    // Be it that the file lets it in.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("its mode");
    let output = as_nobody(&words);
    assert_eq!(output.status.code(), Some(1));
    server.wait_for_line("another user");
    drop(server);
    // A socket of another user is neither replaced nor spoken to.
    fs::remove_file(&socket).expect("a file");
    let stranger = Gateway::started_by(binary.to_str().expect("text"))
        .under(&[
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
        ])
        .args(["--port=0", "--room=/chat", &rooms_socket(&socket)])
        .start();
    let (code, said) = publish(&socket, "/chat/x", b"secret\n");
    assert_eq!(code, Some(1));
    assert!(said.contains("another user"), "{said}");
    drop(stranger);
    let other = Gateway::with("--room=/chat")
        .args([rooms_socket(&socket)])
        .output();
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("another user"), "{}", other.stderr);
}

/// Ends a server in order.
fn end(mut server: Server) {
    kill(server.pid(), Signal::TERM);
    assert!(server.wait().success());
}

impl Subscriber {
    /// Whether there is something to be read.
    fn has_line(&mut self) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};
        if !self.lines.buffer().is_empty() {
            return true;
        }
        let stdout = self.lines.get_ref();
        let mut fds = [PollFd::new(stdout, PollFlags::IN)];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&now)).expect("it can be asked") > 0
    }
}
