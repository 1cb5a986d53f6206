//! What operators ask a server, at an address of their own.

use std::{collections::BTreeMap, net::SocketAddr};

use serde_json::Value;

use super::{Gateway, Server, address_in, http::http};

/// A server and the address that it tells operators at.
pub(crate) fn start(words: &[&str]) -> (Server, SocketAddr) {
    let mut server = Gateway::with("--admin=127.0.0.1:0").args(words).start();
    let line = server.wait_for_line("telling operators");
    (server, address_in(&line))
}

/// The status and the text of an answer.
pub(crate) fn ask(admin: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    let (status, _, body) = http(admin, &request);
    (status, String::from_utf8(body).expect("text"))
}

/// The figures, by name and labels as they are written.
pub(crate) fn figures(admin: SocketAddr) -> BTreeMap<String, f64> {
    let (status, text) = ask(admin, "GET", "/metrics");
    assert_eq!(status, 200);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect(line);
            (name.to_owned(), value.parse().expect(line))
        })
        .collect()
}

/// The sessions that are open.
pub(crate) fn sessions(admin: SocketAddr) -> Vec<Value> {
    let (status, text) = ask(admin, "GET", "/sessions");
    assert_eq!(status, 200);
    serde_json::from_str(&text).expect("an array")
}
