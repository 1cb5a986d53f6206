//! A client that speaks plain HTTP, or nothing of the kind, where TLS is spoken.

use crate::support::{Gateway, Server, http};

fn start(words: &[&str]) -> Server {
    Gateway::new()
        .args([&["--ssl-selfsigned"], words].concat())
        .start()
}

fn body_of(server: &Server, request: &str) -> String {
    let (status, headers, body) = http(server.address, request);
    assert_eq!(status, 400, "{request}");
    assert_eq!(headers["connection"], "close", "{request}");
    String::from_utf8(body).expect("text")
}

#[test]
fn plain_request_is_told_the_address_by_tls() {
    let mut server = start(&["cat"]);
    let (status, headers, body) = server.get("/a/b?c=%20d");
    assert_eq!(status, 400);
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    let text = String::from_utf8(body).expect("text");
    let url = format!("https://localhost:{}/a/b?c=%20d\n", server.port());
    assert!(text.starts_with("this port speaks TLS"), "{text}");
    assert!(text.ends_with(&url), "{text}");
    server.wait_for_line("--ssl-optional");
}

#[test]
fn browser_gets_a_page_with_a_link_and_nothing_of_its_request_as_markup() {
    let server = start(&["cat"]);
    let (status, headers, body) = server.request("GET", "/a'b?c=1&d=<i>", "Accept: text/html\r\n");
    assert_eq!(status, 400);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let page = String::from_utf8(body).expect("text");
    let url = format!("https://localhost:{}/a&#39;b?c=1&amp;d=", server.port());
    assert!(
        page.contains(&format!("<a href=\"{url}%3Ci%3E\"")),
        "{page}"
    );
    assert!(page.contains("this port speaks TLS"), "{page}");
}

#[test]
fn host_without_a_port_is_led_nowhere_where_that_is_not_the_one_of_http() {
    let server = start(&["cat"]);
    let text = body_of(&server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(text.ends_with(" wss://\n"), "{text}");
}

#[test]
fn host_that_is_not_ours_is_led_nowhere() {
    let server = start(&["cat"]);
    for request in [
        "GET / HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let text = body_of(&server, request);
        assert!(text.contains("https:// and wss://"), "{text}");
        assert!(!text.contains("evil"), "{text}");
        assert!(!text.contains("https://a"), "{text}");
    }
}

#[test]
fn what_is_no_http_is_told_too() {
    let server = start(&["cat"]);
    for request in ["SSH-2.0-x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let text = body_of(&server, request);
        assert!(text.starts_with("this port speaks TLS"), "{text}");
    }
}

#[test]
fn upload_without_tls_reads_its_answer() {
    let server = start(&["cat"]);
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    let text = body_of(&server, &format!("{head}{}", "x".repeat(1_000_000)));
    assert!(text.starts_with("this port speaks TLS"), "{text}");
}
