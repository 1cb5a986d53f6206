//! A client that speaks HTTP/2 by the `h2` crate: requests, and WebSockets on streams of their own.

use std::{
    future::poll_fn,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use h2::{
    RecvStream, SendStream,
    client::{self, SendRequest},
    ext::Protocol,
};
use hyper::{Method, Request, Response, StatusCode, Version, http::response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::{
    PATIENCE,
    client::{CLOSE, Frame, RawFrame, TEXT, frame},
};

/// More than all that a server sends ahead, so that what is not read holds up its own stream only.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// What a future gives in time.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Bytes>,
    /// `https` or `http`.
    scheme: &'static str,
    port: u16,
    /// Ends with the connection.
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    /// With prior knowledge.
    pub(crate) async fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("an option");
        Self::over(stream, "http", address.port()).await
    }

    pub(crate) async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        scheme: &'static str,
        port: u16,
    ) -> Self {
        let mut builder = client::Builder::new();
        builder.initial_connection_window_size(CONNECTION_WINDOW);
        Self::begun(&builder, stream, scheme, port).await
    }

    /// With prior knowledge, and little room for each answer until it is read.
    pub(crate) async fn stalled(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let mut builder = client::Builder::new();
        builder.initial_window_size(1000);
        Self::begun(&builder, stream, "http", address.port()).await
    }

    async fn begun(
        builder: &client::Builder,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        scheme: &'static str,
        port: u16,
    ) -> Self {
        let handshake = builder.handshake(stream);
        let (sender, connection) = soon(handshake).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let sender = soon(sender.ready()).await.expect("a connection");
        let connection = Connection {
            sender,
            scheme,
            port,
            driver,
        };
        soon(async {
            // The server's settings say so; until they are here, nobody does.
            while !connection.sender.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        connection
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<()> {
        let uri = format!("{}://localhost:{}{path}", self.scheme, self.port);
        let request = Request::builder().method(method).uri(uri);
        let request = request.version(Version::HTTP_2).body(());
        request.expect("a request")
    }

    /// A request without a body, and the whole answer.
    pub(crate) async fn ask(&self, request: Request<()>) -> (response::Parts, Vec<u8>) {
        let (response, _) = self.begin(request, true).await;
        let (parts, mut body) = response.into_parts();
        (parts, read_to_end(&mut body).await)
    }

    /// A request, and the answer's head.
    pub(crate) async fn begin(
        &self,
        request: Request<()>,
        is_end: bool,
    ) -> (Response<RecvStream>, SendStream<Bytes>) {
        let mut sender = soon(self.sender.clone().ready()).await.expect("it is open");
        let (response, stream) = sender.send_request(request, is_end).expect("a stream");
        (soon(response).await.expect("an answer"), stream)
    }

    pub(crate) async fn get(&self, path: &str) -> (response::Parts, Vec<u8>) {
        self.ask(self.request(Method::GET, path)).await
    }

    /// What asks for a WebSocket (RFC 8441 §5).
    pub(crate) fn handshake(&self, path: &str, headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = self.request(Method::CONNECT, path);
        let protocol = Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let map = request.headers_mut();
        map.insert("sec-websocket-version", "13".parse().expect("a value"));
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        request
    }

    /// Asks for a WebSocket, whatever comes of it.
    pub(crate) async fn try_websocket(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> WebSocket {
        let (response, send) = self.begin(self.handshake(path, headers), false).await;
        let (head, receive) = response.into_parts();
        WebSocket {
            head,
            send,
            receive,
            buffer: BytesMut::new(),
        }
    }

    /// A WebSocket.
    pub(crate) async fn websocket(&self, path: &str) -> WebSocket {
        let socket = self.try_websocket(path, &[]).await;
        assert_eq!(socket.head.status, StatusCode::OK);
        socket
    }

    /// Waits until the server has closed the connection; what it gave as the reason, if that was an error.
    pub(crate) async fn closed(self) -> Option<h2::Reason> {
        let ended = soon(self.driver).await.expect("no panic");
        ended.err().and_then(|error| error.reason())
    }

    /// Goes without a word.
    pub(crate) fn abort(&self) {
        self.driver.abort();
    }
}

pub(crate) async fn read_to_end(body: &mut RecvStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(data) = soon(body.data()).await {
        let data = data.expect("a whole answer");
        let _ = body.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
    }
    bytes
}

/// A WebSocket on a stream.
pub(crate) struct WebSocket {
    pub(crate) head: response::Parts,
    pub(crate) send: SendStream<Bytes>,
    pub(crate) receive: RecvStream,
    buffer: BytesMut,
}

impl WebSocket {
    pub(crate) fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let frame = frame(true, opcode, payload);
        self.send
            .send_data(frame.into(), false)
            .expect("an open stream");
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(TEXT, text.as_bytes());
    }

    /// Sends bytes as far as the server takes them within a time in which it would; how many it took.
    pub(crate) async fn send_until_full(&mut self, bytes: &[u8], time: Duration) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            self.send.reserve_capacity(bytes.len() - sent);
            let capacity = poll_fn(|context| self.send.poll_capacity(context));
            let Ok(Some(room)) = timeout(time, capacity).await else {
                break;
            };
            let room = room.expect("an open stream").min(bytes.len() - sent);
            let data = Bytes::copy_from_slice(&bytes[sent..sent + room]);
            self.send.send_data(data, false).expect("an open stream");
            sent += room;
        }
        sent
    }

    /// Sends bytes until nothing has been taken for a second, and so many have.
    pub(crate) async fn fill(&mut self, bytes: &[u8], least: usize) {
        let begun = Instant::now();
        let mut sent = 0;
        while sent < least {
            assert!(begun.elapsed() < PATIENCE, "{sent} bytes were taken");
            let time = Duration::from_secs(1);
            sent += self.send_until_full(&bytes[sent..], time).await;
        }
    }

    /// The next frame, `None` at the end of the stream.
    pub(crate) async fn try_receive(&mut self) -> Option<Result<Frame, h2::Error>> {
        loop {
            if let Some(frame) = self.buffered() {
                return Some(Ok(frame));
            }
            match soon(self.receive.data()).await? {
                Ok(data) => {
                    let _ = self.receive.flow_control().release_capacity(data.len());
                    self.buffer.extend_from_slice(&data);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn buffered(&mut self) -> Option<Frame> {
        let mut rest = &self.buffer[..];
        // What is not yet there ends too early.
        let frame = RawFrame::read(&mut rest).ok()?;
        let left = rest.len();
        self.buffer.advance(self.buffer.len() - left);
        Some(frame.plain())
    }

    pub(crate) async fn receive(&mut self) -> Frame {
        self.try_receive().await.expect("a frame").expect("a frame")
    }

    pub(crate) async fn text(&mut self) -> String {
        let frame = self.receive().await;
        assert_eq!(frame.opcode, TEXT, "{frame:?}");
        String::from_utf8(frame.payload).expect("text")
    }

    /// Expects Close, answers it, and expects the end of the stream; returns the code.
    pub(crate) async fn closed(&mut self) -> u16 {
        let frame = self.receive().await;
        assert_eq!(frame.opcode, CLOSE, "{frame:?}");
        self.answer_close(&frame).await;
        let code = frame.payload.get(..2).expect("a code");
        u16::from_be_bytes([code[0], code[1]])
    }

    /// Answers a Close with the same code, and expects the end of the stream.
    pub(crate) async fn answer_close(&mut self, close: &Frame) {
        let code = close.payload.get(..2).unwrap_or_default();
        let _ = self.send.send_data(frame(true, CLOSE, code).into(), true);
        assert!(self.try_receive().await.is_none(), "the stream ends");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}
