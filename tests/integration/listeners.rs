//! Where connections come from: unix sockets, sockets that were inherited, and inetd's stdin.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    self, Client, Gateway, Output, PATIENCE, Server, Signal, WSD, client::TEXT, run,
};

/// A directory, and the path of a socket in it.
fn path() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let path = path.to_str().expect("text").to_owned();
    (directory, path)
}

/// A server on a unix socket and nothing else.
fn serving(path: &str, words: &[&str]) -> Server {
    Gateway::without_port()
        .args(["--unixsocket", path])
        .args(words)
        .start()
}

/// The environment of a program that prints it, by a client that was just connected.
fn environment(client: &mut Client) -> BTreeSet<String> {
    let text = client.text();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn client_of_a_unix_socket_has_no_address() {
    let (_directory, path) = path();
    let mut server = serving(&path, &["cat", "/proc/self/environ"]);
    assert_eq!(server.url, format!("unix:{path}"));
    let headers = ["Host: any.example"];
    let mut client = Client::connect_unix(Path::new(&path), "/", &headers);
    let found = environment(&mut client);
    for variable in [
        "REMOTE_ADDR=",
        "REMOTE_HOST=",
        "REMOTE_PORT=",
        "SERVER_NAME=any.example",
        "SERVER_PORT=80",
    ] {
        assert!(found.contains(variable), "{variable}: {found:?}");
    }
    let line = server.wait_for_line("session started");
    let pid = std::process::id();
    assert!(line.contains(&format!(",pid={pid}")), "{line}");
}

#[test]
fn echo_over_a_unix_socket_is_exact_and_stops_in_order() {
    let (_directory, path) = path();
    let mut server = serving(&path, &["cat"]);
    let mut client = Client::connect_unix(Path::new(&path), "/", &[]);
    let long = "x".repeat(300_000);
    for text in ["hello", "", &long] {
        client.send(text);
        assert_eq!(client.text(), text);
    }
    server.signal(Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!Path::new(&path).exists(), "the socket is taken away");
}

#[test]
fn without_an_address_there_is_no_other_listener() {
    let (_directory, path) = path();
    let mut server = serving(&path, &["cat"]);
    Client::connect_unix(Path::new(&path), "/", &[]).close();
    server.signal(Signal::TERM);
    server.wait();
    assert_eq!(server.log().matches("serving on").count(), 1);
}

#[test]
fn port_and_several_unix_sockets_are_listened_on_together() {
    let (directory, path) = path();
    let second = directory.path().join("second");
    let second = second.to_str().expect("text");
    let words = ["--port=0", "--unixsocket", second, "cat"];
    let mut server = serving(&path, &words);
    server.connect().close();
    for _ in 0..2 {
        server.listens();
        let path = server.url.trim_start_matches("unix:").to_owned();
        Client::connect_unix(Path::new(&path), "/", &[]).close();
    }
}

#[test]
fn socket_file_is_the_users_own_unless_a_mode_is_given() {
    let mode = |words: &str| {
        let (_directory, path) = path();
        let _server = Gateway::without_port()
            .args([format!("--unixsocket={path}")])
            .args(words.split_whitespace())
            .args(["cat"])
            // Whatever the umask is.
            .shell("umask 000")
            .start();
        let metadata = fs::metadata(&path).expect("a file");
        assert!(metadata.file_type().is_socket());
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(""), 0o600);
    assert_eq!(mode("--unixsocket-mode=660"), 0o660);
    assert_eq!(mode("--unixsocket-mode=0777"), 0o777);
}

#[test]
fn mode_does_not_change_the_programs_umask() {
    let (_directory, path) = path();
    let _server = serving(&path, &["--unixsocket-mode=600", "sh", "-c", "umask"]);
    let mut client = Client::connect_unix(Path::new(&path), "/", &[]);
    let own = Command::new("sh").args(["-c", "umask"]).output();
    let own = String::from_utf8(own.expect("sh runs").stdout).expect("text");
    assert_eq!(client.text(), own.trim());
}

#[test]
fn owner_is_who_the_flag_names() {
    let (_directory, path) = path();
    let own = fs::metadata(".").expect("a directory");
    let owner = format!("--unixsocket-owner={}:{}", own.uid(), own.gid());
    let _server = serving(&path, &[&owner, "cat"]);
    let found = fs::metadata(&path).expect("a file");
    assert_eq!((found.uid(), found.gid()), (own.uid(), own.gid()));
}

#[test]
fn stale_socket_is_replaced() {
    let (_directory, path) = path();
    drop(UnixListener::bind(&path).expect("a free path"));
    assert!(Path::new(&path).exists(), "a socket's file stays behind");
    let _server = serving(&path, &["cat"]);
    Client::connect_unix(Path::new(&path), "/", &[]).close();
}

#[test]
fn live_socket_is_refused_and_left_alone() {
    let (_directory, path) = path();
    let _server = serving(&path, &["cat"]);
    let output = run(&["--unixsocket", &path, "cat"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let message = output.stderr;
    assert!(
        message.contains(&path) && message.contains("already in use"),
        "{message}"
    );
    Client::connect_unix(Path::new(&path), "/", &[]).close();
}

#[test]
fn file_that_is_no_socket_is_never_removed() {
    let (directory, path) = path();
    fs::write(&path, "mine").expect("a file");
    let output = run(&["--unixsocket", &path, "cat"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("no socket"), "{output:?}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "mine");
    // Nor what a link leads to.
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    let output = run(&["--unixsocket", link.to_str().expect("text"), "cat"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(fs::symlink_metadata(&link).is_ok_and(|link| link.is_symlink()));
}

#[test]
fn socket_of_another_server_is_not_taken_away() {
    let (_directory, path) = path();
    let mut server = serving(&path, &["cat"]);
    fs::remove_file(&path).expect("a file");
    let _other = UnixListener::bind(&path).expect("a free path");
    server.signal(Signal::TERM);
    server.wait();
    assert!(Path::new(&path).exists());
}

#[test]
fn of_two_that_start_at_once_one_is_refused() {
    let (_directory, path) = path();
    for _ in 0..5 {
        // A stale socket, so that both have something to replace.
        drop(UnixListener::bind(&path).expect("a free path"));
        let mut children: Vec<_> = (0..4)
            .map(|_| {
                Command::new(WSD)
                    .args(["--unixsocket", &path, "cat"])
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("wsd starts")
            })
            .collect();
        let mut refused = 0;
        support::eventually("all but one have ended", || {
            refused = 0;
            for child in &mut children {
                refused += usize::from(child.try_wait().expect("a child").is_some());
            }
            refused >= 3
        });
        Client::connect_unix(Path::new(&path), "/", &[]).close();
        for child in &mut children {
            support::kill(child.id() as i32, Signal::TERM);
            child.wait().expect("a child");
        }
        assert_eq!(refused, 3);
        assert!(!Path::new(&path).exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_name_has_no_file() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("wsd-test-{}", std::process::id());
    let server = serving(&format!("@{name}"), &["cat"]);
    assert_eq!(server.url, format!("unix:@{name}"));
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
    let stream = UnixStream::connect_addr(&address).expect("it listens");
    let mut client = Client::over(stream.into(), "/", &[]);
    client.send("hello");
    assert_eq!(client.text(), "hello");
    let output = run(&["--unixsocket", &format!("@{name}"), "cat"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("already in use"), "{output:?}");
}

/// A wsd that gets sockets as its descriptors 3 and 4, told of as systemd does. They travel by stdin and
/// stdout, which is how a shell can place them.
fn activated(first: OwnedFd, second: Option<OwnedFd>, variables: &str) -> Gateway {
    let moves = match second {
        Some(_) => "3<&0 4<&1",
        None => "3<&0",
    };
    let shell = format!("exec {moves} </dev/null >/dev/null; export LISTEN_PID=$$ {variables}");
    let gateway = Gateway::without_port().shell(&shell).stdin(first);
    match second {
        Some(second) => gateway.stdout(second),
        None => gateway,
    }
}

#[test]
fn inherited_sockets_are_served_and_nothing_else() {
    let (_directory, path) = path();
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = tcp.local_addr().expect("an address");
    let unix = UnixListener::bind(&path).expect("a free path");
    let variables = "LISTEN_FDS=2 LISTEN_FDNAMES=web:local";
    let gateway = activated(tcp.into(), Some(unix.into()), variables);
    let mut server = gateway.args(["cat"]).start();
    assert_eq!(server.url, format!("ws://{address}/"));
    server.listens();
    assert_eq!(server.url, format!("unix:{path}"));
    Client::connect(address, "/", &[]).close();
    Client::connect_unix(Path::new(&path), "/", &[]).close();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(server.log().matches("serving on").count(), 2);
    assert!(Path::new(&path).exists(), "the file is systemd's");
}

#[test]
fn port_that_is_typed_is_listened_on_beside_inherited_sockets() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = tcp.local_addr().expect("an address");
    let gateway = activated(tcp.into(), None, "LISTEN_FDS=1");
    let mut server = gateway.args(["--port=0", "cat"]).start();
    Client::connect(address, "/", &[]).close();
    server.listens();
    server.connect().close();
}

#[test]
fn neither_programs_nor_the_orphan_killer_get_inherited_sockets() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = tcp.local_addr().expect("an address");
    let server = activated(tcp.into(), None, "LISTEN_FDS=1 LISTEN_FDNAMES=web")
        .args(["--passenv=PATH,LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES"])
        .program("ls /proc/$$/fd; env")
        .start();
    let mut client = Client::connect(address, "/", &[]);
    let mut lines = Vec::new();
    while let Ok(frame) = client.try_receive()
        && frame.opcode == TEXT
    {
        lines.push(String::from_utf8(frame.payload).expect("text"));
    }
    assert_eq!(lines[..3], ["0", "1", "2"], "{lines:?}");
    assert!(lines[3].parse::<u32>().is_err(), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.starts_with("LISTEN_")),
        "{lines:?}"
    );
    let orphan_killer = server.orphan_killer();
    for entry in fs::read_dir(format!("/proc/{orphan_killer}/fd")).expect("a process") {
        let target = fs::read_link(entry.expect("an entry").path()).expect("a descriptor");
        assert!(!target.starts_with("socket:"), "{target:?}");
    }
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = Gateway::with("cat")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "1")
        .start();
    assert_ne!(server.port(), tcp.local_addr().expect("an address").port());
    server.connect().close();
}

#[test]
fn descriptor_that_cannot_be_listened_on_is_named() {
    let datagram = || OwnedFd::from(UdpSocket::bind("127.0.0.1:0").expect("a free port"));
    let connected = || OwnedFd::from(UnixStream::pair().expect("two ends").0);
    let file = || OwnedFd::from(fs::File::open("/dev/null").expect("it is always there"));
    for (descriptor, variables, parts) in [
        (
            datagram(),
            "LISTEN_FDS=1 LISTEN_FDNAMES=web",
            ["descriptor 3 ('web')", "no stream"],
        ),
        (connected(), "LISTEN_FDS=1", ["descriptor 3", "--inetd"]),
        (file(), "LISTEN_FDS=1", ["descriptor 3", "no socket"]),
        (file(), "LISTEN_FDS=many", ["LISTEN_FDS", "many"]),
    ] {
        let gateway = activated(descriptor, None, variables);
        let mut server = gateway.args(["cat"]).spawn();
        assert_eq!(server.wait().code(), Some(2));
        let log = server.log();
        assert!(parts.iter().all(|part| log.contains(part)), "{log}");
    }
}

#[test]
fn process_1_passes_inherited_sockets_on() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = tcp.local_addr().expect("an address");
    let server = activated(tcp.into(), None, "LISTEN_FDS=1")
        .under(&["unshare", "-r", "-p", "-f", "--mount-proc", "--kill-child"])
        .args(["cat"])
        .start();
    assert_eq!(server.url, format!("ws://{address}/"));
    Client::connect(address, "/", &[]).close();
}

/// A wsd with one end of a connection on stdin and stdout, as inetd and systemd pass it.
fn inetd(socket: OwnedFd, words: &[&str]) -> Server {
    let again = socket.try_clone().expect("a descriptor");
    Gateway::without_port()
        .args(["--inetd"])
        .args(words)
        .stdin(socket)
        .stdout(again)
        .spawn()
}

#[test]
fn inetd_serves_the_connection_on_stdin_and_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stream = TcpStream::connect(address).expect("it listens");
    let port = stream.local_addr().expect("an address").port();
    let (accepted, _) = listener.accept().expect("a client");
    let mut server = inetd(accepted.into(), &["cat", "/proc/self/environ"]);
    let mut client = Client::over(stream.into(), "/", &[]);
    let found = environment(&mut client);
    assert!(found.contains("REMOTE_ADDR=127.0.0.1"), "{found:?}");
    assert!(found.contains(&format!("REMOTE_PORT={port}")), "{found:?}");
    assert_eq!(client.closed().0, 1000);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn inetd_serves_a_unix_connection_until_the_client_goes() {
    let (near, far) = UnixStream::pair().expect("two ends");
    let mut server = inetd(far.into(), &["cat"]);
    let mut client = Client::over(near.into(), "/", &[]);
    client.send("hello");
    assert_eq!(client.text(), "hello");
    client.close();
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn inetd_stops_in_order() {
    let (near, far) = UnixStream::pair().expect("two ends");
    let mut server = inetd(far.into(), &["cat"]);
    let mut client = Client::over(near.into(), "/", &[]);
    server.signal(Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
}

/// All that a client gets of a wsd that has the connection on stdin, stdout and stderr.
fn classic(words: &[&str], request: &str) -> (Option<i32>, String) {
    let (mut near, far) = UnixStream::pair().expect("two ends");
    near.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let socket = || far.try_clone().expect("a descriptor");
    let mut command = Command::new(WSD);
    command
        .args(words)
        .stdin(OwnedFd::from(socket()))
        .stdout(OwnedFd::from(socket()))
        .stderr(OwnedFd::from(socket()));
    let mut child = command.spawn().expect("wsd starts");
    // The command keeps descriptors of its own.
    drop((command, far));
    near.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    near.read_to_string(&mut answer).expect("text");
    (child.wait().expect("a child").code(), answer)
}

#[test]
fn log_never_goes_to_the_client() {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (code, answer) = classic(&["--inetd", "--loglevel=debug", "cat"], request);
    assert_eq!(code, Some(0));
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(
        !answer.contains("INFO") && !answer.contains("WARN"),
        "{answer}"
    );
    // Nor do errors at the start.
    for words in [&["--inetd", "no-such-program"][..], &["--bogus"]] {
        assert_eq!(classic(words, ""), (Some(2), String::new()), "{words:?}");
    }
}

#[test]
fn inetd_without_a_connection_says_what_is_missing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    for (stdin, part) in [
        (Stdio::null(), "no socket"),
        (OwnedFd::from(listener).into(), "nowait"),
        (
            OwnedFd::from(UdpSocket::bind("127.0.0.1:0").expect("a free port")).into(),
            "stream",
        ),
    ] {
        let gateway = Gateway::without_port().args(["--inetd", "cat"]);
        let Output {
            code,
            stderr: message,
            ..
        } = gateway.stdin(stdin).output();
        assert_eq!(code, Some(2), "{message}");
        assert!(
            message.contains("--inetd") && message.contains(part),
            "{message}"
        );
    }
}

/// The environment that a program finds behind a balancer that sends a header.
fn announced(header: &[u8]) -> BTreeSet<String> {
    let (_directory, path) = path();
    let _server = serving(&path, &["--proxy-protocol", "cat", "/proc/self/environ"]);
    let mut stream = UnixStream::connect(&path).expect("it listens");
    stream.write_all(header).expect("it reads");
    environment(&mut Client::over(stream.into(), "/", &[]))
}

#[test]
fn proxy_protocol_tells_who_the_client_is() {
    let found = announced(b"PROXY TCP4 192.0.2.1 198.51.100.1 5000 443\r\n");
    for variable in ["REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=5000"] {
        assert!(found.contains(variable), "{variable}: {found:?}");
    }
    let found = announced(b"PROXY UNKNOWN\r\n");
    assert!(found.contains("REMOTE_ADDR="), "{found:?}");
}

#[test]
fn tls_that_ended_at_the_balancer_is_https() {
    let header = |client: u8| {
        let start =
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x01\xc0\0\x02\x02\x13\x88\x01\xbb";
        [&start[..], &[0x20, 0, 5, client, 0, 0, 0, 0]].concat()
    };
    assert!(announced(&header(1)).contains("HTTPS=on"));
    assert!(!announced(&header(0)).contains("HTTPS=on"));
}

#[test]
fn request_may_come_in_one_packet_with_the_longest_header() {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x20\0\xff\xff".to_vec();
    header.resize(header.len() + 0xffff, 0);
    let server = Gateway::with("--proxy-protocol cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let bytes = [&header[..], request].concat();
    stream.write_all(&bytes).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[test]
fn connection_without_the_header_is_closed_unheard() {
    let mut server = Gateway::with("--proxy-protocol cat").start();
    let ask = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(bytes).expect("it reads");
        let mut answer = Vec::new();
        // What was not read makes the end a reset.
        let _ = stream.read_to_end(&mut answer);
        answer
    };
    assert_eq!(ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), b"");
    assert_eq!(ask(b"PROXY TCP4 192.0.2.1"), b"");
    let line = server.wait_for_line("does not begin with a PROXY header");
    assert!(line.contains("refused"), "{line}");
    server.wait_for_line("no PROXY header came within 500ms");
}
