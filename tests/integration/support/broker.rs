//! Brokers: nats-server and redis-server, each on a port of its own, and clients that speak with them by hand.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{PATIENCE, Signal, eventually, installed::find, kill};

/// What a broker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nats,
    Redis,
}

/// A broker that runs; killed on drop.
pub(crate) struct Broker {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    settings: String,
    directory: TempDir,
    child: Child,
}

impl Broker {
    /// One that lets everybody in.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with(kind, |_| String::new())
    }

    /// One with more lines in its configuration, which may name files of a directory.
    pub(crate) fn start_with(kind: Kind, settings: impl Fn(&Path) -> String) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = settings(directory.path());
        // Somebody else may take the port before the broker does.
        for _ in 0..10 {
            let port = free_port();
            let mut child = spawn(kind, directory.path(), port, &settings);
            if listens(&mut child, port) {
                return Broker {
                    kind,
                    port,
                    settings,
                    directory,
                    child,
                };
            }
        }
        panic!("{kind:?} does not start");
    }

    /// Its URL, perhaps with credentials.
    pub(crate) fn url(&self, credentials: &str) -> String {
        let scheme = match self.kind {
            Kind::Nats => "nats",
            Kind::Redis => "redis",
        };
        format!("{scheme}://{credentials}localhost:{}", self.port)
    }

    /// The same with TLS.
    pub(crate) fn tls_url(&self) -> String {
        let scheme = match self.kind {
            Kind::Nats => "tls",
            Kind::Redis => "rediss",
        };
        format!("{scheme}://localhost:{}", self.port)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.child.id() as i32, signal);
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// On the same port, after it was stopped.
    pub(crate) fn start_again(&mut self) {
        eventually("the broker is there again", || {
            self.child = spawn(self.kind, self.directory.path(), self.port, &self.settings);
            listens(&mut self.child, self.port)
        });
    }

    /// A client that speaks with it by hand.
    pub(crate) fn client(&self) -> BrokerClient {
        BrokerClient::connect(self.kind, self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that is free on all addresses of loopback.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn spawn(kind: Kind, directory: &Path, port: u16, settings: &str) -> Child {
    let file = directory.join("broker.conf");
    let text = match kind {
        Kind::Nats => format!("listen: 127.0.0.1:{port}\n{settings}\n"),
        Kind::Redis => {
            let tcp = if settings.contains("tls-port") {
                0
            } else {
                port
            };
            let settings = settings.replace("PORT", &port.to_string());
            format!(
                "port {tcp}\nbind 127.0.0.1\nsave \"\"\ndir {}\n{settings}\n",
                directory.display()
            )
        }
    };
    fs::write(&file, text).expect("a file");
    let mut command = match kind {
        Kind::Nats => {
            let mut command = Command::new(find("nats-server").expect("nats-server is installed"));
            command.arg("--config").arg(&file);
            command
        }
        Kind::Redis => {
            let mut command =
                Command::new(find("redis-server").expect("redis-server is installed"));
            command.arg(&file);
            command
        }
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the broker starts")
}

/// Waits until it listens; `false` if it has ended.
fn listens(child: &mut Child, port: u16) -> bool {
    let mut has_ended = false;
    eventually("the broker listens", || {
        has_ended = child.try_wait().expect("a child").is_some();
        has_ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    !has_ended
}

/// A client of a broker, without a library.
pub(crate) struct BrokerClient {
    kind: Kind,
    stream: BufReader<TcpStream>,
}

impl BrokerClient {
    fn connect(kind: Kind, port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut client = BrokerClient {
            kind,
            stream: BufReader::new(stream),
        };
        if kind == Kind::Nats {
            assert!(client.line().starts_with("INFO "));
            client.write("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
        }
        client
    }

    /// Publishes, and waits until the broker has it. To how many Redis has given it.
    pub(crate) fn publish(&mut self, channel: &str, payload: &[u8]) -> u64 {
        let length = payload.len();
        match self.kind {
            Kind::Nats => {
                self.write(&format!("PUB {channel} {length}\r\n"));
                self.stream.get_mut().write_all(payload).expect("it reads");
                self.write("\r\n");
                self.wait_nats();
                0
            }
            Kind::Redis => {
                let name = channel.len();
                self.write(&format!(
                    "*3\r\n$7\r\nPUBLISH\r\n${name}\r\n{channel}\r\n${length}\r\n"
                ));
                self.stream.get_mut().write_all(payload).expect("it reads");
                self.write("\r\n");
                let answer = self.line();
                let number = answer.strip_prefix(':').expect("a number");
                number.trim_end().parse().expect("a number")
            }
        }
    }

    /// Subscribes; returns when it is in force.
    pub(crate) fn subscribe(&mut self, channel: &str) {
        match self.kind {
            Kind::Nats => {
                self.write(&format!("SUB {channel} 1\r\n"));
                self.wait_nats();
            }
            Kind::Redis => {
                self.write(&format!("SUBSCRIBE {channel}\r\n"));
                // Kind, channel and number.
                for _ in 0..6 {
                    self.line();
                }
            }
        }
    }

    /// The next message of what is subscribed.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        let length = match self.kind {
            Kind::Nats => loop {
                let line = self.line();
                if line.starts_with("PING") {
                    self.write("PONG\r\n");
                } else if line.starts_with("MSG ") {
                    break line.trim_end().rsplit(' ').next().map(str::to_owned);
                }
            },
            Kind::Redis => {
                for _ in 0..5 {
                    self.line();
                }
                self.line().trim_end().strip_prefix('$').map(str::to_owned)
            }
        };
        let length: usize = length.expect("a length").parse().expect("a number");
        let mut payload = vec![0; length + 2];
        self.stream.read_exact(&mut payload).expect("a message");
        payload.truncate(length);
        payload
    }

    fn wait_nats(&mut self) {
        self.write("PING\r\n");
        while !self.line().starts_with("PONG") {}
    }

    fn write(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).expect("it reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).expect("a line");
        assert!(read > 0, "the broker has closed");
        line
    }
}
