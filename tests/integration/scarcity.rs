//! Starting where a limit leaves too little: one line that says so and exit status 1, never a panic.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::support::{Gateway, Output, WSD};

/// What cannot go well even with all that it needs, and so always ends.
fn commands(taken: u16) -> [String; 2] {
    [
        format!("--port={taken} cat"),
        format!("--connect=ws://127.0.0.1:{taken}/ cat"),
    ]
}

fn assert_ends_well(what: &str, output: &Output) {
    let Output { code, stderr, .. } = output;
    assert!(matches!(code, Some(0 | 1)), "{what}: {code:?}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    if *code == Some(1) {
        assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
        assert!(stderr.starts_with("error: "), "{what}: {stderr}");
    }
}

/// Each command under each limit.
fn run_under(binary: &Path, wrapper: &[&str], limits: impl Iterator<Item = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("an address").port();
    for limit in limits {
        for words in commands(taken) {
            let under: Vec<_> = wrapper.iter().copied().chain(["prlimit", &limit]).collect();
            let output = Gateway::started_by(binary.to_str().expect("text"))
                .args(words.split(' '))
                .under(&under)
                .output();
            assert_ends_well(&format!("{limit} {words}"), &output);
        }
    }
}

#[test]
fn report_that_cannot_be_made_is_an_error_in_one_line() {
    for most in [8, 12, 16] {
        let limit = format!("--nofile={most}:{most}");
        let gateway = Gateway::without_port().args(["--doctor", "cat"]);
        let output = gateway.under(&["prlimit", &limit]).output();
        assert_ends_well(&limit, &output);
    }
}

#[test]
fn few_descriptors_are_an_error_in_one_line() {
    run_under(
        Path::new(WSD),
        &[],
        (6..=26).map(|most| format!("--nofile={most}:{most}")),
    );
}

#[test]
fn few_processes_are_an_error_in_one_line() {
    let most = (1..=12).map(|most| format!("--nproc={most}:{most}"));
    if !rustix::process::geteuid().is_root() {
        return run_under(Path::new(WSD), &[], most);
    }
    // Root has no limit of processes, and somebody else may not reach the binary where it is.
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("its mode");
    let binary = directory.path().join("wsd");
    fs::copy(WSD, &binary).expect("room");
    let somebody = ["setpriv", "--reuid=54337", "--clear-groups"];
    run_under(&binary, &somebody, most);
}

#[test]
fn little_memory_is_an_error_in_one_line() {
    let bytes = [40, 50, 60].map(|megabytes| megabytes * 1_000_000);
    let limits = bytes.map(|most| format!("--as={most}:{most}"));
    run_under(Path::new(WSD), &[], limits.into_iter());
}
