//! HTTP/1.1 as raw bytes.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::PATIENCE;

/// The status, the headers by lower-case name, and the body.
pub(crate) type Answer = (u16, HashMap<String, String>, Vec<u8>);

/// One request, which has to ask for the end of the connection.
pub(crate) fn http(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the server answers and closes");
    parsed(&answer)
}

/// An answer as it came over the wire, its body as it is.
pub(crate) fn parsed(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.expect("a head") + 4);
    let mut lines = std::str::from_utf8(head).expect("text").lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(": "));
    (
        status.expect("a status").parse().expect("a number"),
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body.to_vec(),
    )
}
