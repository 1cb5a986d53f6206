//! What the tests share: a gateway that stops on drop, and clients that hide nothing.

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod interpreter;
pub(crate) mod line_client;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod tls;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub(crate) use client::Client;
pub(crate) use gateway::{Gateway, Output, WSD, run};
pub(crate) use http::http;
pub(crate) use process::{children_of, is_alive, kill, orphan_killer_of, state, wait_until_gone};
pub(crate) use rustix::process::Signal;
pub(crate) use server::Server;

/// How long anything may take before the test has failed. Never waited for when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is true; panics with `what` if it never is.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it never came about that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Writes an executable script into a directory.
pub(crate) fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    path
}
