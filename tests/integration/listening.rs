//! A client that listens, and one at a terminal: when it stays, and what it says.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::support::{
    Gateway, Signal,
    line_client::{LineClient, connect, wsd},
    run,
    terminal::{CTRL_C, CTRL_D, Terminal},
};

/// Says something when the client would have gone that is not told to stay.
const LATE: &str = "sleep 2; echo late";

/// The client behind a redirection of its stdin by a shell.
fn redirected(url: &str, redirection: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")])
        .arg(crate::support::WSD)
        .args([format!("--connect={url}"), "--linger=never".to_owned()]);
    command
}

// Who is told to stay.

#[test]
fn never_stays_when_stdin_is_over_or_absent() {
    let server = Gateway::new().program(LATE).start();
    // Over, closed, and not open for reading, as nohup(1) leaves it.
    let clients = ["</dev/null", "<&-", "0>/dev/null"].map(|redirection| {
        let mut command = redirected(&server.url, redirection);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        (redirection, command.spawn().expect("a shell"))
    });
    for (redirection, client) in clients {
        let output = client.wait_with_output().expect("a child");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"late\n", "{redirection}: {stderr}");
        assert_eq!(output.status.code(), Some(0), "{redirection}: {stderr}");
        assert_eq!(stderr, "", "{redirection}");
    }
}

#[test]
fn never_stays_when_all_of_stdin_was_sent() {
    let server = Gateway::new()
        .program(&format!("read x; echo $x; {LATE}"))
        .start();
    let mut client = LineClient::connect(&server.url, &["--linger=never"]);
    client.send("first");
    drop(client.stdin.take());
    assert_eq!(client.line(), "first");
    assert_eq!(client.line(), "late");
    assert_eq!(client.end(), (Some(0), String::new()));
}

#[test]
fn who_listens_connects_again() {
    let mut server = Gateway::new().program("echo one; exec cat").start();
    let port = server.port();
    let mut client = LineClient::connect(&server.url, &["--linger=never", "--reconnect"]);
    drop(client.stdin.take());
    assert_eq!(client.line(), "one");
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    drop(server);
    let flag = format!("--port={port}");
    let _server = Gateway::new()
        .args([&flag])
        .program("echo two; exec cat")
        .start();
    assert_eq!(client.line(), "two");
    client.signal(Signal::TERM);
    let (status, stderr) = client.end();
    assert_eq!(status, Some(143), "{stderr}");
    assert!(stderr.contains("trying again in"), "{stderr}");
}

#[test]
fn who_listens_is_ended_by_a_signal_in_order() {
    let mut server = Gateway::new().program("echo x; exec cat").start();
    let mut client = LineClient::connect(&server.url, &["--linger=never"]);
    drop(client.stdin.take());
    assert_eq!(client.line(), "x");
    client.signal(Signal::INT);
    assert!(server.wait_for_line("session ended").contains("code=1001"));
    assert_eq!(client.end(), (Some(130), String::new()));
}

#[test]
fn who_listens_for_a_reader_that_has_enough_ends_quietly() {
    let server = Gateway::with("yes").start();
    let script = "\"$0\" --connect=$1 --linger=never </dev/null | head -n 1; echo ${PIPESTATUS[0]}";
    let output = Command::new("bash")
        .args(["-c", script, crate::support::WSD, &server.url])
        .output()
        .expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "y\n0\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn configuration_file_says_never_or_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("client.toml");
    for (value, code, part) in [
        ("\"never\"", 0, ""),
        ("\"2s\"", 0, ""),
        ("300", 0, ""),
        ("\"ever\"", 2, "2: linger: invalid value 'ever'"),
        ("true", 2, "2: linger: expected a number"),
    ] {
        fs::write(&file, format!("connect = 'ws://x/'\nlinger = {value}\n")).expect("a file");
        let output = run(&["--check-config", &format!("--config={}", file.display())]);
        assert_eq!(output.code, Some(code), "{value}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{value}: {}", output.stderr);
    }
}

// Who is not.

#[test]
fn who_leaves_for_want_of_a_stdin_is_told_how_to_stay() {
    let server = Gateway::new().program("exec sleep 100").start();
    for (words, input, is_told) in [
        (&[][..], "", true),
        (&["--linger=300"], "", false),
        (&["--linger=0"], "", false),
        (&[], "a line", false),
    ] {
        let mut client = LineClient::connect(&server.url, words);
        client.write(input.as_bytes());
        let (status, stderr) = client.end();
        assert_eq!(status, Some(0), "{words:?} {input}: {stderr}");
        assert_eq!(
            stderr.contains("--linger=never stays"),
            is_told,
            "{words:?} {input}: {stderr}"
        );
        assert!(stderr.lines().count() <= 1, "{stderr}");
    }
    // It is the server that ends this one.
    let server = Gateway::with("echo x").start();
    let output = connect(&server.url, &[]).stdin(Stdio::null()).output();
    let output = output.expect("wsd runs");
    assert_eq!(output.stdout, b"x\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn nonsense_is_no_time_to_linger() {
    for value in ["ever", "-1", "1d", ""] {
        let output = run(&[&format!("--linger={value}"), "--connect=ws://x/"]);
        assert_eq!(output.code, Some(2), "{value}");
        let first = output.stderr.lines().next().expect("a line");
        for part in ["--linger", value, "milliseconds", "never"] {
            assert!(first.contains(part), "{value}: {first}");
        }
    }
    let help = wsd(&["--help"]).output().expect("wsd runs").stdout;
    let help = String::from_utf8_lossy(&help).into_owned();
    assert!(help.contains("'never' stays"), "{help}");
}

// At a terminal.

#[test]
fn terminal_is_told_of_the_connection_and_how_it_ends() {
    for (key, status, code) in [(CTRL_D, 0, 1000), (CTRL_C, 130, 1001)] {
        let mut server = Gateway::with("cat").start();
        let mut terminal = Terminal::run(&format!("exec \"$WSD\" --connect={}", server.url));
        let expected = format!("connected to {}; Ctrl-D or Ctrl-C ends it\r\n", server.url);
        assert_eq!(terminal.wait_for("\n"), expected);
        terminal.press("hello\n");
        // Once as it is typed, once as it comes back.
        terminal.wait_for("hello\r\nhello\r\n");
        terminal.press(key);
        assert_eq!(terminal.end().0, Some(status));
        let line = server.wait_for_line("session ended");
        assert!(line.contains(&format!("code={code}")), "{line}");
    }
}

#[test]
fn terminal_of_who_listens_has_nothing_to_end_but_the_client() {
    let mut server = Gateway::new()
        .program("read x; echo $x; read x; echo over")
        .start();
    let line = format!("exec \"$WSD\" --linger=never --connect={}", server.url);
    let mut terminal = Terminal::run(&line);
    let expected = format!("connected to {}; Ctrl-C ends it\r\n", server.url);
    assert_eq!(terminal.wait_for("\n"), expected);
    terminal.press("hello\n");
    terminal.wait_for("hello\r\nhello\r\n");
    // The end of input is none of the connection.
    terminal.press(CTRL_D);
    terminal.press(CTRL_C);
    let (status, shown) = terminal.end();
    assert_eq!(status, Some(130));
    assert!(!shown.contains("over"), "{shown}");
    assert!(server.wait_for_line("session ended").contains("code=1001"));
}

#[test]
fn terminal_is_told_nothing_by_a_client_of_a_pipe_or_a_program() {
    let server = Gateway::with("cat").start();
    for line in [
        format!("echo hello | \"$WSD\" --connect={}", server.url),
        format!(
            "\"$WSD\" --connect={} sh -c 'echo hello; read x; echo $x >&2'",
            server.url
        ),
    ] {
        let (status, shown) = Terminal::run(&line).end();
        assert_eq!((status, shown.as_str()), (Some(0), "hello\r\n"), "{line}");
    }
}
