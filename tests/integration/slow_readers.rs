//! Who is far behind when a session ends: what it has not read yet is not lost, whatever it sends meanwhile.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    thread::sleep,
    time::Duration,
};

use hyper_tungstenite::tungstenite::handshake::derive_accept_key;
use socket2::{Domain, Socket, Type};
use tokio_rustls::rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

use crate::support::{
    Client, Gateway, PATIENCE, Server, Signal, address_in,
    certificates::Authority,
    client::{CLOSE, PING, PONG, RawFrame, TEXT, frame},
    eventually,
    http::http,
    line_client::LineClient,
    tls::config,
};

/// Bytes that a socket here holds of what comes: little, so that the rest waits at the other end.
const WINDOW: usize = 8 * 1024;
/// Lines of a program, more bytes than that, and few enough for the other end's kernel.
const LINES: usize = 8_000;

/// Longer than a closing handshake may take, and then the end of a process.
const LONG_BEHIND: Duration = Duration::from_millis(4500);

/// A socket with a small window.
fn socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(WINDOW).expect("an option");
    socket
}

fn connected(address: SocketAddr) -> TcpStream {
    let socket = socket();
    socket.connect(&address.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Its connections have a small window too.
fn listening() -> TcpListener {
    let socket = socket();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("a port");
    socket.listen(1).expect("it listens");
    TcpListener::from(socket)
}

/// A server whose program says what takes a client long to read.
fn server(flags: &str) -> Server {
    let lines = LINES.to_string();
    Gateway::with(flags).args(["seq", "1", &lines]).start()
}

fn client(server: &Server) -> Client {
    Client::over(OwnedFd::from(connected(server.address)), "/", &[])
}

/// The head of a request or an answer.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

/// All lines, and behind them the Close.
fn assert_all(stream: &mut impl Read, code: u16) {
    let mut next = 1;
    loop {
        let frame = RawFrame::read(stream).unwrap_or_else(|error| panic!("{next}: {error}"));
        match frame.first & 0x0f {
            TEXT => assert_eq!(frame.payload, next.to_string().as_bytes()),
            PING => continue,
            CLOSE => {
                assert_eq!(frame.payload[..2], code.to_be_bytes());
                break;
            }
            opcode => panic!("{opcode}"),
        }
        next += 1;
    }
    assert_eq!(next, LINES + 1);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("no reset");
    assert_eq!(rest, b"");
}

#[test]
fn client_that_answers_pings_after_its_session_gets_all() {
    let mut server = server("");
    let mut client = client(&server);
    server.wait_for_line("session ended");
    client.send_frame(true, PONG, b"");
    assert_all(&mut client.stream, 1000);
}

#[test]
fn client_that_has_closed_and_answers_pings_reads_to_the_end() {
    let mut server = Gateway::with("--admin=127.0.0.1:0")
        .program(&format!("seq 1 {LINES}; exec sleep 1000"))
        .start();
    let admin = address_in(&server.wait_for_line("telling operators"));
    let mut client = client(&server);
    let sent = format!("wsd_messages_total{{direction=\"out\"}} {LINES}\n");
    eventually("all is on its way", || {
        ask(admin, "/metrics").contains(&sent)
    });
    client.send_close(1000);
    server.wait_for_line("session ended");
    client.send_frame(true, PONG, b"");
    assert_all(&mut client.stream, 1000);
}

/// What operators are told.
fn ask(admin: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    String::from_utf8(http(admin, &request).2).expect("text")
}

#[test]
fn client_by_tls_gets_all_whatever_it_sends() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let [certificate, key] = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    let mut server = server(&format!("--ssl {certificate} {key}"));
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(config(authority.roots(), None), name).expect("a client");
    let mut stream = StreamOwned::new(session, connected(server.address));
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    head(&mut stream);
    server.wait_for_line("session ended");
    stream
        .write_all(&frame(true, PONG, b""))
        .expect("it is there");
    assert_all(&mut stream, 1000);
}

#[test]
fn what_a_session_counted_as_is_free_while_its_client_reads_on() {
    let mut server = server("--maxforks=1 --admin=127.0.0.1:0");
    let admin = address_in(&server.wait_for_line("telling operators"));
    let mut first = client(&server);
    server.wait_for_line("session ended");
    // Which is told a moment before it is so.
    eventually("it counts no more", || {
        ask(admin, "/sessions").trim() == "[]"
    });
    let mut second = client(&server);
    assert_all(&mut second.stream, 1000);
    assert_all(&mut first.stream, 1000);
}

#[test]
fn client_that_reads_on_does_not_hold_the_stop() {
    // It would be longer than the test waits.
    let mut server = server("--drain-timeout=1000");
    let client = client(&server);
    server.wait_for_line("session ended");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    drop(client);
}

#[test]
fn server_that_is_behind_gets_all_of_a_client() {
    let listener = listening();
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let lines = LINES.to_string();
    let wsd = LineClient::connect(&url, &["seq", "1", &lines]);
    let (mut stream, _) = listener.accept().expect("a client");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = head(&mut stream);
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let accept = derive_accept_key(key.expect("a key").1.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).expect("it reads");
    sleep(LONG_BEHIND);
    // Whoever has gone by now would answer with a reset.
    let ping = [0x80 | PING, 0];
    stream.write_all(&ping).expect("it is there");
    assert_all(&mut stream, 1000);
    drop(stream);
    let (status, told) = wsd.end();
    assert_eq!(status, Some(0), "{told}");
}

#[test]
fn target_that_is_behind_gets_all_of_a_client() {
    let listener = listening();
    let target = format!("--target={}", listener.local_addr().expect("an address"));
    let server = Gateway::with("--finish-timeout=1000")
        .args([target])
        .start();
    let mut client = server.connect();
    let (mut stream, _) = listener.accept().expect("wsd connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let sent = vec![b'x'; 100_000];
    client.send_binary(&sent);
    client.close();
    // Longer than what a target says last is waited for. Whoever has gone by now would answer with a reset.
    sleep(Duration::from_millis(500));
    stream.write_all(b"late").expect("wsd is there");
    let mut read = Vec::new();
    stream.read_to_end(&mut read).expect("no reset");
    assert!(read == sent, "{}", read.len());
}
