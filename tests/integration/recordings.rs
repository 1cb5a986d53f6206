//! Sessions in files, and what such a file is good for: `--record`, `--replay`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Gateway, Output, Server, Signal, WSD, client::CLOSE, eventually, run, target::Target,
};

#[test]
fn recording_of_a_terminal_says_so_and_is_played_as_its_bytes() {
    let (directory, gateway) = recording("--terminal", "stty size; exit 3");
    let server = gateway.start();
    let mut client = server.connect_to("/?cols=91&rows=17");
    assert_eq!(client.text(), r#"{"title":"sh"}"#);
    assert_eq!(client.binary(), b"17 91\r\n");
    assert_eq!(client.text(), r#"{"exit":3}"#);
    assert_eq!(client.closed().0, 4003);
    let lines = lines(directory.path());
    assert_eq!(lines[0]["framing"], "terminal");
    assert_eq!(lines[0]["uri"], "/?cols=91&rows=17");
    let file = files(directory.path());
    let file = file[0].to_str().expect("a path");
    let played = replay(file, &["--replay-speed=0"]);
    assert_eq!((played.code, &*played.stdout), (Some(3), "17 91\r\n"));
}

/// A gateway that records into a directory of its own.
fn recording(words: &str, program: &str) -> (TempDir, Gateway) {
    let directory = tempfile::tempdir().expect("a directory");
    let record = format!("--record={}", directory.path().display());
    let gateway = Gateway::with(words).args([record]).program(program);
    (directory, gateway)
}

/// The recordings in a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The lines of the only recording, once it has its Close.
fn lines(directory: &Path) -> Vec<Value> {
    let read = || match &files(directory)[..] {
        [file] => fs::read_to_string(file).expect("text"),
        other => panic!("{other:?}"),
    };
    eventually("the recording has a Close", || {
        files(directory).len() == 1 && read().contains("\"close\":")
    });
    let parse = |line: &str| serde_json::from_str(line).expect("JSON");
    read().lines().map(parse).collect()
}

/// Direction, type and data of each message.
fn messages(lines: &[Value]) -> Vec<[&str; 3]> {
    let messages = lines.iter().filter(|line| line.get("dir").is_some());
    messages
        .map(|line| ["dir", "type", "data"].map(|key| line[key].as_str().expect("text")))
        .collect()
}

#[test]
fn session_is_in_a_file_of_its_own_name() {
    let (directory, gateway) = recording("", "read line; echo \"got $line\"; exit 3");
    let mut server = gateway.start();
    let mut client = server.connect_to("/some/path?a=b");
    client.send("a \"word\"\u{1f600}");
    assert_eq!(client.text(), "got a \"word\"\u{1f600}");
    assert_eq!(client.closed().0, 4003);
    let log = server.wait_for_line("session ended");
    let lines = lines(directory.path());
    let file = &files(directory.path())[0];
    let id = file
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(log.contains(&id), "{log}: {id}");
    assert_eq!(lines[0]["session"], id);
    assert_eq!(lines[0]["uri"], "/some/path?a=b");
    assert_eq!(lines[0]["framing"], "lines");
    assert_eq!(lines[0]["command"][0], "sh");
    let start = lines[0]["start"].as_str().expect("a time");
    assert!(start.starts_with("20") && start.ends_with('Z'), "{start}");
    assert_eq!(
        messages(&lines),
        [
            ["in", "text", "a \"word\"\u{1f600}"],
            ["out", "text", "got a \"word\"\u{1f600}"]
        ]
    );
    let close = lines.last().expect("a line");
    assert_eq!(
        (&close["close"], &close["reason"]),
        (&4003.into(), &"the program exited with status 3".into())
    );
    let mut last = 0.0;
    for line in &lines[1..] {
        let time = line["t"].as_f64().expect("seconds");
        assert!(time >= last, "{lines:?}");
        last = time;
    }
    let mode = file.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert!(
        server
            .log()
            .contains("--record: all that is typed and said")
    );
}

#[test]
fn messages_to_a_target_are_recorded_as_they_were_sent() {
    let target = Target::echo();
    let directory = tempfile::tempdir().expect("a directory");
    let record = format!("--record={}", directory.path().display());
    let server = Gateway::with("--maxframesize=200000")
        .args([record, target.flag()])
        .start();
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.binary(), b"hello");
    client.send_binary(&[7; 200_000]);
    client.send_binary(&[7; 200_001]);
    while client.receive().opcode != CLOSE {}
    let lines = lines(directory.path());
    let said = messages(&lines);
    let received: Vec<_> = said.iter().filter(|[way, ..]| *way == "in").collect();
    assert_eq!(received[0], &["in", "text", "hello"]);
    let [_, kind, data] = received[1];
    // In base64.
    assert_eq!(
        (*kind, data.len()),
        ("binary", 200_000_usize.div_ceil(3) * 4)
    );
    assert_eq!(received.len(), 2);
    assert_eq!(lines.last().expect("a line")["close"], 1009);
}

#[test]
fn what_many_are_told_is_recorded_for_each() {
    let (directory, gateway) = recording("--share", "cat");
    let server = gateway.start();
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    client.close();
    let lines = lines(directory.path());
    let expected = [["in", "text", "hello"], ["out", "text", "hello"]];
    assert_eq!(messages(&lines), expected);
}

#[test]
fn binary_messages_are_base64() {
    let (directory, gateway) = recording("--binary", "exec cat");
    let server = gateway.start();
    let mut client = server.connect();
    client.send_binary(&[0, 255, 10]);
    assert_eq!(client.binary(), [0, 255, 10]);
    client.close();
    let lines = lines(directory.path());
    assert_eq!(
        messages(&lines),
        [["in", "binary", "AP8K"], ["out", "binary", "AP8K"]]
    );
    assert_eq!(lines[0]["framing"], "chunks");
}

#[test]
fn session_with_a_target_is_recorded_with_its_name_and_without_its_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let target = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = target.local_addr().expect("an address");
    let map = directory.path().join("map");
    fs::write(&map, format!("secret-token: {address}\n")).expect("a file");
    let records = directory.path().join("records");
    fs::create_dir(&records).expect("a directory");
    let server = Gateway::new()
        .args([
            format!("--target-map={}", map.display()),
            format!("--record={}", records.display()),
        ])
        .start();
    let mut client = server.connect_to("/?token=secret-token&a=b");
    let (mut accepted, _) = target.accept().expect("a connection");
    std::io::Write::write_all(&mut accepted, b"hello").expect("it is written");
    assert_eq!(client.binary(), b"hello");
    drop(accepted);
    assert_eq!(client.closed().0, 1000);
    let lines = lines(&records);
    assert_eq!(lines[0]["target"], format!("tcp:{address}"));
    assert_eq!(lines[0]["framing"], "chunks");
    let uri = lines[0]["uri"].as_str().expect("text");
    assert!(
        uri.starts_with("/?token=") && uri.ends_with("&a=b"),
        "{uri}"
    );
    assert!(!uri.contains("secret"), "{uri}");
    assert_eq!(messages(&lines), [["out", "binary", "aGVsbG8="]]);
    // The same target once more, from the file.
    let file = files(&records)[0].display().to_string();
    let server = replaying(&file, "chunks", "0");
    let mut client = server.connect();
    assert_eq!(client.binary(), b"hello");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn lost_client_is_1006() {
    let (directory, gateway) = recording("", "exec cat");
    let server = gateway.start();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    client.reset();
    let lines = lines(directory.path());
    assert_eq!(lines.last().expect("a line")["close"], 1006);
}

#[test]
fn refused_session_has_no_file_and_each_other_one_has() {
    let (directory, gateway) = recording("--maxforks=1", "exec cat");
    let server = gateway.start();
    let client = server.connect();
    assert_eq!(server.status("/", &[]), 503);
    assert_eq!(
        server.status("/", &["Origin: http://elsewhere.example"]),
        403
    );
    client.close();
    assert_eq!(lines(directory.path()).len(), 2);
    eventually("there is room again", || server.status("/", &[]) == 101);
    eventually("the second has its file", || {
        files(directory.path()).len() >= 2
    });
}

#[test]
fn stop_of_the_server_is_in_the_recording() {
    let (directory, gateway) = recording("", "cat; echo last words");
    let mut server = gateway.start();
    let mut client = server.connect();
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "last words");
    assert_eq!(client.closed().0, 1001);
    drop(client);
    server.wait();
    let text = fs::read_to_string(&files(directory.path())[0]).expect("text");
    let last: Vec<_> = text.lines().rev().take(2).collect();
    assert!(
        last[0].contains("\"close\":1001") && last[1].contains("last words"),
        "{text}"
    );
}

#[test]
fn write_that_fails_ends_the_recording_and_not_the_session() {
    let (directory, gateway) = recording("", "exec cat");
    // bash's unit is a KiB; the signal that comes with the error is none that ends wsd.
    let mut server = gateway.shell("ulimit -f 1").start();
    let mut client = server.connect();
    for _ in 0..20 {
        let line = "x".repeat(100);
        client.send(&line);
        assert_eq!(client.text(), line);
    }
    server.wait_for_line("recording ends: File too large");
    client.send("still here");
    assert_eq!(client.text(), "still here");
    client.close();
    let end = server.wait_for_line("session ended");
    assert!(
        end.contains("messages_in=21") && end.contains("code=1000"),
        "{end}"
    );
    assert_eq!(server.log().matches("recording ends").count(), 1);
    let text = fs::read_to_string(&files(directory.path())[0]).expect("text");
    // As many whole lines as there is room for, none of which has 200 bytes.
    assert!(text.ends_with('\n') && text.len() > 800, "{text}");
    let mut next = server.connect();
    next.send("next");
    assert_eq!(next.text(), "next");
}

#[test]
fn directory_that_is_no_place_for_secrets_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let make = |name: &str, mode: u32| {
        let path = directory.path().join(name);
        fs::create_dir_all(&path).expect("a directory");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("its mode");
        path.display().to_string()
    };
    let (served, inside) = (make("served", 0o755), make("served/inside", 0o755));
    let (open, own, file) = (
        make("open", 0o757),
        make("own", 0o700),
        directory.path().join("file"),
    );
    fs::write(&file, "").expect("a file");
    let (file, around) = (
        file.display().to_string(),
        directory.path().display().to_string(),
    );
    let is_refused = |record: &str, flag: &str, reason: &str| {
        let output = run(&["--check-config", &format!("--record={record}"), flag, "cat"]);
        let start = format!("error: invalid value '{record}' for '--record': ");
        assert_eq!(output.code, Some(2), "{record}");
        assert!(
            output.stderr.starts_with(&start) && output.stderr.contains(reason),
            "{}",
            output.stderr
        );
    };
    is_refused("/nowhere", "--compress", "No such file");
    is_refused(&file, "--compress", "Not a directory");
    is_refused(&open, "--compress", "everybody may write there");
    for flag in ["--staticdir", "--cgidir", "--dir"] {
        let flag = format!("{flag}={served}");
        is_refused(&served, &flag, "it is the directory");
        is_refused(&inside, &flag, "it lies in");
        is_refused(&around, &flag, "in it lies");
        let output = run(&["--check-config", &format!("--record={own}"), &flag, "cat"]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }
    let link = directory.path().join("link");
    symlink(&inside, &link).expect("a link");
    is_refused(
        &link.display().to_string(),
        &format!("--staticdir={served}"),
        "it lies in",
    );
}

#[test]
fn reload_changes_where_sessions_are_recorded() {
    let (first, second) = (
        tempfile::tempdir().expect("one"),
        tempfile::tempdir().expect("another"),
    );
    let text = |record: &TempDir| {
        format!(
            "command = \"cat\"\nrecord = \"{}\"\n",
            record.path().display()
        )
    };
    let mut server = Gateway::new().file(&text(&first)).start();
    let mut client = server.connect();
    fs::write(server.config(), text(&second)).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration was read again");
    client.send("old");
    assert_eq!(client.text(), "old");
    let mut other = server.connect();
    other.send("new");
    assert_eq!(other.text(), "new");
    client.close();
    other.close();
    assert_eq!(messages(&lines(first.path()))[0][2], "old");
    assert_eq!(messages(&lines(second.path()))[0][2], "new");
}

/// A file of this text, and what plays it.
fn player(text: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("session.jsonl");
    fs::write(&path, text).expect("a file");
    let path = path.display().to_string();
    (directory, path)
}

fn header(framing: &str) -> String {
    format!(
        "{{\"session\":\"s\",\"start\":\"\",\"uri\":\"/\",\"command\":[\"cat\"],\"framing\":\"{framing}\"}}\n"
    )
}

/// A gateway whose program plays a recording.
fn replaying(path: &str, framing: &str, speed: &str) -> Server {
    Gateway::new()
        .args([
            &format!("--framing={framing}"),
            WSD,
            &format!("--replay={path}"),
            &format!("--replay-speed={speed}"),
        ])
        .start()
}

#[test]
fn recorded_session_is_played_again() {
    let (directory, gateway) = recording(
        "",
        "read a; echo \"one $a\"; read b; echo \"two $b\"; exit 7",
    );
    let server = gateway.start();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "one x");
    client.send("y");
    assert_eq!(client.text(), "two y");
    assert_eq!(client.closed().0, 4007);
    drop(client);
    lines(directory.path());
    let file = files(directory.path())[0].display().to_string();
    let server = replaying(&file, "lines", "1");
    let mut client = server.connect();
    assert_eq!([client.text(), client.text()], ["one x", "two y"]);
    assert_eq!(client.closed().0, 4007);
}

#[test]
fn every_framing_is_played_as_it_was() {
    let messages = "{\"t\":0,\"dir\":\"in\",\"type\":\"text\",\"data\":\"not this\"}\n\
                    {\"t\":0,\"dir\":\"out\",\"type\":\"text\",\"data\":\"one\\ntwo\"}\n";
    let binary = "{\"t\":0.3,\"dir\":\"out\",\"type\":\"binary\",\"data\":\"AP8K\"}\n";
    let close = "{\"t\":0.5,\"close\":4300,\"reason\":\"why\"}\n";
    for (framing, with_binary, code) in [
        ("text", false, 1000),
        ("headers", false, 1000),
        ("length", true, 1000),
        ("control", true, 4300),
    ] {
        let binary = if with_binary { binary } else { "" };
        let (_directory, path) = player(&[&header(framing), messages, binary, close].concat());
        let server = replaying(&path, framing, "1");
        let mut client = server.connect();
        assert_eq!(client.text(), "one\ntwo", "{framing}");
        if with_binary {
            assert_eq!(client.binary(), [0, 255, 10]);
        }
        assert_eq!(client.closed().0, code, "{framing}");
    }
    let (_directory, path) = player(&[&header("chunks"), binary, close].concat());
    let server = replaying(&path, "chunks", "0");
    let mut client = server.connect();
    assert_eq!(client.binary(), [0, 255, 10]);
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn speed_divides_the_times() {
    let hour = "{\"t\":3600,\"dir\":\"out\",\"type\":\"text\",\"data\":\"late\"}\n{\"t\":7200,\"close\":1000,\"reason\":\"\"}\n";
    let (_directory, path) = player(&(header("lines") + hour));
    let output = replay(&path, &["--replay-speed=0"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "late\n"));
    let begun = Instant::now();
    let output = replay(&path, &["--replay-speed=7200"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "late\n"));
    assert!(begun.elapsed().as_secs_f64() >= 1.0);
}

fn replay(path: &str, flags: &[&str]) -> Output {
    let replay = format!("--replay={path}");
    run(&[&[replay.as_str()], flags].concat())
}

#[test]
fn recording_that_was_cut_is_played_as_far_as_it_goes() {
    let text =
        "{\"t\":0,\"dir\":\"out\",\"type\":\"text\",\"data\":\"hello\"}\n{\"t\":1,\"dir\":\"o";
    let (_directory, path) = player(&(header("lines") + text));
    let output = replay(&path, &[]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "hello\n"));
    assert!(
        output.stderr.contains("the recording has no Close"),
        "{}",
        output.stderr
    );
}

#[test]
fn what_is_no_recording_is_refused_before_anything_is_played() {
    let hello = "{\"t\":0,\"dir\":\"out\",\"type\":\"text\",\"data\":\"hello\"}\n";
    for (text, reason) in [
        (String::new(), "line 1: this is no recording"),
        ("hello\n".to_owned(), "line 1: it is no JSON"),
        (
            hello.to_owned(),
            "line 1: expected \"command\" or \"target\"",
        ),
        (header("words"), "line 1: there is no framing 'words'"),
        (
            header("lines") + hello + "{\"t\":1}\n",
            "line 3: expected \"dir\"",
        ),
        (
            header("lines") + hello + "\n" + hello,
            "line 3: it is no JSON at column 0: EOF",
        ),
    ] {
        let (_directory, path) = player(&text);
        let output = replay(&path, &[]);
        let expected = format!("error: --replay: {path}: {reason}");
        assert!(output.stderr.starts_with(&expected), "{}", output.stderr);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    }
    assert_eq!(replay("/nowhere", &[]).code, Some(2));
    assert_eq!(replay("/", &[]).code, Some(2));
}

#[test]
fn message_that_the_framing_cannot_say_is_an_error() {
    let binary = "{\"t\":0,\"dir\":\"out\",\"type\":\"binary\",\"data\":\"AP8K\"}\n";
    let (_directory, path) = player(&(header("lines") + binary));
    let output = replay(&path, &[]);
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("text messages only"),
        "{}",
        output.stderr
    );
}

#[test]
fn replay_is_a_program_of_its_own() {
    for (words, reason) in [
        (
            &["--replay=f", "--port=80"][..],
            "--replay is a program of its own, and --port is for the wsd that serves it",
        ),
        (
            &["--replay=f", "cat"],
            "and COMMAND is for the wsd that serves it: wsd [OPTIONS] wsd --replay=f",
        ),
        (
            &["--replay-speed=2", "cat"],
            "--replay-speed needs --replay",
        ),
        (
            &["--replay=f", "--replay-speed=-1"],
            "expected a number, 0 or more",
        ),
        (
            &["--replay=f", "--replay-speed=inf"],
            "expected a number, 0 or more",
        ),
        (
            &["--replay=f", "--connect=ws://localhost/"],
            "--replay is for a server",
        ),
    ] {
        let output = run(words);
        assert_eq!(output.code, Some(2), "{words:?}");
        assert!(output.stderr.contains(reason), "{}", output.stderr);
    }
}
