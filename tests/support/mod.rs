//! What the tests share: a server that stops on drop, and a client that sees every byte.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod client;

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

pub use client::Client;

/// How long anything may take before the test has failed. Never waited for when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The binary under test.
pub const WSD: &str = env!("CARGO_BIN_EXE_wsd");

/// A running `wsd` on a free port; killed on drop, which ends its programs too.
pub struct TestServer {
    pub address: SocketAddr,
    /// The URL that it printed.
    pub url: String,
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl TestServer {
    /// Starts `wsd --port=0 WORDS`; the words are split at spaces.
    pub fn start(words: &str) -> Self {
        Self::start_with(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Starts it with `sh -c SCRIPT` as the program.
    pub fn start_sh(options: &str, script: &str) -> Self {
        let mut words: Vec<&str> = options.split_whitespace().collect();
        words.extend(["sh", "-c", script]);
        Self::start_with(&words)
    }

    pub fn start_with(words: &[&str]) -> Self {
        let mut command = Command::new(WSD);
        command.arg("--port=0").args(words);
        Self::start_command(command)
    }

    /// Starts a command that runs wsd in the end and lets its stderr through.
    pub fn start_command(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut server = Self::start_unannounced(command);
        server.listens();
        server
    }

    /// Starts a command whose stdin and stdout are set already; what it listens on is waited for by
    /// `listens`.
    pub fn start_unannounced(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("wsd starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    // Read on, so that the server never waits for its log.
                    continue;
                }
            }
        });
        TestServer {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: String::new(),
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for the next line that tells where it listens. A unix socket has no port.
    pub fn listens(&mut self) {
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

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A WebSocket to `/`.
    pub fn connect(&self) -> Client {
        Client::connect(self.address, "/", &[])
    }

    /// Waits until the log has a line with `part`, and returns it; lines that were waited for before
    /// do not count again.
    pub fn wait_for_line(&mut self, part: &str) -> String {
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
    pub fn log(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid() as i32, signal);
    }

    /// Waits for the server's own end, and that of its log.
    pub fn wait(&mut self) -> ExitStatus {
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

    /// The programs that the server has started and that still exist, zombies too.
    pub fn children(&self) -> Vec<i32> {
        children_of(self.pid() as i32)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// Sends a signal by `kill`(1), which every Debian has in its shell.
pub fn kill(pid: i32, signal: i32) {
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .stderr(Stdio::null())
        .status();
}

/// Waits until something is true; panics with `what` if it never is.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it never came about that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The state letter of a process (proc(5)), `None` if there is none.
pub fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Whether a process exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits until a process is gone.
pub fn wait_until_gone(pid: i32) {
    eventually(&format!("process {pid} is gone"), || !is_alive(pid));
}

/// The children of a process, but for the orphan killer that every gateway has.
pub fn children_of(parent: i32) -> Vec<i32> {
    let children = all_children_of(parent).into_iter();
    children
        .filter(|(_, stat)| !stat.contains(ORPHAN_KILLER))
        .map(|(pid, _)| pid)
        .collect()
}

/// The orphan killer of a gateway.
pub fn orphan_killer_of(gateway: i32) -> i32 {
    let mut children = all_children_of(gateway).into_iter();
    let orphan_killer = children.find(|(_, stat)| stat.contains(ORPHAN_KILLER));
    orphan_killer.expect("a gateway has an orphan killer").0
}

const ORPHAN_KILLER: &str = "(orphan-killer)";

/// Process ids and their lines of proc_pid_stat(5).
fn all_children_of(parent: i32) -> Vec<(i32, String)> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        if fields.nth(1).and_then(|field| field.parse().ok()) == Some(parent) {
            children.push((pid, stat));
        }
    }
    children
}

/// Runs `wsd WORDS` to its end; for command lines that start nothing.
pub fn run(words: &[&str]) -> Output {
    let output = Command::new(WSD)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("wsd runs");
    Output {
        code: output
            .status
            .code()
            .or(output.status.signal().map(|signal| -signal)),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// What a command printed, and how it ended: its exit status, or a signal as a negative number.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// One HTTP request as raw bytes; returns the status, the headers by lower-case name, and the body.
pub fn http(address: SocketAddr, request: &str) -> (u16, HashMap<String, String>, Vec<u8>) {
    let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the server answers and closes");
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .expect("a status");
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    (
        status.parse().expect("a number"),
        headers,
        answer[end + 4..].to_vec(),
    )
}

/// A GET without anything special.
pub fn get(server: &TestServer, target: &str) -> (u16, HashMap<String, String>, Vec<u8>) {
    let port = server.port();
    http(
        server.address,
        &format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"),
    )
}

/// Writes an executable script into a directory.
pub fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    path
}
