//! Targets that are real servers: TLS, HAProxy, Redis, PostgreSQL.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use rustix::fs::{Gid, Uid, chown};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::support::{
    Client, Gateway, Server, Target,
    certificates::{Authority, Issued},
    client::BINARY,
    eventually,
    proxy::{Proxy, free_address, installed},
    target::read_bytes,
};

/// How a server by TLS ends a connection.
#[derive(Clone, Copy, PartialEq)]
enum End {
    CloseNotify,
    Cut,
    CutUnheard,
}

/// Serves by TLS, to whoever connects: what comes in one read is sent back, and then the end.
fn serve_tls(target: Target, issued: &Issued, end: End) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ));
    let config = config
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = config.with_no_client_auth();
    let config = config.with_single_cert(vec![issued.certificate.clone()], key);
    let config = Arc::new(config.expect("a certificate"));
    thread::spawn(move || {
        loop {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, target.accept());
            let mut buffer = [0; 100];
            let Ok(read) = stream.read(&mut buffer) else {
                continue;
            };
            if end != End::CutUnheard {
                let _ = stream.write_all(&buffer[..read]);
            }
            if end == End::CloseNotify {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
}

/// A gateway to `tls:HOST:PORT` of a server with a certificate for localhost, and what that ends with.
fn tls_gateway(
    host: &str,
    end: End,
    flags: impl FnOnce(&Path, &Authority) -> Vec<String>,
) -> Server {
    let authority = Authority::new("Test");
    let target = Target::listen();
    let flag = format!("--target=tls:{host}:{}", target.port());
    serve_tls(target, &authority.issue(&["localhost"]), end);
    let gateway = Gateway::new().file("");
    let flags = flags(gateway.directory(), &authority);
    gateway.args([flag]).args(flags).start()
}

fn trusting(directory: &Path, authority: &Authority) -> Vec<String> {
    let file = authority.write(directory, "ca.pem");
    vec![format!("--target-ca={}", file.display())]
}

#[test]
fn target_by_tls_is_verified() {
    let stranger = |directory: &Path, _: &Authority| trusting(directory, &Authority::new("Other"));
    for (host, flags, status, reason) in [
        (
            "localhost",
            &trusting as &dyn Fn(&Path, &Authority) -> Vec<String>,
            101,
            "",
        ),
        (
            "127.0.0.1",
            &trusting,
            502,
            "is for localhost, not for '127.0.0.1': --target-insecure ",
        ),
        (
            "localhost",
            &stranger,
            502,
            "no authority that is trusted: --target-ca=",
        ),
        (
            "localhost",
            &|_, _| Vec::new(),
            502,
            "no authority that is trusted: --target-ca=",
        ),
        (
            "127.0.0.1",
            &|_, _| vec!["--target-insecure".to_owned()],
            101,
            "",
        ),
    ] {
        let mut server = tls_gateway(host, End::CloseNotify, flags);
        let mut client = server.ask("/", &[]);
        assert_eq!(client.status(), status, "{host} {reason}: {}", server.log());
        if status == 101 {
            client.send("hello");
            assert_eq!(client.binary(), b"hello");
            assert_eq!(client.closed().0, 1000);
            continue;
        }
        assert_eq!(client.body(), "the target cannot be reached\n");
        let line = server.wait_for_line("refused");
        assert!(line.contains(reason) && line.contains("TLS: "), "{line}");
    }
}

#[test]
fn trust_in_anybody_is_said_at_the_start() {
    let flags = ["--target=tls:localhost:1", "--target-insecure"];
    let mut server = Gateway::new().args(flags).start();
    eventually("it is said", || {
        server.log().contains("--target-insecure: ")
    });
}

#[test]
fn plain_server_is_no_target_by_tls() {
    let target = Target::listen();
    let flag = format!("--target=tls:localhost:{}", target.port());
    let mut server = Gateway::with("--target-insecure").args([flag]).start();
    let answering = thread::spawn(move || target.accept().write_all(b"220 smtp.example ready\r\n"));
    assert_eq!(server.status("/", &[]), 502);
    let line = server.wait_for_line("refused");
    let reason = "TLS: what answers speaks no TLS; a target without TLS is tcp:HOST:PORT";
    assert!(line.contains(reason), "{line}");
    let _ = answering.join();
}

#[test]
fn end_of_tls_without_a_word_is_an_end_only_behind_data() {
    for (end, code) in [(End::Cut, 1000), (End::CutUnheard, 1011)] {
        let mut server = tls_gateway("localhost", end, trusting);
        let mut client = server.connect();
        client.send("hello");
        if code == 1000 {
            assert_eq!(client.binary(), b"hello");
        }
        assert_eq!(client.closed().0, code);
        if code == 1011 {
            let line = server.wait_for_line("is lost");
            assert!(
                line.contains("close_notify") && !line.contains("docs.rs"),
                "{line}"
            );
        }
    }
}

#[test]
fn proxy_header_tells_the_client_and_what_it_reached() {
    let target = Target::listen();
    for (flags, headers, expected) in [
        (
            "v1",
            &[][..],
            "PROXY TCP4 127.0.0.1 127.0.0.1 {client} {port}\r\n",
        ),
        (
            "v1 --trust-proxy=127.0.0.1",
            &["X-Forwarded-For: 192.0.2.7"],
            "PROXY TCP4 192.0.2.7 127.0.0.1 0 {port}\r\n",
        ),
        (
            "v1 --trust-proxy=127.0.0.1",
            &["X-Forwarded-For: 2001:db8::7"],
            "PROXY TCP6 2001:db8::7 ::ffff:7f00:1 0 {port}\r\n",
        ),
        (
            "v1 --address=0.0.0.0",
            &[],
            "PROXY TCP4 127.0.0.1 127.0.0.1 {client} {port}\r\n",
        ),
    ] {
        let flags = format!("--target-proxy-protocol={flags}");
        let server = Gateway::with(&flags).args([target.flag()]).start();
        let client = server.ask("/", headers);
        assert_eq!(client.status(), 101);
        let from = client.stream.local_addr().expect("its address").port();
        let expected = expected
            .replace("{client}", &from.to_string())
            .replace("{port}", &server.port().to_string());
        let mut end = target.accept();
        let header = read_bytes(&mut end, expected.len());
        assert_eq!(String::from_utf8_lossy(&header), expected, "{flags}");
    }
}

#[test]
fn client_of_a_unix_socket_is_unknown_to_the_target() {
    let target = Target::listen();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    for (version, expected) in [
        ("v1", &b"PROXY UNKNOWN\r\n"[..]),
        ("v2", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"),
    ] {
        let _server = Gateway::without_port()
            .args([
                format!("--unixsocket={}", path.display()),
                format!("--target-proxy-protocol={version}"),
                target.flag(),
            ])
            .start();
        let _client = Client::connect_unix(&path, "/", &[]);
        assert_eq!(read_bytes(&mut target.accept(), expected.len()), expected);
    }
}

#[test]
fn haproxy_that_demands_a_header_gets_one() {
    let target = Target::echo();
    let listens = free_address();
    let text = format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n\
         listen echo\n bind {listens} accept-proxy\n server echo {}\n",
        target.address()
    );
    let _proxy = Proxy::haproxy(&text, listens);
    for version in ["v1", "v2"] {
        let flags = format!("--target-proxy-protocol={version} --target={listens}");
        let server = Gateway::with(&flags).start();
        let mut client = server.connect();
        client.send("hello");
        assert_eq!(client.binary(), b"hello", "{version}");
        client.close();
    }
    let server = Gateway::with(&format!("--target={listens}")).start();
    let mut client = server.connect();
    client.send("hello without any header");
    assert_ne!(client.receive().opcode, BINARY);
}

/// A server that was started for a test; killed on drop.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn log_of(directory: &Path) -> File {
    File::create(directory.join("log")).expect("a file")
}

#[test]
fn redis_is_spoken_to_in_lines() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("redis.sock");
    let child = Command::new(installed("redis-server"))
        .args([
            "--port",
            "0",
            "--save",
            "",
            "--daemonize",
            "no",
            "--unixsocket",
        ])
        .arg(&socket)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(log_of(directory.path()))
        .spawn();
    let _redis = Started(child.expect("redis starts"));
    eventually("redis listens", || socket.exists());
    let flag = format!("--target=unix:{}", socket.display());
    let server = Gateway::with("--framing=lines").args([flag]).start();
    let mut client = server.connect();
    for (question, answers) in [
        ("PING", &["+PONG"][..]),
        ("SET key value", &["+OK"]),
        ("GET key", &["$5", "value"]),
    ] {
        client.send(question);
        for answer in answers {
            assert_eq!(client.text(), *answer);
        }
    }
    client.send("QUIT");
    assert_eq!(client.text(), "+OK");
    assert_eq!(client.closed(), (1000, String::new()));
}

/// PostgreSQL does not run as root: then it is nobody's.
fn as_nobody(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    match rustix::process::geteuid().is_root() {
        true => command.uid(NOBODY).gid(NOBODY),
        false => command,
    }
}

const NOBODY: u32 = 65534;

/// Where the newest of Debian's PostgreSQL is.
fn postgres(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let found = versions.map(|version| version.path().join("bin").join(name));
    found
        .filter(|file| file.is_file())
        .max()
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: scripts/test does it, or apt-get install postgresql"
            )
        })
}

/// A message of the frontend (PostgreSQL's documentation, "Message Formats").
fn postgres_message(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4)
        .expect("it is short")
        .to_be_bytes();
    [kind, &length, body].concat()
}

/// Reads messages of the backend from chunks of any size, up to one of this kind; the bodies of those of `wanted`.
fn read_messages(client: &mut Client, last: u8, wanted: u8) -> Vec<Vec<u8>> {
    let (mut bytes, mut found) = (Vec::new(), Vec::new());
    loop {
        while bytes.len() >= 5 {
            let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
            if bytes.len() <= length {
                break;
            }
            let message: Vec<u8> = bytes.drain(..=length).collect();
            assert_ne!(message[0], b'E', "{}", message.escape_ascii());
            if message[0] == wanted {
                found.push(message[5..].to_vec());
            }
            if message[0] == last {
                assert!(bytes.is_empty());
                return found;
            }
        }
        bytes.extend(client.binary());
    }
}

#[test]
fn postgresql_is_spoken_to_in_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
        let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        chown(path, Some(user), Some(group)).expect("root may");
    }
    let made = as_nobody(&mut Command::new(postgres("initdb")))
        .args(["--auth=trust", "--username=test", "--no-sync", "-D"])
        .arg(path.join("data"))
        .current_dir(path)
        .stdin(Stdio::null())
        .output();
    let made = made.expect("initdb runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let child = as_nobody(&mut Command::new(postgres("postgres")))
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c"])
        .arg(format!("unix_socket_directories={}", path.display()))
        .arg("-D")
        .arg(path.join("data"))
        .current_dir(path)
        .stdin(Stdio::null())
        .stderr(log_of(path))
        .spawn();
    let _postgres = Started(child.expect("postgres starts"));
    let socket = path.join(".s.PGSQL.5432");
    let flag = format!("--target=unix:{}", socket.display());
    let server = Gateway::new().args([flag]).start();
    let startup = [&[0, 3, 0, 0][..], b"user\0test\0database\0postgres\0\0"].concat();
    let mut client = None;
    eventually("the server takes connections", || {
        let mut asking = server.ask("/", &[]);
        if asking.status() != 101 {
            return false;
        }
        asking.send_binary(&postgres_message(b"", &startup));
        // While it starts it says so in an error, and ends.
        let first = asking.receive();
        let is_ready = first.payload.first() == Some(&b'R');
        if is_ready && !first.payload.ends_with(b"Z\0\0\0\x05I") {
            read_messages(&mut asking, b'Z', b'K');
        }
        client = Some(asking);
        is_ready
    });
    let mut client = client.expect("a client");
    client.send_binary(&postgres_message(b"Q", b"select 6 * 7, 'caf\xc3\xa9'\0"));
    let rows = read_messages(&mut client, b'Z', b'D');
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0].ends_with(b"\0\0\0\x0242\0\0\0\x05caf\xc3\xa9"),
        "{rows:?}"
    );
    client.send_binary(&postgres_message(b"X", b""));
    assert_eq!(client.closed().0, 1000);
}

/// Whether somebody listens there is no affair of the start.
#[test]
fn target_need_not_be_there_at_the_start() {
    let address = free_address();
    let server = Gateway::with(&format!("--target={address}")).start();
    assert_eq!(server.status("/", &[]), 502);
    assert!(TcpStream::connect(address).is_err());
}
