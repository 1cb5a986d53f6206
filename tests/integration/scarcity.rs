//! Starting where a limit leaves too little: one line that says so and exit status 1, never a panic.

use std::{
    fs::{self, Permissions},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::{Client, Gateway, Output, WSD, eventually, script};

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

/// Leaves a process no descriptor that it could open.
fn take_descriptors(pid: i32) {
    let is_open = |number: &u64| Path::new(&format!("/proc/{pid}/fd/{number}")).is_symlink();
    let lowest = (0..).find(|number| !is_open(number));
    let limits = Rlimit {
        current: lowest,
        maximum: lowest,
    };
    prlimit(Pid::from_raw(pid), Resource::Nofile, limits).expect("we may");
}

#[test]
fn program_that_cannot_be_looked_for_is_503_and_no_other_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let (programs, scripts) = (directory.path().join("a"), directory.path().join("b"));
    for path in [&programs, &scripts] {
        fs::create_dir(path).expect("a directory");
        script(path, "found", "#!/bin/sh\nprintf 'X: found\\n\\n'\n");
    }
    let server = Gateway::new()
        .args([
            format!("--dir={}", programs.display()),
            format!("--cgidir={}", scripts.display()),
        ])
        .program("echo other")
        .start();
    let sockets: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(server.address).expect("it listens"))
        .collect();
    // All are accepted, since what came behind them was answered.
    assert_eq!(server.text("/"), "other");
    let mut sockets = sockets.into_iter();
    let mut ask = |target: &str, is_websocket: bool| {
        // What ends meanwhile gives descriptors back.
        take_descriptors(server.pid());
        let socket = sockets.next().expect("one of them meets with nothing free");
        if is_websocket {
            let mut client = Client::over(socket.into(), target, &[]);
            return match client.status() {
                101 => client.text(),
                _ => client.head,
            };
        }
        let mut socket = socket;
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    };
    for is_websocket in [true, false] {
        eventually("there is no descriptor to look with", || {
            let answer = ask("/found", is_websocket);
            let is_refused = answer.starts_with("HTTP/1.1 503 ");
            assert!(is_refused || answer.contains("found"), "{answer}");
            is_refused && answer.to_lowercase().contains("retry-after: 1")
        });
    }
}
