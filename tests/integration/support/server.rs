//! A wsd that runs, and what can be asked of it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use tempfile::TempDir;

use super::{
    Client, PATIENCE, Signal, children_of, eventually,
    http::{Answer, http},
    kill, orphan_killer_of,
};

/// A running wsd; killed on drop, which ends its programs too.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The URL that it printed.
    pub(crate) url: String,
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    file: Option<TempDir>,
}

impl Server {
    /// A process that logs to its stderr, which is a pipe, and the directory that has to last as long.
    pub(crate) fn of(mut child: Child, file: Option<TempDir>) -> Self {
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Reads on whatever becomes of them, so that the server never waits for its log.
                let _ = sender.send(line);
            }
        });
        Server {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: String::new(),
            child,
            lines,
            seen: Vec::new(),
            file,
        }
    }

    /// Waits for the next line that tells where it listens. A unix socket has no port.
    pub(crate) fn listens(&mut self) {
        let line = self.wait_for_line("serving on ");
        let url = line.split("serving on ").nth(1).expect("a URL");
        self.url = url.split(['"', ' ']).next().expect("a URL").to_owned();
        if self.url.starts_with("unix:") {
            return;
        }
        let port = self.url.rsplit(':').next().expect("a port");
        let port = port.trim_end_matches('/').parse().expect("a port number");
        self.address.set_port(port);
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Where its configuration file lies.
    pub(crate) fn directory(&self) -> &Path {
        self.file.as_ref().expect("it has a file").path()
    }

    /// Its configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.directory().join("wsd.toml")
    }

    /// A WebSocket to `/`.
    pub(crate) fn connect(&self) -> Client {
        self.connect_to("/")
    }

    pub(crate) fn connect_to(&self, target: &str) -> Client {
        Client::connect(self.address, target, &[])
    }

    /// Asks for a WebSocket, whatever comes of it.
    pub(crate) fn ask(&self, target: &str, headers: &[&str]) -> Client {
        Client::ask(self.address, target, headers)
    }

    /// The status that a client gets who asks for a WebSocket.
    pub(crate) fn status(&self, target: &str, headers: &[&str]) -> u16 {
        self.ask(target, headers).status()
    }

    /// The first message that a program sends.
    pub(crate) fn text(&self, target: &str) -> String {
        self.connect_to(target).text()
    }

    /// A GET without anything special.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.request("GET", target, "")
    }

    /// A request with headers, each a line with its end.
    pub(crate) fn request(&self, method: &str, target: &str, headers: &str) -> Answer {
        let port = self.port();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\n{headers}Connection: close\r\n\r\n"
        );
        http(self.address, &request)
    }

    /// Waits until the log has a line with `part`, and returns it; lines that were waited for before
    /// do not count again.
    pub(crate) fn wait_for_line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => panic!(
                    "no line with {part:?} ({error}); the log:\n{}",
                    self.seen.join("\n")
                ),
            }
        }
    }

    /// All of the log up to now.
    pub(crate) fn log(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for the server's own end, and that of its log.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server has ended", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        status.expect("it has ended")
    }

    /// Sends a signal that is to end it at once, after one that let it finish: again and again, since one
    /// that comes right behind the first does not count.
    pub(crate) fn insist(&mut self, signal: Signal) -> ExitStatus {
        eventually("it is ended by the second signal", || {
            self.signal(signal);
            !self.runs()
        });
        self.wait()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// The programs that the server has started and that still exist, zombies too.
    pub(crate) fn children(&self) -> Vec<i32> {
        children_of(self.pid())
    }

    /// The process that outlives it and ends what it has started.
    pub(crate) fn orphan_killer(&self) -> i32 {
        orphan_killer_of(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}
