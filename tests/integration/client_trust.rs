//! Whom a client trusts, and what it says where it does not.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::support::{
    Gateway, Output, PATIENCE, Server,
    certificates::{Authority, openssl},
    line_client::{LineClient, connect},
    run,
    site::Site,
};

/// A client that sends a line and has it back.
fn exchange(url: &str, words: &[&str]) -> Output {
    let mut client = LineClient::connect(url, words);
    client.send("hello");
    let stdout = client.line();
    let (code, stderr) = client.end();
    Output {
        code,
        stdout,
        stderr,
    }
}

fn assert_trusted(url: &str, words: &[&str]) {
    let output = exchange(url, words);
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (Some(0), "hello", ""),
        "{url} {words:?}"
    );
}

/// The one line that a client says which does not come to a session.
fn complaint(url: &str, words: &[&str]) -> String {
    let output = connect(url, words).stdin(Stdio::null()).output();
    let output = output.expect("wsd runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{url} {words:?}: {stderr}");
    assert!(stderr.starts_with(&format!("error: {url}: ")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

fn assert_says(complaint: &str, parts: &[&str]) {
    for part in parts {
        assert!(complaint.contains(part), "{part:?} in {complaint}");
    }
}

/// A server with `server.pem` and `server.key` of a directory.
fn server_of(directory: &Path) -> (Server, String) {
    let flag = |name: &str, file: &str| format!("--{name}={}", directory.join(file).display());
    let words = [
        "--ssl",
        &flag("sslcert", "server.pem"),
        &flag("sslkey", "server.key"),
        "cat",
    ];
    let server = Gateway::new().args(words).start();
    let url = format!("wss://localhost:{}/", server.port());
    (server, url)
}

/// A server with a certificate of its own making, and the fingerprint that it prints.
fn self_signed() -> (Server, String) {
    let mut server = Gateway::with("--ssl-selfsigned cat").start();
    let line = server.wait_for_line("fingerprint is ");
    let fingerprint = line.rsplit(' ').next().expect("it is the last word");
    (server, fingerprint.to_owned())
}

/// A server that takes one connection and answers with these bytes, whatever it is sent.
fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    });
    address
}

// Authorities and names.

#[test]
fn server_has_to_be_who_it_says() {
    let site = Site::new(&[]);
    let ca = site.flag("sslca", "ca.pem");
    assert_trusted(&site.url, &[&ca]);
    assert_says(
        &complaint(&site.url, &[]),
        &[
            "TLS: the server's certificate was issued by no authority that is trusted",
            "--sslca=FILE",
            "--fingerprint=SHA256",
            "--ssl-selfsigned",
        ],
    );
    let elsewhere = format!("wss://127.0.0.1:{}/", site.server.port());
    assert_says(
        &complaint(&elsewhere, &[&ca]),
        &[
            "the server's certificate is for localhost, not for '127.0.0.1'",
            "--fingerprint=SHA256",
        ],
    );
}

#[test]
fn certificate_that_has_expired_is_told_with_both_dates() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let ca = authority.write(directory.path(), "ca.pem");
    let expired = authority.issue_expired(&["localhost"]);
    expired.write(directory.path(), "server");
    let (_server, url) = server_of(directory.path());
    assert_says(
        &complaint(&url, &[&format!("--sslca={}", ca.display())]),
        &[
            "the server's certificate has expired at ",
            " GMT; here it is ",
            "--fingerprint=SHA256",
        ],
    );
}

#[test]
fn certificate_of_an_authority_is_told_as_such() {
    let directory = tempfile::tempdir().expect("a directory");
    // What every guide has, and openssl marks as an authority's.
    openssl(
        directory.path(),
        "req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
         -keyout server.key -out server.pem",
    );
    let (_server, url) = server_of(directory.path());
    let flag = format!("--sslca={}", directory.path().join("server.pem").display());
    for words in [&[&flag[..]][..], &[]] {
        assert_says(
            &complaint(&url, words),
            &[
                "the server's certificate is marked as an authority's",
                "basicConstraints=CA:FALSE",
                "--fingerprint=SHA256",
            ],
        );
    }
    assert_trusted(&url, &[&fingerprint_flag(directory.path(), "server.pem")]);
}

#[test]
fn certificate_of_version_1_is_told_as_such() {
    let directory = tempfile::tempdir().expect("a directory");
    openssl(
        directory.path(),
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    openssl(
        directory.path(),
        "x509 -req -in server.csr -signkey server.key -days 9 -out server.pem",
    );
    let (_tls, url) = openssl_server(directory.path());
    assert_says(&complaint(&url, &[]), &["TLS: ", "version 1"]);
}

#[test]
fn anybody_is_trusted_with_a_warning_where_that_was_asked_for() {
    let site = Site::new(&[]);
    let output = exchange(&site.url, &["--insecure"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "hello"));
    assert!(output.stderr.contains("--insecure"), "{}", output.stderr);
}

#[test]
fn certificate_is_shown_to_a_server_that_asks() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("Clients");
    let clients = authority.write(directory.path(), "clients.pem");
    let shown = authority
        .issue_client("Alice")
        .write(directory.path(), "alice");
    let site = Site::new(&[&format!("--sslca={}", clients.display())]);
    let ca = site.flag("sslca", "ca.pem");
    assert_trusted(&site.url, &[&ca, &shown[0], &shown[1]]);
    assert_says(
        &complaint(&site.url, &[&ca]),
        &[
            "the server asks for a certificate",
            "--sslcert and --sslkey",
        ],
    );
    // Of another authority.
    let other = [
        site.flag("sslcert", "alice.pem"),
        site.flag("sslkey", "alice.key"),
    ];
    assert_says(
        &complaint(&site.url, &[&ca, &other[0], &other[1]]),
        &["the server does not take the certificate", "--sslcert"],
    );
}

// TLS or none.

#[test]
fn port_without_tls_is_told_as_such() {
    let server = Gateway::with("cat").start();
    let ssh = answering(b"SSH-2.0-OpenSSH_9\r\n").port();
    for port in [server.port(), ssh] {
        for words in [&[][..], &["--insecure"]] {
            if words.is_empty() && port == ssh {
                continue;
            }
            let output = connect(&format!("wss://localhost:{port}/"), words)
                .stdin(Stdio::null())
                .output();
            let output = output.expect("wsd runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{stderr}");
            assert_says(&stderr, &["TLS: what answers speaks no TLS", "ws://"]);
        }
    }
    let silent = answering(b"");
    assert_says(
        &complaint(&format!("wss://localhost:{}/", silent.port()), &[]),
        &["TLS: the connection broke in the handshake", "ws://"],
    );
}

#[test]
fn port_with_tls_is_told_as_such() {
    let site = Site::new(&[]);
    let directory = site.path();
    let ours = format!("ws://localhost:{}/", site.server.port());
    assert_says(&complaint(&ours, &[]), &["400", "wss://"]);
    let (_tls, url) = openssl_server(directory);
    let url = url.replacen("wss", "ws", 1);
    assert_says(
        &complaint(&url, &[]),
        &["no answer to the opening handshake", "wss://"],
    );
    for answer in [
        // A fatal alert, as TLS has it.
        &b"\x15\x03\x01\0\x02\x02\x46"[..],
        b"",
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    ] {
        let url = format!("ws://{}/", answering(answer));
        assert_says(&complaint(&url, &[]), &["wss://"]);
    }
    // This one says itself what is wrong.
    let told = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\nno room");
    let complaint = complaint(&format!("ws://{told}/"), &[]);
    assert!(
        complaint.ends_with("400 Bad Request: no room\n"),
        "{complaint}"
    );
}

/// openssl-s_server(1) with `server.pem` and `server.key` of a directory; killed on drop.
struct OpensslServer(Child);

impl Drop for OpensslServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl_server(directory: &Path) -> (OpensslServer, String) {
    let mut child = Command::new("openssl")
        .args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            "server.pem",
            "-key",
            "server.key",
        ])
        .current_dir(directory)
        // It would end with it.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is there");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let accepts = lines.find_map(|line| {
        let line = line.expect("text");
        Some(line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.to_owned())
    });
    let port = accepts.expect("it says where it listens");
    // Or it would end at its next word.
    thread::spawn(move || lines.for_each(drop));
    (OpensslServer(child), format!("wss://localhost:{port}/"))
}

// A fingerprint.

/// The flag for a certificate, as openssl-x509(1) shows its fingerprint.
fn fingerprint_flag(directory: &Path, file: &str) -> String {
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in", file])
        .current_dir(directory)
        .output()
        .expect("openssl is there");
    let text = String::from_utf8(output.stdout).expect("text");
    let (_, fingerprint) = text.trim().split_once('=').expect("a fingerprint");
    format!("--fingerprint={fingerprint}")
}

#[test]
fn certificate_of_the_printed_fingerprint_is_trusted_in_every_form() {
    let (server, fingerprint) = self_signed();
    let url = format!("wss://localhost:{}/", server.port());
    let digits = fingerprint.replace(':', "");
    for form in [
        fingerprint.clone(),
        fingerprint.to_ascii_lowercase(),
        digits.clone(),
        digits.to_ascii_lowercase(),
    ] {
        assert_trusted(&url, &[&format!("--fingerprint={form}")]);
    }
}

#[test]
fn name_and_time_of_the_certificate_of_a_fingerprint_do_not_matter() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let expired = authority.issue_expired(&["elsewhere.example"]);
    expired.write(directory.path(), "server");
    let (_server, url) = server_of(directory.path());
    assert_trusted(&url, &[&fingerprint_flag(directory.path(), "server.pem")]);
}

#[test]
fn other_certificate_is_told_with_both_fingerprints() {
    let (server, fingerprint) = self_signed();
    let url = format!("wss://localhost:{}/", server.port());
    let other = "00:".repeat(31) + "ff";
    assert_says(
        &complaint(&url, &[&format!("--fingerprint={other}")]),
        &[
            "TLS: ",
            &fingerprint,
            &other.to_ascii_uppercase(),
            "--ssl-selfsigned makes another one at each start",
        ],
    );
}

#[test]
fn fingerprint_of_the_authority_is_not_that_of_its_certificates() {
    let site = Site::new(&[]);
    let flag = fingerprint_flag(site.path(), "ca.pem");
    assert_says(&complaint(&site.url, &[&flag]), &["fingerprint"]);
    assert_trusted(&site.url, &[&fingerprint_flag(site.path(), "server.pem")]);
}

#[test]
fn nonsense_is_no_fingerprint() {
    for value in ["", "abc", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
        let output = run(&[&format!("--fingerprint={value}"), "--connect=wss://x/"]);
        assert_eq!(output.code, Some(2), "{value}");
        let first = output.stderr.lines().next().expect("a line");
        assert_says(first, &["--fingerprint", value, "64 hexadecimal digits"]);
    }
    let sha1 = format!("--fingerprint={}", "0".repeat(40));
    let output = run(&[&sha1, "--connect=wss://x/"]);
    assert_eq!(output.code, Some(2));
    assert_says(&output.stderr, &["--fingerprint", "SHA-1"]);
}

#[test]
fn fingerprint_excludes_what_contradicts_it() {
    let flag = format!("--fingerprint={}", "0".repeat(64));
    for (words, expected) in [
        (
            &["--connect=wss://x/", "--sslca=x"][..],
            "--fingerprint and --sslca exclude each other: --fingerprint trusts one certificate",
        ),
        (
            &["--connect=wss://x/", "--insecure"],
            "--fingerprint and --insecure exclude each other: --insecure trusts anybody",
        ),
        (
            &["--connect=ws://x/"],
            "--fingerprint is about TLS, which --connect=ws://x/ does not speak",
        ),
        (&[], "--fingerprint is for a client: give --connect too"),
    ] {
        for words in [
            [&[&flag[..]], words].concat(),
            [words, &[&flag[..]]].concat(),
        ] {
            let output = run(&words);
            assert_eq!(output.code, Some(2), "{words:?}");
            let first = output.stderr.lines().next().expect("a line");
            assert!(first.starts_with(&format!("error: {expected}")), "{first}");
        }
    }
}
