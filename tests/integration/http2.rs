//! HTTP/2: WebSockets on streams of their own (RFC 8441), files, scripts, many streams on one connection, and
//! what becomes of them when a client, a stream, a program or the server ends.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, ext::Protocol};
use hyper::{Method, StatusCode, Uri};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, crypto::ring, pki_types::ServerName, version::TLS13},
};

use crate::support::{
    self, Gateway, PATIENCE, Server, Signal,
    certificates::Authority,
    children_of,
    client::{TEXT, frame},
    eventually, forget_caller, http,
    http2::{Connection, read_to_end, soon},
    interpreter, is_alive, login, run, script, state,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn websocket_is_a_stream() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let mut socket = connection.websocket("/").await;
    let names: Vec<_> = socket
        .head
        .headers
        .keys()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(names, ["date"]);
    for text in ["hello", "", &"x".repeat(60_000)] {
        socket.send(text);
        assert_eq!(socket.text().await, text);
    }
    socket.send_frame(support::client::CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tls_agrees_on_http_2_and_programs_are_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let flags = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    let server = Gateway::new()
        .args([
            "--ssl",
            &flags[0],
            &flags[1],
            "sh",
            "-c",
            "echo $SERVER_PROTOCOL $REQUEST_METHOD $REQUEST_URI $HTTPS $HTTP_HOST",
        ])
        .start();
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("a version")
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let socket = tokio::net::TcpStream::connect(server.address).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket.expect("it listens"))
        .await
        .expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let connection = Connection::over(stream, "https", server.port()).await;
    let mut socket = connection.websocket("/a?b=c").await;
    let told = format!("HTTP/2.0 GET /a?b=c on localhost:{}", server.port());
    assert_eq!(socket.text().await, told);
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn subprotocol_is_selected_as_ever() {
    let server = Gateway::with("--h2c --subprotocol=b,a")
        .program("echo $WS_PROTOCOL; cat")
        .start();
    let connection = Connection::plain(server.address).await;
    let headers = [("sec-websocket-protocol", "x, a, b")];
    let mut socket = connection.try_websocket("/", &headers).await;
    assert_eq!(socket.header("sec-websocket-protocol"), Some("a"));
    assert_eq!(socket.text().await, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pages_of_other_origins_are_refused() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let status = async |origin: &str| {
        let headers = [("origin", origin)];
        connection.try_websocket("/", &headers).await.head.status
    };
    assert_eq!(status("http://evil.example").await, StatusCode::FORBIDDEN);
    let own = format!("http://localhost:{}", server.port());
    assert_eq!(status(&own).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_hosts_and_ambiguous_ones_are_refused() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let mut stranger = connection.handshake("/", &[]);
    *stranger.uri_mut() = Uri::from_static("http://evil.example/");
    assert_eq!(connection.ask(stranger).await.0.status, 403);
    let two = connection.handshake("/", &[("host", "evil.example")]);
    assert_eq!(connection.ask(two).await.0.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connect_is_for_nothing_else() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let mut other = connection.handshake("/", &[]);
    other
        .extensions_mut()
        .insert(Protocol::from_static("connect-udp"));
    assert_eq!(connection.ask(other).await.0.status, 501);
    let mut tunnel = connection.request(Method::CONNECT, "/");
    *tunnel.uri_mut() = Uri::from_static("example.org:443");
    let (head, body) = connection.ask(tunnel).await;
    assert_eq!(head.status, 501);
    assert!(
        String::from_utf8_lossy(&body).contains("no proxy"),
        "{body:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answer_to_head_has_no_body_also_when_it_is_a_refusal() {
    let server = Gateway::with("--h2c --devconsole cat").start();
    let connection = Connection::plain(server.address).await;
    for (path, status) in [("/missing", 426), ("/", 200), ("/%00", 400)] {
        let (_, body) = connection.get(path).await;
        let (head, none) = connection.ask(connection.request(Method::HEAD, path)).await;
        let expected = if status == 426 { 400 } else { status };
        assert_eq!(head.status, expected, "{path}");
        assert_eq!(
            head.headers["content-length"],
            body.len().to_string(),
            "{path}"
        );
        assert_eq!(none, b"", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_the_client_is_is_asked_by_http_2_too() {
    let server = login::site(
        "--h2c",
        "basic-auth = \"DIR/users\"\nbearer-tokens = \"DIR/tokens\"\n",
    );
    let server = server.program(login::WHO).start();
    let connection = Connection::plain(server.address).await;
    let refused = connection.try_websocket("/", &[]).await.head;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(
        challenges,
        ["Basic realm=\"wsd\", charset=\"UTF-8\"", "Bearer"]
    );
    let alice = login::alice();
    let header = ("authorization", alice.trim_start_matches("Authorization: "));
    let mut socket = connection.try_websocket("/", &[header]).await;
    assert_eq!(socket.head.status, StatusCode::OK);
    assert!(socket.head.headers.contains_key("set-cookie"));
    assert!(
        socket
            .text()
            .await
            .starts_with("user=alice type=Basic authorization= ")
    );
    let offers = ("sec-websocket-protocol", "bearer.t0ken.of-ci, chat");
    let mut socket = connection.try_websocket("/", &[offers]).await;
    assert_eq!(socket.head.headers["sec-websocket-protocol"], "chat");
    assert!(socket.text().await.starts_with("user=ci type=Bearer "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refusals_have_no_headers_of_a_connection() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let mut old = connection.handshake("/", &[]);
    old.headers_mut().insert("sec-websocket-version", 8.into());
    for request in [old, connection.request(Method::GET, "/")] {
        let (head, _) = connection.ask(request).await;
        assert_eq!(head.status, 400);
        assert_eq!(head.headers["sec-websocket-version"], "13");
        assert!(!head.headers.contains_key("upgrade") && !head.headers.contains_key("connection"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn http_1_is_spoken_on_the_same_port() {
    let server = Gateway::with("--h2c --staticdir=examples/echo cat").start();
    assert_eq!(server.get("/").0, 200);
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(
        Connection::plain(server.address)
            .await
            .get("/")
            .await
            .0
            .status,
        200
    );
}

#[test]
fn preface_is_no_request_without_the_flag() {
    let server = Gateway::with("cat").start();
    let answer = answer_to(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let answer = String::from_utf8(answer).expect("text");
    assert!(
        answer.starts_with("HTTP/1.1 505 ") && answer.contains("--h2c"),
        "{answer}"
    );
    let client = server.connect();
    assert_eq!(client.status(), 101);
}

/// All that comes back until the server closes the connection, or resets it.
fn answer_to(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(bytes).expect("room");
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    answer
}

#[test]
fn flag_is_about_clients_without_tls() {
    let output = run(&["--h2c", "--ssl-selfsigned", "cat"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("--h2c"), "{}", output.stderr);
    let output = run(&[
        "--h2c",
        "--ssl-selfsigned",
        "--ssl-optional",
        "--check-config",
        "cat",
    ]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn files_come_whole_and_in_parts() {
    let directory = tempfile::tempdir().expect("a directory");
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(directory.path().join("large"), &bytes).expect("a file");
    let flag = format!("--staticdir={}", directory.path().display());
    let server = Gateway::new().args(["--h2c", &flag]).start();
    let connection = Connection::plain(server.address).await;
    let (head, body) = connection.get("/large").await;
    assert_eq!(head.status, 200);
    assert!(body == bytes, "{} bytes", body.len());
    let (head, body) = connection
        .ask(connection.request(Method::HEAD, "/large"))
        .await;
    assert_eq!((head.status.as_u16(), body.len()), (200, 0));
    assert_eq!(head.headers["content-length"], bytes.len().to_string());
    // All at once.
    let part = async |first: usize, last: usize| {
        let mut request = connection.request(Method::GET, "/large");
        let range = format!("bytes={first}-{last}").parse().expect("a value");
        request.headers_mut().insert("range", range);
        let (head, body) = connection.ask(request).await;
        assert_eq!(head.status, 206);
        assert!(body == bytes[first..=last], "{first}: {} bytes", body.len());
    };
    tokio::join!(
        part(0, 0),
        part(1, 5_000_000),
        part(7, 100_000),
        part(11_000_000, 11_999_999)
    );
    let mut unchanged = connection.request(Method::GET, "/large");
    let tag = head.headers["etag"].clone();
    unchanged.headers_mut().insert("if-none-match", tag);
    assert_eq!(connection.ask(unchanged).await.0.status, 304);
}

/// A server with one script.
fn start_script(directory: &Path, text: &str) -> Server {
    script(directory, "script", &format!("#!/bin/sh\n{text}"));
    let flag = format!("--cgidir={}", directory.display());
    Gateway::new().args(["--h2c", &flag]).start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scripts_answer_as_they_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "printf 'Content-Type: text/plain\\nConnection: close\\n\\nfirst\\n'\n\
                while [ ! -e go ]; do sleep 0.01; done; echo last";
    let server = start_script(directory.path(), text);
    let connection = Connection::plain(server.address).await;
    let request = connection.request(Method::GET, "/script");
    let (mut response, _) = connection.begin(request, true).await;
    assert!(!response.headers().contains_key("connection"));
    let first = soon(response.body_mut().data()).await;
    assert_eq!(first.expect("some").expect("data"), "first\n");
    fs::write(directory.path().join("go"), "").expect("a file");
    assert_eq!(read_to_end(response.body_mut()).await, b"last\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scripts_get_bodies_with_their_length() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "printf 'Content-Type: text/plain\\n\\n'\n\
                echo \"$REQUEST_METHOD $CONTENT_LENGTH $SERVER_PROTOCOL\"; wc -c";
    let server = start_script(directory.path(), text);
    let connection = Connection::plain(server.address).await;
    for announced in [None, Some(200_000)] {
        let mut request = connection.request(Method::POST, "/script");
        if let Some(length) = announced {
            request
                .headers_mut()
                .insert("content-length", length.into());
        }
        let mut sender = connection.sender.clone();
        let (response, mut stream) = sender.send_request(request, false).expect("a stream");
        let body = Bytes::from(vec![b'x'; 200_000]);
        stream.send_data(body, true).expect("an open stream");
        let mut response = soon(response).await.expect("an answer");
        let answer = read_to_end(response.body_mut()).await;
        let answer = String::from_utf8(answer).expect("text");
        let mut lines = answer.lines().map(str::trim);
        assert_eq!(lines.next(), Some("POST 200000 HTTP/2.0"), "{announced:?}");
        assert_eq!(lines.next(), Some("200000"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn script_ends_when_its_stream_is_reset() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "printf 'Content-Type: text/plain\\n\\nfirst\\n'; exec sleep 1000";
    let server = start_script(directory.path(), text);
    let connection = Connection::plain(server.address).await;
    let request = connection.request(Method::GET, "/script");
    let (response, mut stream) = connection.begin(request, true).await;
    eventually("it runs", || !server.children().is_empty());
    stream.send_reset(Reason::CANCEL);
    drop(response);
    eventually("it has ended", || server.children().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_hundred_sessions_share_a_connection() {
    let server = Gateway::with("--h2c --max-connections=1 cat").start();
    let connection = Connection::plain(server.address).await;
    let mut sockets = Vec::new();
    for _ in 0..200 {
        sockets.push(connection.websocket("/").await);
    }
    assert_eq!(server.children().len(), 200);
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.send(&number.to_string());
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.text().await, number.to_string());
    }
    drop(sockets);
    eventually("all programs have ended", || server.children().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reset_stream_ends_its_program_and_no_other() {
    let mut server = Gateway::with("--h2c --closems=0 cat").start();
    let connection = Connection::plain(server.address).await;
    let mut stays = connection.websocket("/stays").await;
    let mut goes = connection.websocket("/goes").await;
    assert_eq!(server.children().len(), 2);
    goes.send.send_reset(Reason::CANCEL);
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=1006"), "{line}");
    eventually("its program has ended", || server.children().len() == 1);
    stays.send("here");
    assert_eq!(stays.text().await, "here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reset_stream_ends_a_program_that_neither_reads_nor_writes() {
    let server = Gateway::with("--h2c sleep 1000").start();
    let connection = Connection::plain(server.address).await;
    let mut socket = connection.websocket("/").await;
    let program = server.children()[0];
    socket.send.send_reset(Reason::INTERNAL_ERROR);
    eventually("it has ended", || !is_alive(program));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reset_stream_behind_unread_messages_ends_its_program() {
    let server = Gateway::with("--h2c --pingms=0 sleep 1000").start();
    let connection = Connection::plain(server.address).await;
    let mut socket = connection.websocket("/").await;
    let program = server.children()[0];
    // More than the pipe and the session take.
    let messages = frame(true, TEXT, &[b'x'; 4000]).repeat(100);
    socket.fill(&messages, 100_000).await;
    socket.send.send_reset(Reason::CANCEL);
    eventually("it has ended", || !is_alive(program));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lost_connection_ends_all_its_sessions() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(connection.websocket("/").await);
    }
    assert_eq!(server.children().len(), 5);
    connection.abort();
    eventually("all programs have ended", || server.children().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn programs_end_tells_its_status() {
    let server = Gateway::with("--h2c")
        .program("printf 'last words'; exit 3")
        .start();
    let connection = Connection::plain(server.address).await;
    let mut socket = connection.websocket("/").await;
    assert_eq!(socket.text().await, "last words");
    assert_eq!(socket.closed().await, 4003);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn slow_reader_holds_up_its_own_program_only() {
    let server = Gateway::with("--h2c")
        .program("case $PATH_INFO in /flood) yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;; *) cat;; esac")
        .start();
    let connection = Connection::plain(server.address).await;
    let mut floods = Vec::new();
    for _ in 0..20 {
        floods.push(connection.websocket("/flood").await);
    }
    eventually("all of them wait to write", || {
        let programs = server.children();
        let writers = programs.iter().flat_map(|pid| children_of(*pid));
        let writers: Vec<i32> = writers.collect();
        writers.len() == 20 && writers.iter().all(|pid| state(*pid) == Some('S'))
    });
    let mut socket = connection.websocket("/").await;
    for _ in 0..10 {
        socket.send("hello");
        assert_eq!(socket.text().await, "hello");
    }
    // What waited is all there.
    for _ in 0..10_000 {
        assert_eq!(floods[7].text().await.len(), 31);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn program_that_does_not_read_holds_up_its_own_client_only() {
    let server = Gateway::with("--h2c")
        .program("case $PATH_INFO in /deaf) exec sleep 1000;; *) exec cat;; esac")
        .start();
    let connection = Connection::plain(server.address).await;
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut socket = connection.websocket("/deaf").await;
        for _ in 0..3 {
            socket.send(&"y".repeat(60_000));
        }
        deaf.push(socket);
    }
    // Nobody reads as far as that these are no frames.
    let bytes = vec![b'x'; 2_000_000];
    for socket in &mut deaf {
        let sent = socket
            .send_until_full(&bytes, Duration::from_millis(200))
            .await;
        assert!(sent < 1_000_000, "{sent} bytes were taken");
    }
    let mut socket = connection.websocket("/").await;
    for _ in 0..10 {
        socket.send(&"z".repeat(10_000));
        assert_eq!(socket.text().await.len(), 10_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stopping_server_lets_programs_finish_and_says_goodbye() {
    let mut server = Gateway::with("--h2c")
        .program("cat; echo last words")
        .start();
    let connection = Connection::plain(server.address).await;
    let mut sockets = [
        connection.websocket("/").await,
        connection.websocket("/").await,
    ];
    server.signal(Signal::TERM);
    for socket in &mut sockets {
        assert_eq!(socket.text().await, "last words");
        assert_eq!(socket.closed().await, 1001);
    }
    assert_eq!(connection.closed().await, None);
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stopping_server_does_not_wait_for_idle_connections() {
    let mut server = Gateway::with("--h2c --staticdir=examples/echo cat").start();
    let unused = Connection::plain(server.address).await;
    let used = Connection::plain(server.address).await;
    assert_eq!(used.get("/").await.0.status, 200);
    server.signal(Signal::TERM);
    assert_eq!(used.closed().await, None);
    assert!(server.wait().success());
    drop(unused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn operator_can_end_one_session_of_a_connection() {
    let mut server = Gateway::with("--h2c --admin=127.0.0.1:0 cat").start();
    let line = server.wait_for_line("telling operators");
    let admin = line.split("http://").nth(1).expect("a URL");
    let admin: SocketAddr = admin.split('/').next().expect("one").parse().expect("one");
    let ask = |method: &str, path: &str| {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
        let (status, _, body) = http(admin, &request);
        (status, String::from_utf8(body).expect("text"))
    };
    let connection = Connection::plain(server.address).await;
    let mut first = connection.websocket("/first?x").await;
    let mut second = connection.websocket("/second").await;
    let listed = ask("GET", "/sessions").1;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("an array");
    assert_eq!(listed[0]["uri"], "/first?x");
    let id = listed[0]["id"].as_str().expect("an id");
    assert_eq!(ask("DELETE", &format!("/sessions/{id}")).0, 202);
    assert_eq!(first.closed().await, 1001);
    second.send("untouched");
    assert_eq!(second.text().await, "untouched");
    let metrics = ask("GET", "/metrics").1;
    assert!(
        metrics.contains("wsd_sessions_open{transport=\"websocket\"} 1"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connection_over_the_limit_is_told_and_left() {
    let server = Gateway::with("--h2c --max-connections=1 cat").start();
    let first = Connection::plain(server.address).await;
    let mut socket = first.websocket("/").await;
    let second = Connection::plain(server.address).await;
    let refused = second.try_websocket("/", &[]).await;
    assert_eq!(refused.head.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(refused);
    assert_eq!(second.closed().await, None);
    socket.send("here");
    assert_eq!(socket.text().await, "here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn head_that_is_too_large_is_431() {
    let server = Gateway::with("--h2c cat").start();
    let connection = Connection::plain(server.address).await;
    let large = "x".repeat(40 * 1024);
    let refused = connection.try_websocket("/", &[("x-large", &large)]).await;
    assert_eq!(refused.head.status, 431);
    connection.websocket("/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rapid_resets_leave_nothing_behind() {
    let server = Gateway::with("--h2c --staticdir=examples/echo cat").start();
    let connection = Connection::plain(server.address).await;
    flood_with_resets(&server, 500).await;
    let before = memory(&server);
    for _ in 0..20 {
        flood_with_resets(&server, 500).await;
    }
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 20_000_000, "{grown} bytes");
    eventually("no program is left", || server.children().is_empty());
    // Others do not suffer.
    assert_eq!(connection.get("/").await.0.status, 200);
}

/// Asks for WebSockets and files and takes it back at once, until the server has enough of it.
async fn flood_with_resets(server: &Server, requests: usize) {
    let connection = Connection::plain(server.address).await;
    for number in 0..requests {
        let request = match number % 2 {
            0 => connection.handshake("/", &[]),
            _ => connection.request(Method::GET, "/"),
        };
        let Ok(mut sender) = soon(connection.sender.clone().ready()).await else {
            return;
        };
        let Ok((_, mut stream)) = sender.send_request(request, false) else {
            return;
        };
        stream.send_reset(Reason::CANCEL);
        tokio::task::yield_now().await;
    }
}

/// Resident memory in bytes.
fn memory(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kilobytes
        .expect("a figure")
        .parse::<usize>()
        .expect("a number")
}

#[test]
fn garbage_behind_the_preface_ends_the_connection() {
    let server = Gateway::with("--h2c cat").start();
    answer_to(
        &server,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    );
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
}

#[test]
fn a_thousand_sessions_of_another_client_share_a_connection() {
    let server = Gateway::with("--h2c cat").start();
    let port = server.port().to_string();
    interpreter::python("http2.py", &[&port, "1000"]);
    eventually("all programs have ended", || server.children().is_empty());
}

#[test]
fn curl_gets_files_and_scripts() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("file"), vec![b'x'; 5_000_000]).expect("a file");
    fs::create_dir(directory.path().join("cgi")).expect("a directory");
    let text = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; echo \"$REQUEST_METHOD\"; cat";
    script(&directory.path().join("cgi"), "script", text);
    let files = format!("--staticdir={}", directory.path().display());
    let scripts = format!("--cgidir={}", directory.path().join("cgi").display());
    let server = Gateway::new().args(["--h2c", &files, &scripts]).start();
    let curl = |words: &[&str], target: &str| {
        let output = forget_caller(&mut Command::new("curl"))
            .args([
                "-sS",
                "--fail",
                "--http2-prior-knowledge",
                "-w",
                " %{http_version}",
            ])
            .args(words)
            .arg(format!("http://localhost:{}{target}", server.port()))
            .stdin(Stdio::null())
            .output()
            .expect("curl is installed");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let file = curl(&[], "/file");
    assert_eq!((file.len(), file.ends_with("x 2")), (5_000_002, true));
    assert_eq!(curl(&["--data", "a=b"], "/script"), "POST\na=b 2");
    // A refusal is seen although the body is still on its way.
    let upload = format!("@{}", directory.path().join("file").display());
    let words = [
        "--no-fail",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--data-binary",
        &upload,
    ];
    assert_eq!(curl(&words, "/file"), "405");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_websocket_but_the_first_counts_as_a_connection_more() {
    let server = Gateway::with("--h2c --max-connections-per-ip=2 --devconsole cat").start();
    let connection = Connection::plain(server.address).await;
    let mut first = connection.websocket("/").await;
    let _second = connection.websocket("/").await;
    let third = connection.try_websocket("/", &[]).await;
    assert_eq!(third.head.status, StatusCode::TOO_MANY_REQUESTS);
    // Files and pages of the connection do not count.
    assert_eq!(connection.get("/").await.0.status, StatusCode::OK);
    first.send_frame(support::client::CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(first.closed().await, 1000);
    let mut status = StatusCode::TOO_MANY_REQUESTS;
    while status == StatusCode::TOO_MANY_REQUESTS {
        status = connection.try_websocket("/", &[]).await.head.status;
    }
    assert_eq!(status, StatusCode::OK);
}
