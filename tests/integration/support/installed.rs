//! Programs that not every machine has, and what is said where one is missing.

use std::{
    env,
    ffi::OsString,
    io::{Write, stderr},
    path::PathBuf,
};

/// Says why something was not tested, in the middle of the report, for a test that passes has its output hidden.
/// scripts/test counts these lines.
pub(crate) fn skip(reason: &str) {
    let _ = writeln!(stderr(), "skipped: {reason}");
}

/// Where a program is; Debian has some where only root's PATH leads.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(OsString::from(":/usr/sbin:/usr/local/sbin"));
    let mut places = env::split_paths(&path).map(|directory| directory.join(name));
    places.find(|place| place.is_file())
}

/// The same for what is tested where it is there; else a line says that it is not.
pub(crate) fn find_or_skip(name: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Whether the tests may do what root may; else a line says what was not tested.
pub(crate) fn is_root_or_skip(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip(&format!("{what}: only root can try that"));
    }
    is_root
}
