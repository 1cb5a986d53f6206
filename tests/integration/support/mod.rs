//! What the tests share: a gateway that stops on drop, and clients that hide nothing.

pub(crate) mod auth_server;
pub(crate) mod broker;
pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod each_client;
pub(crate) mod event_stream;
pub(crate) mod example;
pub(crate) mod feed;
pub(crate) mod gateway;
pub(crate) mod hooks;
pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod installed;
pub(crate) mod interpreter;
pub(crate) mod lease;
pub(crate) mod line_client;
pub(crate) mod login;
pub(crate) mod operators;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod puppet;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod target;
pub(crate) mod terminal;
pub(crate) mod tls;

use std::{
    fs,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

pub(crate) use client::Client;
pub(crate) use feed::ConsoleFeed;
pub(crate) use gateway::{Gateway, Output, WSD, assert_refused, run};
pub(crate) use http::http;
pub(crate) use process::{children_of, is_alive, kill, orphan_killer_of, state, wait_until_gone};
pub(crate) use rustix::process::Signal;
pub(crate) use server::Server;
pub(crate) use target::Target;

/// How long anything may take before the test has failed. Never waited for when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Takes away what the caller's environment would tell a command: of proxies, of a terminal's width, of a
/// service manager.
pub(crate) fn forget_caller(command: &mut Command) -> &mut Command {
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    for name in ["COLUMNS", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"] {
        command.env_remove(name);
    }
    command
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
}

/// Waits until something is true; panics with `what` if it never is.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it never came about that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The address of the last URL in a line of the log; of those of `localhost` the one of IPv4.
pub(crate) fn address_in(line: &str) -> SocketAddr {
    let rest = line.rsplit("://").next().expect("a URL");
    let address = rest.split('/').next().expect("an address");
    let address = address.replace("localhost", "127.0.0.1");
    address.parse().expect("an address")
}

/// Writes an executable script into a directory.
pub(crate) fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    path
}

/// The address by which this machine reaches others, if it does.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent.
    socket.connect("192.0.2.255:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}
