//! A client of plain HTTP/1.1, whose answers come in chunks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::connection::PATIENCE;
use crate::outcome::Failure;

/// A connection, one request after the other.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
    /// Whether the head of an answer is to come.
    is_at_head: bool,
}

impl Client {
    /// Connects, with so much room to read into.
    pub(crate) fn dial(port: u16, room: usize) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client {
            reader: BufReader::with_capacity(room, stream),
            is_at_head: true,
        })
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Whether more lies here than was heard, of which epoll(7) does not know.
    pub(crate) fn has_more(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// Gets, with further lines in the request.
    pub(crate) fn get(&mut self, path: &str, fields: &str) -> Result<(), Failure> {
        self.send(&format!("GET {path}"), fields, b"")
    }

    /// Posts.
    pub(crate) fn post(&mut self, path: &str, fields: &str, body: &[u8]) -> Result<(), Failure> {
        let fields = format!("{fields}Content-Length: {}\r\n", body.len());
        self.send(&format!("POST {path}"), &fields, body)
    }

    fn send(&mut self, what: &str, fields: &str, body: &[u8]) -> Result<(), Failure> {
        let head = format!("{what} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let request = [head.as_bytes(), body].concat();
        self.reader.get_mut().write_all(&request)?;
        self.is_at_head = true;
        Ok(())
    }

    /// Waits for the next chunk of the answer; whether there was one.
    pub(crate) fn hear(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        if self.is_at_head {
            self.read_head("200")?;
        }
        let line = self.line()?;
        let mut left = usize::from_str_radix(&line, 16)
            .map_err(|_| Failure::Wrong(format!("{line:?} in the place of a chunk's size")))?;
        let is_last = left == 0;
        while left > 0 {
            let buffer = self.reader.fill_buf()?;
            let length = buffer.len().min(left);
            if length == 0 {
                return Err(Failure::Wrong("an answer that is cut off".into()));
            }
            take(&buffer[..length])?;
            self.reader.consume(length);
            left -= length;
        }
        self.line()?;
        Ok(!is_last)
    }

    /// Waits for an answer that has no body.
    pub(crate) fn hear_nothing(&mut self) -> Result<(), Failure> {
        self.read_head("204")
    }

    fn read_head(&mut self, expected: &str) -> Result<(), Failure> {
        let status = self.line()?;
        if status.split(' ').nth(1) != Some(expected) {
            return Err(Failure::Cannot(format!("answers with {status:?}")));
        }
        while !self.line()?.is_empty() {}
        self.is_at_head = false;
        Ok(())
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        let longest = 8 * 1024;
        self.reader.by_ref().take(longest).read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(Failure::Wrong(format!("{line:?} in the place of a line"))),
        }
    }
}
