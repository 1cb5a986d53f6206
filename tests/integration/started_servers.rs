//! Servers that wsd starts, keeps running and ends: `--start`.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
};

use tempfile::TempDir;

use crate::support::{
    Gateway, Server, Signal, children_of, eventually, is_alive, kill, run, script, wait_until_gone,
};

/// Where a script leaves its process ids, a line for each start.
fn starts(directory: &Path) -> Vec<i32> {
    let text = fs::read_to_string(directory.join("pids")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// A server that says what its id is and does the rest, in a directory of its own.
fn server_that(does: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let pids = directory.path().join("pids");
    let text = format!("#!/bin/sh\necho $$ >>{}\n{does}\n", pids.display());
    let path = script(directory.path(), "server.sh", &text);
    (directory, path.display().to_string())
}

fn gateway(start: &str) -> Gateway {
    Gateway::new().args([format!("--start={start}")])
}

/// Starts a gateway whose server has said its id.
fn start(directory: &Path, gateway: Gateway) -> (Server, i32) {
    let server = gateway.args(["cat"]).start();
    eventually("the server is started", || !starts(directory).is_empty());
    (server, starts(directory)[0])
}

/// Waits until the log has such a line, be it before that which tells where it listens.
fn line_with(server: &mut Server, part: &str) -> String {
    let mut found = None;
    eventually(&format!("the log says {part:?}"), || {
        let log = server.log();
        found = log
            .lines()
            .find(|line| line.contains(part))
            .map(str::to_owned);
        found.is_some()
    });
    found.expect("it is there")
}

#[test]
fn server_runs_before_the_first_session_and_ends_with_wsd() {
    let (directory, command) = server_that("echo to stdout; echo to stderr >&2; exec sleep 1000");
    let (mut server, pid) = start(directory.path(), gateway(&command));
    let line = line_with(&mut server, "stdout: to stdout");
    assert!(
        line.contains("INFO server{name=\"server.sh\" pid="),
        "{line}"
    );
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    wait_until_gone(pid);
    let log = server.log();
    assert!(log.contains("stderr: to stderr"), "{log}");
    assert!(
        log.contains("server ended, as it was told: signal 2"),
        "{log}"
    );
}

#[test]
fn server_that_ends_is_started_again_with_longer_and_longer_pauses() {
    let (directory, command) = server_that("exit 3");
    let (mut server, _) = start(directory.path(), gateway(&command));
    line_with(&mut server, "server ended by itself: exit status 3");
    for pause in [100, 200, 400] {
        let part = format!("server server.sh is started again in {pause} ms");
        line_with(&mut server, &part);
    }
    eventually("it was started again", || {
        starts(directory.path()).len() > 3
    });
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn what_a_server_leaves_behind_ends_with_it() {
    let (directory, command) =
        server_that("sleep 1000 & echo $! >>$(dirname $0)/pids; exec sleep 0");
    let (mut server, leader) = start(directory.path(), gateway(&command));
    line_with(&mut server, "server ended by itself");
    wait_until_gone(leader);
    wait_until_gone(starts(directory.path())[1]);
}

#[test]
fn server_that_ignores_signals_is_killed() {
    let (directory, command) = server_that("trap '' INT TERM; while :; do sleep 1000; done");
    let (mut server, pid) = start(directory.path(), gateway(&command));
    eventually("it ignores them", || !children_of(pid).is_empty());
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    wait_until_gone(pid);
    let log = server.log();
    assert!(
        log.contains("server ended, as it was told: signal 9"),
        "{log}"
    );
}

#[test]
fn server_is_killed_with_wsd() {
    let (directory, command) = server_that("sleep 1000 & echo $! >>$(dirname $0)/pids; wait");
    let (mut server, _) = start(directory.path(), gateway(&command));
    eventually("both run", || starts(directory.path()).len() == 2);
    server.signal(Signal::KILL);
    server.wait();
    for pid in starts(directory.path()) {
        wait_until_gone(pid);
    }
}

#[test]
fn server_that_cannot_be_started_ends_wsd_and_those_before_it() {
    let (directory, command) = server_that("exec sleep 1000");
    let output = gateway(&command)
        .args(["--start=/nowhere/server", "cat"])
        .output();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let first = output
        .stderr
        .lines()
        .find(|line| line.starts_with("error: "));
    let expected = "error: invalid value '/nowhere/server' for '--start': COMMAND '/nowhere/server' cannot be executed: there is no such file";
    assert_eq!(first, Some(expected), "{}", output.stderr);
    assert!(starts(directory.path()).is_empty());

    // It is there, but the kernel does not execute it.
    let broken = script(
        directory.path(),
        "broken",
        "\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0\0",
    );
    let output = gateway(&command)
        .args([format!("--start={}", broken.display()), "cat".into()])
        .output();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let expected = format!("error: --start '{}' cannot be started: ", broken.display());
    assert!(output.stderr.contains(&expected), "{}", output.stderr);
    assert!(!output.stderr.contains("serving on"), "{}", output.stderr);
    starts(directory.path())
        .into_iter()
        .for_each(wait_until_gone);
}

#[test]
fn file_and_line_of_a_server_that_is_not_there_are_named_at_the_start_and_at_a_reload() {
    let good = "command = 'cat'\nport = 0\n\nstart = ['sleep 1000']\n";
    let bad = "command = 'cat'\nport = 0\n\nstart = ['sleep 1000',\n 'nosuch']\n";
    let output = Gateway::without_port().file(bad).output();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    for part in ["error: ", ".toml:5: start: ", "nosuch"] {
        assert!(output.stderr.contains(part), "{}", output.stderr);
    }
    let mut server = Gateway::without_port().file(good).start();
    fs::write(server.config(), bad).expect("a file");
    server.signal(Signal::HUP);
    let line = server.wait_for_line("stays as it is");
    assert!(line.contains(".toml:5: start: "), "{line}");
}

#[test]
fn address_in_use_ends_the_servers_in_order() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let (directory, command) = server_that("exec sleep 1000");
    let output = Gateway::without_port()
        .args([
            "--address=127.0.0.1".into(),
            format!("--port={port}"),
            format!("--start={command}"),
            "cat".into(),
        ])
        .output();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(
        output.stderr.contains("server ended, as it was told"),
        "{}",
        output.stderr
    );
    starts(directory.path())
        .into_iter()
        .for_each(wait_until_gone);
}

#[test]
fn words_of_a_server_are_split_as_a_shell_would() {
    let (directory, command) = server_that("for word; do echo \"[$word]\"; done; exec sleep 1000");
    let (mut server, _) = start(
        directory.path(),
        gateway(&format!("{command} 'a b' c\\ d \"\"")),
    );
    for word in ["[a b]", "[c d]", "[]"] {
        line_with(&mut server, &format!("stdout: {word}"));
    }
}

#[test]
fn words_that_are_no_command_are_refused() {
    for (start, reason) in [
        ("'", "a quote is not closed"),
        (" ", "the command is missing"),
    ] {
        let output = gateway(start).args(["cat"]).output();
        let expected = format!("error: invalid value '{start}' for '--start': {reason}\n");
        assert_eq!((output.code, output.stderr), (Some(2), expected));
    }
    for (flags, reason) in [
        (
            &["--connect=ws://localhost/", "--start=cat"][..],
            "--start is for a server",
        ),
        (
            &["--inetd", "--start=cat", "cat"],
            "--inetd serves one connection",
        ),
    ] {
        let output = run(flags);
        assert_eq!(output.code, Some(2));
        assert!(output.stderr.contains(reason), "{}", output.stderr);
    }
}

#[test]
fn environment_has_path_and_what_flags_bring_and_nothing_else() {
    let (directory, command) = server_that("env | sort >$(dirname $0)/env; exec sleep 1000");
    let gateway = gateway(&command)
        .args(["--passenv=CHAT_PORT", "--env=GREETING=hello"])
        .env("CHAT_PORT", "7")
        .env("SECRET", "x");
    let (_server, _) = start(directory.path(), gateway);
    let path = directory.path().join("env");
    eventually("it has told", || {
        fs::read_to_string(&path).is_ok_and(|text| text.contains("PWD="))
    });
    let text = fs::read_to_string(&path).expect("a file");
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    let own = ["OLDPWD", "PWD", "SHLVL", "_"];
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !own.contains(name))
        .collect();
    assert_eq!(names, ["CHAT_PORT", "GREETING", "LC_CTYPE", "PATH"]);
}

#[test]
fn user_limits_and_directory_of_the_top_level_hold() {
    let (directory, command) = server_that("ulimit -n; pwd; exec sleep 1000");
    let gateway = gateway(&command).args(["--limits=nofile=77", "--workdir=/usr"]);
    let (mut server, _) = start(directory.path(), gateway);
    line_with(&mut server, "stdout: 77");
    line_with(&mut server, "stdout: /usr");
}

#[test]
fn server_as_root_without_a_user_is_warned_of() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut server = gateway("sleep 1000").args(["cat"]).start();
    assert!(
        server
            .log()
            .contains("--start runs 'sleep 1000' as root: --user=NAME")
    );
    let mut server = gateway("id -u").args(["--user=nobody", "cat"]).start();
    line_with(&mut server, "stdout: 65534");
    assert!(!server.log().contains("as root"));
}

#[test]
fn nothing_is_started_where_flags_are_only_checked_or_examined() {
    let (directory, command) = server_that("exec sleep 1000");
    for flag in ["--check-config", "--doctor"] {
        let output = gateway(&command).args([flag, "cat"]).output();
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }
    assert!(starts(directory.path()).is_empty());
    let output = gateway("/nowhere/server")
        .args(["--check-config", "cat"])
        .output();
    assert_eq!(output.code, Some(2), "{}", output.stderr);
}

#[test]
fn reload_ends_what_is_gone_and_starts_what_is_new() {
    let (first, stays) = server_that("exec sleep 1000");
    let (second, goes) = server_that("exec sleep 1000");
    let (third, comes) = server_that("exec sleep 1000");
    let text =
        |other: &str| format!("command = \"cat\"\nstart = [\"{stays}\", [\"{other}\", \"a b\"]]\n");
    let mut server = Gateway::new().file(&text(&goes)).start();
    let mut client = server.connect();
    eventually("both run", || {
        !starts(first.path()).is_empty() && !starts(second.path()).is_empty()
    });
    let (staying, going) = (starts(first.path())[0], starts(second.path())[0]);

    fs::write(server.config(), text(&comes)).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("server ended, as it was told");
    server.wait_for_line("the configuration was read again");
    wait_until_gone(going);
    eventually("the new one runs", || !starts(third.path()).is_empty());
    assert_eq!(starts(first.path()), [staying]);
    assert!(is_alive(staying));
    client.send("still here");
    assert_eq!(client.text(), "still here");

    fs::write(server.config(), text("/nowhere/server")).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration stays as it is");
    assert!(is_alive(starts(third.path())[0]));
}

#[test]
fn server_killed_by_somebody_is_started_again() {
    let (directory, command) = server_that("exec sleep 1000");
    let (mut server, pid) = start(directory.path(), gateway(&command));
    kill(pid, Signal::KILL);
    server.wait_for_line("server ended by itself: signal 9");
    eventually("another runs", || starts(directory.path()).len() == 2);
}

#[test]
fn server_is_ended_after_the_sessions() {
    // What it still answers in the drain reaches the client.
    let (directory, command) = server_that("exec sleep 1000");
    let (mut server, pid) = start(
        directory.path(),
        gateway(&command).args(["--finish-timeout=5"]),
    );
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    server.signal(Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
    wait_until_gone(pid);
    let log = server.log();
    let place = |part: &str| log.find(part).unwrap_or_else(|| panic!("{part}: {log}"));
    assert!(place("session ended") < place("server ended, as it was told"));
    assert!(TcpStream::connect(server.address).is_err());
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn client_waits_for_a_server_that_does_not_listen_yet() {
    let port = free_port();
    let chat = format!("exec examples/chat/chat_server.py {port}");
    let server = gateway(&format!("sh -c 'sleep 1; {chat}'"))
        .args(["--framing=lines", &format!("--target=127.0.0.1:{port}")])
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "* someone joined, 1 here: someone");
}

#[test]
fn client_waits_for_a_path_that_is_not_there_yet() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let listens = "import os, socket, sys, time\n\
                   time.sleep(1)\n\
                   s = socket.socket(socket.AF_UNIX)\n\
                   s.bind(sys.argv[1])\n\
                   s.listen()\n\
                   while True: s.accept()[0].send(b\"here\\n\")\n";
    let command = shell_words::join(["python3", "-c", listens, &path.display().to_string()]);
    let server = gateway(&command)
        .args([
            "--framing=lines",
            &format!("--target=unix:{}", path.display()),
        ])
        .start();
    assert_eq!(server.text("/"), "here");
}

#[test]
fn server_that_never_listens_is_waited_for_no_longer_than_a_target_may_take() {
    let target = format!("--target=127.0.0.1:{}", free_port());
    let server = gateway("sleep 1000")
        .args([&target, "--target-timeout=1"])
        .start();
    let begun = std::time::Instant::now();
    assert!([502, 504].contains(&server.status("/", &[])));
    // It is old by now.
    assert_eq!(server.status("/", &[]), 502);
    assert!(begun.elapsed().as_millis() > 500);
}

#[test]
fn flags_of_processes_hold_for_servers_where_there_is_no_program() {
    for (flag, code) in [
        ("--limits=nofile=64", 0),
        ("--workdir=/", 0),
        ("--passstderr", 2),
    ] {
        let words = ["--check-config", "--target=localhost:1", flag];
        assert_eq!(run(&words).code, Some(2), "{flag} is for nobody");
        let output = run(&[&words[..], &["--start=cat"]].concat());
        assert_eq!(output.code, Some(code), "{flag}: {}", output.stderr);
    }
}
