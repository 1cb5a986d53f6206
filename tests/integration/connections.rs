//! How many connections there may be, and whose they are behind proxies.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::support::{self, Client, Gateway, eventually, http, run};

#[test]
fn connection_waits_for_its_next_request_as_long_as_it_is_told() {
    let server = Gateway::with("--keepalive-timeout=1 cat").start();
    let mut stream = std::net::TcpStream::connect(server.address).expect("the server listens");
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    // It ends, which it would not for a minute.
    stream
        .set_read_timeout(Some(crate::support::PATIENCE))
        .expect("a timeout");
    std::io::Read::read_to_end(&mut stream, &mut answer).expect("the server closes");
    assert!(answer.starts_with(b"HTTP/1.1 426 "));
}

#[test]
fn requests_are_answered_one_after_another_and_all_at_once() {
    let server = Gateway::with("cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream
        .set_read_timeout(Some(support::PATIENCE))
        .expect("a timeout");
    let request = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for count in [1, 1, 1, 3, 1, 10, 1] {
        let requests = request.repeat(count);
        stream.write_all(requests.as_bytes()).expect("it reads");
        let mut answers = String::new();
        while answers.matches("\r\n\r\n").count() < count {
            let mut piece = [0; 1024];
            let length = stream.read(&mut piece).expect("an answer");
            assert!(length > 0, "{answers}");
            answers += &String::from_utf8_lossy(&piece[..length]);
        }
        assert_eq!(answers.matches("HTTP/1.1 426 ").count(), count, "{answers}");
    }
}

#[test]
fn connection_too_many_is_told_so_and_may_come_again() {
    let server = Gateway::with("--max-connections=2 --devconsole cat").start();
    let session = server.connect();
    // One that has been answered counts, and goes on to.
    let mut idle = TcpStream::connect(server.address).expect("it listens");
    let request = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    idle.write_all(request.as_bytes()).expect("it reads");
    assert_eq!(idle.read(&mut [0]).expect("an answer"), 1);
    let (status, headers, body) = server.get("/");
    assert_eq!(status, 503);
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(headers["connection"], "close");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(String::from_utf8_lossy(&body).contains("--max-connections=2"));
    assert_eq!(server.status("/", &[]), 503);
    drop(idle);
    eventually("there is room", || server.get("/").0 == 200);
    session.close();
}

#[test]
fn addresses_have_their_own_limit() {
    let server = Gateway::with("--max-connections-per-ip=1 --devconsole cat").start();
    let session = server.connect();
    let (status, headers, body) = server.get("/");
    assert_eq!((status, headers["retry-after"].as_str()), (429, "1"));
    assert!(String::from_utf8_lossy(&body).contains("--max-connections-per-ip=1"));
    // Another address of this machine is another client.
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let other = other.expect("a socket");
    let address: std::net::SocketAddr = "127.0.0.2:0".parse().expect("an address");
    other.bind(&address.into()).expect("a loopback address");
    other.connect(&server.address.into()).expect("it listens");
    let mut other = TcpStream::from(other);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    );
    other.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    other.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    session.close();
    eventually("there is room", || server.get("/").0 == 200);
}

#[test]
fn client_behind_a_trusted_proxy_is_who_it_says() {
    let mut server = Gateway::new()
        .args([
        "--trust-proxy=127.0.0.1",
        "--host=public.example",
        "sh",
        "-c",
        "printf '%s|%s|%s|%s|%s\n' \"$REMOTE_ADDR\" \"$REMOTE_PORT\" \"$HTTPS\" \"$SERVER_NAME\" \"$SERVER_PORT\"",
    ])
        .start();
    let text = |headers: &[&str]| Client::connect(server.address, "/", headers).text();
    let forwarded = "X-Forwarded-For: 6.6.6.6, 192.0.2.7";
    let host = "X-Forwarded-Host: public.example";
    assert_eq!(
        text(&[forwarded, "X-Forwarded-Proto: https", host]),
        "192.0.2.7||on|public.example|443"
    );
    assert_eq!(
        text(&["Forwarded: for=\"[2001:db8::7]:99\";proto=http;host=\"public.example:81\""]),
        "2001:db8::7|99||public.example|81"
    );
    let line = server.wait_for_line("[2001:db8::7]:99");
    assert!(line.contains("session started"), "{line}");
}

#[test]
fn origin_and_host_are_checked_against_what_the_proxy_says() {
    let server = Gateway::with("--trust-proxy=127.0.0.0/8 --host=public.example cat").start();
    let status = |headers: &[&str]| server.status("/", headers);
    let host = "X-Forwarded-Host: public.example";
    assert_eq!(status(&[host, "Origin: https://public.example"]), 101);
    assert_eq!(status(&[host, "Origin: https://evil.example"]), 403);
    assert_eq!(status(&["X-Forwarded-Host: evil.example"]), 403);
    assert_eq!(status(&["X-Forwarded-Host: a b"]), 400);
    assert_eq!(status(&["Forwarded: for=\"x"]), 400);
}

#[test]
fn nobody_else_is_believed() {
    let server = Gateway::new()
        .args([
            "--trust-proxy=10.0.0.0/8,unix",
            "sh",
            "-c",
            "echo \"$REMOTE_ADDR$HTTPS $HTTP_X_FORWARDED_FOR\"",
        ])
        .start();
    let headers = ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"];
    let mut client = Client::connect(server.address, "/", &headers);
    assert_eq!(client.text(), "127.0.0.1 192.0.2.7");
}

#[test]
fn requests_through_a_proxy_count_for_their_clients() {
    let server =
        Gateway::with("--trust-proxy=127.0.0.1 --max-connections-per-ip=1 --devconsole cat")
            .start();
    let first = Client::connect(server.address, "/", &["X-Forwarded-For: 192.0.2.7"]);
    let status = |address: &str| {
        let forwarded = format!("X-Forwarded-For: {address}");
        server.status("/", &[&forwarded])
    };
    assert_eq!(status("192.0.2.7"), 429);
    assert_eq!(status("192.0.2.8"), 101);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n",
        server.address
    );
    assert_eq!(http(server.address, &request).0, 429);
    first.close();
    eventually("there is room", || status("192.0.2.7") == 101);
}

#[test]
fn request_counts_until_all_of_its_answer_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let slow = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nbegun\\n'; read -r never < fifo\n";
    support::script(directory.path(), "slow.sh", slow);
    let fifo = directory.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo(1)").success());
    let flag = format!("--cgidir={}", directory.path().display());
    let words = [
        &flag,
        "--trust-proxy=127.0.0.1",
        "--max-connections-per-ip=1",
    ];
    let server = Gateway::new().args(words).start();
    let request = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n",
            server.address
        )
    };
    let mut slow = TcpStream::connect(server.address).expect("it listens");
    slow.write_all(request("/slow.sh").as_bytes())
        .expect("it reads");
    let mut begun = Vec::new();
    while !String::from_utf8_lossy(&begun).contains("begun") {
        let mut buffer = [0; 512];
        let length = slow.read(&mut buffer).expect("an answer");
        assert_ne!(length, 0, "{begun:?}");
        begun.extend_from_slice(&buffer[..length]);
    }
    assert_eq!(http(server.address, &request("/other")).0, 429);
    std::fs::write(&fifo, "\n").expect("a reader");
    slow.read_to_end(&mut begun).expect("the rest");
    eventually("there is room", || {
        http(server.address, &request("/other")).0 == 404
    });
}

#[test]
fn proxy_that_is_no_address_is_an_error() {
    let output = run(&["--trust-proxy=127.0.0.1,proxy.example", "cat"]);
    assert_eq!(output.code, Some(2));
    assert!(
        output
            .stderr
            .starts_with("error: invalid value 'proxy.example' for '--trust-proxy'"),
        "{output:?}"
    );
}
