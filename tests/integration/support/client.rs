//! A WebSocket client that hides nothing: frames go out as they are given and come back as they are.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
};

use wsd::transport::websocket::frame::encode;

use super::{PATIENCE, eventually};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// Any but zeros makes the server do its work.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// The opcodes of RFC 6455 §5.2.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    /// The head of the server's answer.
    pub(crate) head: String,
}

impl Client {
    /// Opens a WebSocket; panics with the answer if it is not a 101.
    pub(crate) fn connect(address: SocketAddr, target: &str, headers: &[&str]) -> Self {
        let client = Self::ask(address, target, headers);
        assert!(client.head.starts_with("HTTP/1.1 101 "), "{}", client.head);
        client
    }

    /// Asks for a WebSocket and reads the head of the answer, whatever it is.
    pub(crate) fn ask(address: SocketAddr, target: &str, headers: &[&str]) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("an option");
        Self::ask_over(stream, address.port(), target, headers)
    }

    /// Opens a WebSocket over a unix socket.
    pub(crate) fn connect_unix(path: &Path, target: &str, headers: &[&str]) -> Self {
        let stream = UnixStream::connect(path).expect("the server listens");
        let client = Self::over(OwnedFd::from(stream), target, headers);
        assert!(client.head.starts_with("HTTP/1.1 101 "), "{}", client.head);
        client
    }

    /// Asks for a WebSocket over any connected socket: what std calls a TCP stream reads and writes
    /// them all.
    pub(crate) fn over(socket: OwnedFd, target: &str, headers: &[&str]) -> Self {
        Self::ask_over(socket.into(), 80, target, headers)
    }

    fn ask_over(mut stream: TcpStream, port: u16, target: &str, headers: &[&str]) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut request = format!(
            "GET {target} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        );
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            request.push_str(&format!("Host: localhost:{port}\r\n"));
        }
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte).expect("the server answers") {
                0 => break,
                _ => head.push(byte[0]),
            }
        }
        Client {
            stream,
            head: String::from_utf8(head).expect("text"),
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).expect("a status line");
        status.parse().expect("a number")
    }

    /// The body of an answer that is not a 101.
    pub(crate) fn body(&mut self) -> String {
        let length = self
            .head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .expect("a length");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        String::from_utf8(body).expect("text")
    }

    /// Sends one frame, masked.
    pub(crate) fn send_frame(&mut self, fin: bool, opcode: u8, payload: &[u8]) {
        self.try_send(fin, opcode, payload)
            .expect("the server reads");
    }

    pub(crate) fn try_send(&mut self, fin: bool, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(fin, opcode, payload))
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(true, TEXT, text.as_bytes());
    }

    pub(crate) fn send_binary(&mut self, bytes: &[u8]) {
        self.send_frame(true, BINARY, bytes);
    }

    /// Sends a Close with a code.
    pub(crate) fn send_close(&mut self, code: u16) {
        self.send_frame(true, CLOSE, &code.to_be_bytes());
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Waits until all that was sent by TCP has come to the server's socket (proc_net_tcp: `tx_queue` is what it
    /// has not acknowledged). What its window has no room for stays here, and the end of the stream behind it.
    pub(crate) fn wait_until_taken(&self) {
        let ends = [self.stream.local_addr(), self.stream.peer_addr()];
        let [near, far] = ends.map(|end| format!(":{:04X} ", end.expect("a socket").port()));
        eventually("the server's socket has taken all", || {
            let sockets = fs::read_to_string("/proc/net/tcp").expect("a list");
            let mut own = sockets.lines().filter(|line| {
                let at = |end: &str| line.find(end);
                matches!((at(&near), at(&far)), (Some(near), Some(far)) if near < far)
            });
            own.any(|line| line.contains(" 00000000:"))
        });
    }

    /// The next frame; panics at the end of the stream.
    pub(crate) fn receive(&mut self) -> Frame {
        self.try_receive().expect("a frame")
    }

    pub(crate) fn try_receive(&mut self) -> io::Result<Frame> {
        Ok(RawFrame::read(&mut self.stream)?.plain())
    }

    /// The next text message.
    pub(crate) fn text(&mut self) -> String {
        let frame = self.receive();
        assert_eq!(frame.opcode, TEXT, "{frame:?}");
        String::from_utf8(frame.payload).expect("a text frame is UTF-8")
    }

    /// The next binary message.
    pub(crate) fn binary(&mut self) -> Vec<u8> {
        let frame = self.receive();
        assert_eq!(frame.opcode, BINARY, "{frame:?}");
        frame.payload
    }

    /// Expects Close, answers it, and expects the end of the stream; returns code and reason.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        let frame = self.receive();
        assert_eq!(frame.opcode, CLOSE, "{frame:?}");
        let (code, reason) = frame.payload.split_at(2);
        let code = u16::from_be_bytes([code[0], code[1]]);
        let _ = self.try_send(true, CLOSE, &code.to_be_bytes());
        self.ended();
        (
            code,
            String::from_utf8(reason.to_vec()).expect("a reason is UTF-8"),
        )
    }

    /// Expects the end of the stream, without a reset.
    pub(crate) fn ended(&mut self) {
        let mut rest = Vec::new();
        self.stream
            .read_to_end(&mut rest)
            .expect("an end without a reset");
        assert_eq!(rest, b"", "nothing follows a Close");
    }

    /// Closes as clients do: Close 1000, the server's answer, the end.
    pub(crate) fn close(mut self) {
        self.send_close(1000);
        loop {
            let frame = self.receive();
            if frame.opcode == CLOSE {
                break;
            }
        }
        self.ended();
    }

    /// Cuts the connection with RST, as a client that crashed.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("an option");
    }
}

/// A client's frame: masked, with the shortest form of its length.
pub(crate) fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    encode(u8::from(fin) << 7 | opcode, payload, Some(MASK))
}

/// A frame of either end, its payload without the mask.
pub(crate) struct RawFrame {
    /// FIN, RSV1 to RSV3, opcode.
    pub(crate) first: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

impl RawFrame {
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let [first, second] = bytes(stream)?;
        let length = match second & 0x7f {
            126 => u16::from_be_bytes(bytes(stream)?).into(),
            127 => u64::from_be_bytes(bytes(stream)?),
            length => length.into(),
        };
        let mask = match second & 0x80 {
            0 => None,
            _ => Some(bytes(stream)?),
        };
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut payload)?;
        let masks = mask.unwrap_or_default().into_iter().cycle();
        payload
            .iter_mut()
            .zip(masks)
            .for_each(|(byte, mask)| *byte ^= mask);
        Ok(RawFrame {
            first,
            mask,
            payload,
        })
    }

    /// One of a server that has agreed on no extension: whole and not masked.
    pub(crate) fn plain(self) -> Frame {
        assert_eq!(
            self.first & 0xf0,
            0x80,
            "a server's frames are whole and use no extension"
        );
        assert_eq!(self.mask, None, "a server's frames are not masked");
        Frame {
            opcode: self.first & 0x0f,
            payload: self.payload,
        }
    }
}

fn bytes<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
