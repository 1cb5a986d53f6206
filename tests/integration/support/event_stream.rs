//! A client of an event stream, over HTTP/1.1 or 1.0, as bytes: what browsers hide is to be seen.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use data_encoding::BASE64;

use super::{PATIENCE, Server};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// Empty for a message.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// A stream that was opened, or refused.
pub(crate) struct EventStream {
    socket: TcpStream,
    answer: BufReader<TcpStream>,
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    /// What has come of the body and is no whole event yet.
    body: Vec<u8>,
    has_ended: bool,
}

impl EventStream {
    /// By GET, to localhost.
    pub(crate) fn get(server: &Server, target: &str, headers: &str) -> Self {
        Self::ask(server, "GET", target, headers, "")
    }

    /// By any method, to localhost.
    pub(crate) fn ask(
        server: &Server,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Self {
        let (port, length) = (server.port(), body.len());
        let length = match method {
            "GET" => String::new(),
            _ => format!("Content-Length: {length}\r\n"),
        };
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/event-stream\r\n{headers}{length}\r\n{body}"
        );
        Self::send(server.address, &head)
    }

    /// By these bytes.
    pub(crate) fn send(address: SocketAddr, request: &str) -> Self {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
            .write_all(request.as_bytes())
            .expect("the server reads");
        let mut answer = BufReader::new(socket.try_clone().expect("a descriptor"));
        let line = |answer: &mut BufReader<TcpStream>| {
            let mut line = String::new();
            answer.read_line(&mut line).expect("a head");
            line.trim_end().to_owned()
        };
        let status = line(&mut answer);
        let status = status.split(' ').nth(1).expect("a status");
        let mut headers = HashMap::new();
        loop {
            let field = line(&mut answer);
            let Some((name, value)) = field.split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        EventStream {
            status: status.parse().expect("a number"),
            socket,
            answer,
            headers,
            body: Vec::new(),
            has_ended: false,
        }
    }

    /// Sends more of the request.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    /// Reads a piece of the body; `false` at its end.
    fn read_on(&mut self) -> bool {
        if self.has_ended {
            return false;
        }
        let is_chunked = self.headers.contains_key("transfer-encoding");
        let length = match is_chunked {
            true => self.chunk_length(),
            false => None,
        };
        let before = self.body.len();
        match length {
            Some(length) => {
                self.body.resize(before + length + 2, 0);
                let chunk = &mut self.body[before..];
                self.answer.read_exact(chunk).expect("a chunk");
                self.body.truncate(before + length);
                self.has_ended = length == 0;
            }
            None => {
                let read = self.answer.fill_buf().unwrap_or_default().to_vec();
                self.answer.consume(read.len());
                self.body.extend(&read);
                self.has_ended = read.is_empty();
            }
        }
        !self.has_ended
    }

    /// `None` where the connection was cut off.
    fn chunk_length(&mut self) -> Option<usize> {
        let mut line = String::new();
        match self.answer.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(usize::from_str_radix(line.trim_end(), 16).expect("a length")),
        }
    }

    /// What comes up to the next empty line; `None` at the end.
    fn block(&mut self) -> Option<String> {
        loop {
            let end = self.body.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let block = self.body.drain(..end + 2).collect();
                return Some(String::from_utf8(block).expect("text"));
            }
            if !self.read_on() {
                return None;
            }
        }
    }

    /// The next event, comments left out; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let block = loop {
            let block = self.block()?;
            if !block.starts_with(':') {
                break block;
            }
        };
        let (mut event, mut data) = (Event::default(), Vec::new());
        for line in block.lines().filter(|line| !line.is_empty()) {
            match line.split_once(": ").expect(line) {
                ("event", name) => event.name = name.to_owned(),
                ("id", id) => event.id = id.to_owned(),
                ("data", line) => data.push(line.to_owned()),
                _ => panic!("{line}"),
            }
        }
        event.data = data.join("\n");
        Some(event)
    }

    /// Waits for a comment.
    pub(crate) fn wait_for_comment(&mut self) {
        while !self.block().expect("no end").starts_with(':') {}
    }

    /// The session, as the event says that has to come first.
    pub(crate) fn opened(&mut self) -> String {
        assert_eq!(self.status, 200, "{:?}", self.headers);
        let open = self.next().expect("an event");
        assert_eq!(open.name, "open");
        let data: serde_json::Value = serde_json::from_str(&open.data).expect("JSON");
        let session = data["session"].as_str().expect("a name").to_owned();
        assert!(open.id.starts_with(&format!("{session}.")), "{open:?}");
        session
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Event {
        let event = self.next().expect("a message");
        assert!(["", "text", "binary"].contains(&&*event.name), "{event:?}");
        event
    }

    /// The data of the next message, which is one of text.
    pub(crate) fn text(&mut self) -> String {
        let event = self.message();
        assert_eq!(event.name, "", "{event:?}");
        event.data
    }

    /// The payload of the next message, which is encoded.
    pub(crate) fn encoded(&mut self, name: &str) -> Vec<u8> {
        let event = self.message();
        assert_eq!(event.name, name);
        BASE64.decode(event.data.as_bytes()).expect("base64")
    }

    /// The code and the reason of the end, which has to come next, and in order.
    pub(crate) fn closed(&mut self) -> (u64, String) {
        let close = self.next().expect("an event");
        assert_eq!(close.name, "close", "{close:?}");
        let data: serde_json::Value = serde_json::from_str(&close.data).expect("JSON");
        assert_eq!(self.next(), None);
        let reason = data["reason"].as_str().expect("a reason").to_owned();
        (data["code"].as_u64().expect("a code"), reason)
    }

    /// What is left of the body, as text.
    pub(crate) fn rest(mut self) -> String {
        if let Some(length) = self.headers.get("content-length") {
            let mut body = vec![0; length.parse().expect("a length")];
            self.answer.read_exact(&mut body).expect("a body");
            return String::from_utf8(body).expect("text");
        }
        while self.read_on() {}
        String::from_utf8(std::mem::take(&mut self.body)).expect("text")
    }

    /// What comes on the connection up to its end, as it is.
    pub(crate) fn rest_of_connection(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.answer.read_to_end(&mut rest).expect("an end");
        rest
    }

    /// Says that nothing more is sent.
    pub(crate) fn shut(&self) {
        let shut = self.socket.shutdown(Shutdown::Write);
        shut.expect("the server is there");
    }

    /// The address of this end.
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("an address")
    }
}

/// A stream by GET, opened, and its session.
pub(crate) fn open(server: &Server) -> (EventStream, String) {
    let mut stream = EventStream::get(server, "/", "");
    let session = stream.opened();
    (stream, session)
}

/// A stream that asks for what follows an event.
pub(crate) fn resume(server: &Server, last: &str) -> EventStream {
    EventStream::get(server, "/", &format!("Last-Event-ID: {last}\r\n"))
}

/// The same, which has it.
pub(crate) fn resumed(server: &Server, last: &str) -> EventStream {
    let mut stream = resume(server, last);
    stream.opened();
    stream
}

/// The status of an input of a session.
pub(crate) fn hand_in(server: &Server, session: &str, body: &str) -> u16 {
    hand_in_with(server, &format!("/?session={session}"), body.as_bytes())
}

/// The same by another URL.
pub(crate) fn hand_in_with(server: &Server, target: &str, body: &[u8]) -> u16 {
    post(server, target, "", body).0
}

/// A POST, its status, and the whole answer.
pub(crate) fn post(server: &Server, target: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let (port, length) = (server.port(), body.len());
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: localhost:{port}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // It may be refused before it has come.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), text)
}
