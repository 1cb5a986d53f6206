//! The real nginx, HAProxy and Caddy, as the files in `examples/proxy/` configure them.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
};

use tempfile::TempDir;

use super::{eventually, installed::find};

const LOG: &str = "log";

/// A proxy that runs in the foreground as one process; killed on drop.
pub(crate) struct Proxy {
    child: Child,
    /// With its configuration, and what it logs.
    directory: TempDir,
}

impl Proxy {
    /// Starts the program that a file is for, and waits until it listens. Of the file the addresses are
    /// replaced, each of which has to be there.
    pub(crate) fn start(file: &str, addresses: &[(&str, String)], listens: SocketAddr) -> Self {
        Self::run(file, &configuration(file, addresses), listens)
    }

    /// Starts HAProxy with a configuration.
    pub(crate) fn haproxy(configuration: &str, listens: SocketAddr) -> Self {
        Self::run("haproxy.cfg", configuration, listens)
    }

    /// Starts nginx with a configuration.
    pub(crate) fn nginx(configuration: &str, listens: SocketAddr) -> Self {
        Self::run("nginx.conf", configuration, listens)
    }

    fn run(file: &str, configuration: &str, listens: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(file);
        fs::write(&path, configuration).expect("a file");
        let mut command = match file {
            "nginx.conf" => {
                let mut command = Command::new(installed("nginx"));
                // One process, which leaves nobody behind when it is killed.
                let single = "master_process off;";
                command.args(["-e", "stderr", "-g", single, "-p"]);
                command.arg(directory.path()).arg("-c");
                command
            }
            "Caddyfile" => {
                let mut command = Command::new(installed("caddy"));
                command.env("HOME", directory.path());
                command.args(["run", "--adapter", "caddyfile", "--config"]);
                command
            }
            _ => {
                let mut command = Command::new(installed("haproxy"));
                command.args(["-db", "-f"]);
                command
            }
        };
        let log = File::create(directory.path().join(LOG)).expect("a file");
        let child = command
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a proxy starts");
        let mut proxy = Proxy { child, directory };
        eventually("the proxy listens", || {
            let ended = proxy.child.try_wait().expect("a child");
            assert_eq!(ended, None, "{file}");
            TcpStream::connect(listens).is_ok()
        });
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.directory.path().join(LOG));
            eprintln!("the proxy's log:\n{}", log.unwrap_or_default());
        }
    }
}

fn configuration(file: &str, addresses: &[(&str, String)]) -> String {
    let path = format!("examples/proxy/{file}");
    let mut text = fs::read_to_string(path).expect("an example");
    for (address, replacement) in addresses {
        assert!(text.contains(address), "{file} has no {address:?}");
        text = text.replace(address, replacement);
    }
    text
}

pub(crate) fn installed(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| {
        panic!("{name} is not installed: scripts/test does it, or apt-get install {name}")
    })
}

/// An address that nobody listens on, nor will: of a part of the loopback network that is this test's own.
pub(crate) fn free_address() -> SocketAddr {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = process::id().to_be_bytes();
    let last = LAST.fetch_add(1, Ordering::Relaxed);
    let address = Ipv4Addr::new(127, high | 0x80, low, last);
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
