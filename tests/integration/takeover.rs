//! A new process takes over while the old one finishes: no client is refused.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::support::{self, Gateway, PATIENCE, Server, Signal, eventually};

/// Connections a second, as the promise has it.
const RATE: u32 = 200;
/// Clients at a time at most: a machine that cannot keep up with the rate has fewer, and not more and more that wait.
const MOST_AT_A_TIME: usize = 8;

/// Clients that come at a steady rate, each with one request.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<io::Error>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&answered));
        let thread = thread::spawn(move || {
            let mut errors = Vec::new();
            let mut clients = VecDeque::new();
            let started = Instant::now();
            for number in 1.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let count = Arc::clone(&count);
                clients.push_back(thread::spawn(move || {
                    ask(address)?;
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }));
                if clients.len() >= MOST_AT_A_TIME {
                    errors.extend(clients.pop_front().and_then(end_of));
                }
                // The next one's time, however long this one took to start.
                let next = started + number * Duration::from_secs(1) / RATE;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            errors.extend(clients.into_iter().filter_map(end_of));
            errors
        });
        Load {
            stop,
            answered,
            thread,
        }
    }

    /// Waits until so many more clients have been answered.
    fn wait_for(&self, more: usize) {
        let before = self.answered.load(Ordering::Relaxed);
        eventually("clients are answered", || {
            self.answered.load(Ordering::Relaxed) >= before + more
        });
    }

    /// The errors of all clients.
    fn end(self) -> Vec<io::Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}

fn end_of(client: JoinHandle<io::Result<()>>) -> Option<io::Error> {
    client.join().expect("no panic").err()
}

/// A WebSocket that is opened and closed.
fn ask(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    match &head {
        b"HTTP/1.1 101" => Ok(()),
        other => Err(io::Error::other(other.escape_ascii().to_string())),
    }
}

fn beside(port: u16) -> Server {
    let port = format!("--port={port}");
    let words = ["--reuseport", &port, "--loglevel=info", "true"];
    Gateway::without_port().args(words).start()
}

#[test]
fn process_beside_takes_over_without_refusing_anybody() {
    let mut old = beside(0);
    let load = Load::start(old.address);
    for _ in 0..3 {
        load.wait_for(20);
        let new = beside(old.port());
        old.signal(Signal::TERM);
        assert_eq!(old.wait().code(), Some(0));
        load.wait_for(20);
        old = new;
    }
    let errors = load.end();
    assert!(errors.is_empty(), "{} refused: {errors:?}", errors.len());
}

#[test]
fn sessions_of_the_old_process_go_on_while_the_new_one_accepts() {
    // A program that takes its time to end.
    let mut old = Gateway::with("--reuseport")
        .program("while read -r line; do echo \"$line\"; done; echo last")
        .start();
    let mut client = old.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    let new = beside(old.port());
    old.signal(Signal::TERM);
    assert_eq!(client.text(), "last");
    assert_eq!(client.closed().0, 1001);
    assert_eq!(old.wait().code(), Some(0));
    assert_eq!(new.ask("/", &[]).status(), 101);
}

#[test]
fn without_the_flag_the_port_is_not_shared() {
    let old = Gateway::with("cat").start();
    let port = format!("--port={}", old.port());
    let output = support::run(&["--reuseport", &port, "cat"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("in use"), "{output:?}");
}

#[test]
fn socket_that_is_passed_on_refuses_nobody() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("an address");
    let start = || {
        let descriptor = OwnedFd::from(socket.try_clone().expect("a descriptor"));
        Gateway::without_port()
            .args(["--loglevel=info", "true"])
            .shell("exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$")
            .stdin(descriptor)
            .start()
    };
    let mut server = start();
    let load = Load::start(address);
    for _ in 0..3 {
        load.wait_for(20);
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
        // Clients wait in the socket meanwhile.
        server = start();
        load.wait_for(20);
    }
    let errors = load.end();
    assert!(errors.is_empty(), "{} refused: {errors:?}", errors.len());
}
