//! A server in a test's own hands that decides about requests.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use super::PATIENCE;

/// What it answers to a request's head.
type Decide = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// One that listens, answers as it is told to, and keeps connections open.
pub(crate) struct AuthServer {
    pub(crate) address: SocketAddr,
    asked: Receiver<String>,
    connections: Arc<AtomicUsize>,
}

impl AuthServer {
    /// One that answers each request with what this makes of its head, as it is.
    pub(crate) fn new(decide: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (server, sender, decide) = AuthServer::idle(address, decide);
        let connections = Arc::clone(&server.connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::Relaxed);
                let other = stream.try_clone().expect("a descriptor");
                serve(stream, other, sender.clone(), Arc::clone(&decide));
            }
        });
        server
    }

    /// The same on a unix socket.
    pub(crate) fn on(path: &Path, decide: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a free path");
        let (server, sender, decide) = AuthServer::idle(([127, 0, 0, 1], 0).into(), decide);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let other = stream.try_clone().expect("a descriptor");
                serve(stream, other, sender.clone(), Arc::clone(&decide));
            }
        });
        server
    }

    fn idle(
        address: SocketAddr,
        decide: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> (Self, Sender<String>, Decide) {
        let (sender, asked) = mpsc::channel();
        let server = AuthServer {
            address,
            asked,
            connections: Arc::default(),
        };
        (server, sender, Arc::new(decide))
    }

    /// `--authorize=http://127.0.0.1:PORT/auth`.
    pub(crate) fn flag(&self) -> String {
        format!("--authorize=http://{}/auth", self.address)
    }

    /// The head of the next request.
    pub(crate) fn asked(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("a question")
    }

    /// How many have connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Answers the requests of a connection, until one of them is answered with nothing.
fn serve(
    stream: impl Read + Send + 'static,
    mut answers: impl Write + Send + 'static,
    asked: Sender<String>,
    decide: Decide,
) {
    thread::spawn(move || {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        loop {
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            if head.is_empty() {
                return;
            }
            let head = head.join("\n");
            let answer = decide(&head);
            // The test may be over.
            let _ = asked.send(head);
            if answer.is_empty() || answers.write_all(answer.as_bytes()).is_err() {
                return;
            }
            if answer.contains("onnection: close") {
                return;
            }
        }
    });
}

/// An answer with these lines of its header, and a body.
pub(crate) fn answer(status: &str, lines: &[&str], body: &str) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
}

/// The value of a header in a request's head; that of the first line of this name.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find_map(|(other, value)| other.eq_ignore_ascii_case(name).then_some(value))
}
