//! What the developer console is told beside its messages, as its page reads it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
};

use super::PATIENCE;

/// A feed that is being read.
pub(crate) struct ConsoleFeed {
    /// What a target ends with whose session is told of here.
    pub(crate) word: String,
    /// Whether it is one for developers.
    pub(crate) tells_all: bool,
    lines: BufReader<TcpStream>,
}

impl ConsoleFeed {
    /// A new one; headers are lines with their ends.
    pub(crate) fn open(address: SocketAddr, headers: &str) -> Self {
        let lines = ask(address, "", headers);
        let mut feed = ConsoleFeed {
            word: String::new(),
            tells_all: false,
            lines,
        };
        let first = feed.event().expect("the word");
        feed.word = first["word"].as_str().expect("a word").to_owned();
        feed.tells_all = first["tellsAll"] == true;
        feed
    }

    /// The same once more, from an event on.
    pub(crate) fn read_on(&self, address: SocketAddr, from: u64) -> Self {
        ConsoleFeed {
            word: self.word.clone(),
            tells_all: self.tells_all,
            lines: ask(address, &format!("?from={}.{from}", self.word), ""),
        }
    }

    /// The target that is one's own.
    pub(crate) fn target(&self, target: &str) -> String {
        let mark = if target.contains('?') { '&' } else { '?' };
        format!("{target}{mark}wsd-console={}", self.word)
    }

    /// All events from now to the end.
    pub(crate) fn rest(mut self) -> Vec<serde_json::Value> {
        let mut events = Vec::new();
        while let Some(batch) = self.event() {
            events.extend(batch["events"].as_array().expect("events").iter().cloned());
        }
        events
    }

    /// The next thing that is sent; `None` at the end.
    fn event(&mut self) -> Option<serde_json::Value> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("a line") > 0 {
            if let Some(json) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(json).expect("JSON"));
            }
            line.clear();
        }
        None
    }
}

/// Asks for one by HTTP/1.0, whose answers are not in chunks.
fn ask(address: SocketAddr, query: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let host = format!("Host: localhost:{}\r\n", address.port());
    let request = format!("GET /.well-known/wsd-console{query} HTTP/1.0\r\n{host}{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    BufReader::new(stream)
}
