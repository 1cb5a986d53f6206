//! The real nginx and HAProxy, as the files in `examples/proxy/` configure them.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
};

use tempfile::TempDir;

use super::eventually;

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
        Self::configured(file, &configuration(file, addresses), listens)
    }

    /// The same with a configuration of one's own; a file of another name than nginx.conf is HAProxy's.
    pub(crate) fn configured(file: &str, text: &str, listens: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(file);
        fs::write(&path, text).expect("a file");
        let mut command = match file {
            "nginx.conf" => {
                let mut command = Command::new(installed("nginx", "nginx"));
                // One process, which leaves nobody behind when it is killed.
                let single = "master_process off;";
                command.args(["-e", "stderr", "-g", single, "-p"]);
                command.arg(directory.path()).arg("-c");
                command
            }
            _ => {
                let mut command = Command::new(installed("haproxy", "haproxy"));
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

/// Where a program is; Debian has these where only root's PATH leads.
pub(crate) fn installed(name: &str, package: &str) -> PathBuf {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(OsString::from(":/usr/sbin:/usr/local/sbin"));
    let mut places = env::split_paths(&path).map(|directory| directory.join(name));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        panic!("{name} is not installed: scripts/test does it, or apt-get install {package}")
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
