//! What can be typed, and what is said when it is wrong.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Client, Gateway, Signal, run, script};

/// The first line of the message that a wrong command line gets; it must exit 2 and start nothing.
fn complaint(words: &[&str]) -> String {
    let output = run(words);
    assert_eq!(output.code, Some(2), "{words:?}: {output:?}");
    assert_eq!(output.stdout, "", "{words:?}");
    output.stderr.lines().next().expect("a message").to_owned()
}

#[test]
fn help_version_and_license_go_to_stdout() {
    for (words, part) in [
        (["--help"], "Usage: wsd [OPTIONS] COMMAND [ARGS...]"),
        (["-help"], "Usage: wsd"),
        (["-h"], "Usage: wsd"),
        (["--version"], concat!("wsd ", env!("CARGO_PKG_VERSION"))),
        (["--license"], "MIT License"),
    ] {
        let output = run(&words);
        assert_eq!(output.code, Some(0), "{words:?}");
        assert!(
            output.stdout.contains(part) && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

#[test]
fn no_arguments_give_a_short_usage() {
    let output = run(&[]);
    assert_eq!(output.code, Some(2));
    assert!(
        output
            .stderr
            .contains("Usage: wsd [OPTIONS] COMMAND [ARGS...]"),
        "{output:?}"
    );
}

#[test]
fn first_line_names_flag_value_and_what_is_wrong() {
    for (words, parts) in [
        (
            &["--port=http", "cat"][..],
            &["--port", "http", "invalid digit"][..],
        ),
        (&["--port=65536", "cat"], &["--port", "65536", "not in"]),
        (&["--port"], &["--port"]),
        (&["--maxforks=-1", "cat"], &["--maxforks", "-1"]),
        (
            &["--pingms=1d", "cat"],
            &["--pingms", "1d", "a number of milliseconds", "10s"],
        ),
        (
            &["--drain-timeout=ten", "cat"],
            &["--drain-timeout", "ten", "a number of seconds", "10s"],
        ),
        (
            &["--idle-timeout=9000h", "cat"],
            &["--idle-timeout", "9000h", "longer than a year", "seconds"],
        ),
        (&["--workers=0", "cat"], &["--workers", "1..=1024"]),
        (&["--bogus", "cat"], &["--bogus", "unexpected"]),
        (&["--binary=perhaps", "cat"], &["--binary", "perhaps"]),
        (&["--framing=words", "cat"], &["--framing", "words"]),
        (&["--newline=keep", "cat"], &["--newline", "keep"]),
        (&["--loglevel=verbose", "cat"], &["--loglevel", "verbose"]),
        (
            &["--address=127.0.0.1:80", "cat"],
            &["--address", "127.0.0.1:80", "--port"],
        ),
        (&["--address=300.0.0.1", "cat"], &["--address", "300.0.0.1"]),
        (&["--host=http://x", "cat"], &["--host", "http://x"]),
        (&["--origin=http://a b", "cat"], &["--origin", "http://a b"]),
        (
            &["--origin=https://*", "cat"],
            &["--origin", "https://*", "say '*'"],
        ),
        (
            &["--origin=*.com", "cat"],
            &["--origin", "'*.com'", "say '*'"],
        ),
        (
            &["--subprotocol=a b", "cat"],
            &["--subprotocol", "a b", "token"],
        ),
        (
            &["--staticdir=/nowhere", "cat"],
            &["--staticdir", "/nowhere"],
        ),
        (&["--cgidir=/nowhere"], &["--cgidir", "/nowhere"]),
        (
            &["--cgi-timeout=99999999999", "cat"],
            &["--cgi-timeout", "99999999999"],
        ),
        (&["--cgi-maxbody=10MB", "cat"], &["--cgi-maxbody", "10MB"]),
        (
            &["--binary", "--framing=length", "cat"],
            &["--binary", "--framing=length", "exclude"],
        ),
        (
            &["--passstderr", "--binary", "cat"],
            &["--passstderr", "--binary", "exclude"],
        ),
        (&["/nowhere/program"], &["/nowhere/program", "no such file"]),
        (
            &["no-such-program-anywhere"],
            &["no-such-program-anywhere", "PATH"],
        ),
        (&["/tmp"], &["/tmp", "directory"]),
        (&["--devconsole"], &["COMMAND"]),
        (&["--passenv=A=b", "cat"], &["--passenv", "A=b"]),
        (&["--ssl", "cat"], &["--ssl", "--sslcert"]),
        (&["cat -n"], &["cat -n"]),
    ] {
        let line = complaint(words);
        assert!(
            parts.iter().all(|part| line.contains(part)),
            "{words:?}: {line}"
        );
    }
}

#[test]
fn short_help_is_one_screen_and_long_help_has_all() {
    let (short, long) = (run(&["-h"]).stdout, run(&["--help"]).stdout);
    assert!(short.lines().count() <= 24, "{short}");
    for line in short.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for flag in ["--port", "--devconsole", "--connect", "--help"] {
        assert!(short.contains(flag), "{flag}: {short}");
    }
    for flag in ["--closems", "--h2c", "--admin"] {
        assert!(!short.contains(flag), "{flag}: {short}");
        assert!(long.contains(flag), "{flag}: {long}");
    }
    assert!(long.contains("\nListening:\n"), "{long}");
}

#[test]
fn common_slips_get_the_tip_that_helps() {
    for (words, tip) in [
        (&["-p", "8080", "cat"][..], "'--port'"),
        (&["-p8080", "cat"], "'--port'"),
        (&["8080", "cat"], "--port=8080"),
        (&["ws://host/"], "--connect=ws://host/"),
        (&["."], "--staticdir=."),
        (&["help"], "--help"),
        (&["cat /a/path | x"], "sh -c 'cat /a/path | x'"),
        (&["--staticdir=~/www"], "'~'"),
        (&["--config=~/wsd.toml"], "'~'"),
        (&["~/program"], "'~'"),
    ] {
        complaint(words);
        let output = run(words);
        let tip_line = output.stderr.lines().find(|line| line.contains("tip: "));
        let tip_line = tip_line.unwrap_or_else(|| panic!("{words:?}: {output:?}"));
        assert!(tip_line.contains(tip), "{words:?}: {tip_line}");
    }
}

#[test]
fn flag_behind_the_command_is_a_warning() {
    let mut server = Gateway::with("cat --devconsole --staticdir=x").start();
    let log = server.log();
    let line = log.lines().find(|line| line.contains("--staticdir=x"));
    assert!(line.is_some_and(|line| line.contains("WARN")), "{log}");
    assert!(
        log.contains("'--devconsole' stands behind COMMAND"),
        "{log}"
    );
    let mut quiet = Gateway::with("-- echo --devconsole").start();
    assert_eq!(quiet.connect().text(), "--devconsole");
    quiet.wait_for_line("session ended");
    assert!(
        !quiet.log().contains("stands behind COMMAND"),
        "{}",
        quiet.log()
    );
}

#[test]
fn time_takes_a_unit_in_every_flag() {
    for flag in [
        "--closems=500ms",
        "--pingms=1h",
        "--write-timeout=10s",
        "--finish-timeout=1m",
        "--flush-after=20ms",
        "--idle-timeout=500ms",
        "--max-lifetime=5m",
        "--cgi-timeout=1m",
        "--drain-timeout=10s",
        "--drain-delay=0s",
    ] {
        let output = run(&["--check-config", flag, "cat"]);
        assert_eq!(output.code, Some(0), "{flag}: {output:?}");
    }
    let output = run(&["--check-config", "--linger=2s", "--connect=ws://x/"]);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn unit_of_a_time_counts() {
    let server = Gateway::with("--max-lifetime=50ms cat").start();
    assert_eq!(server.connect().closed().0, 1001);
}

#[test]
fn relations_between_flags_name_the_remedy() {
    for (words, expected) in [
        (
            "--linger=5 cat",
            "--linger is for a client: give --connect too",
        ),
        (
            "--insecure cat",
            "--insecure is for a client: give --connect too",
        ),
        ("--sslca=x cat", "--sslca is about TLS: give --ssl too"),
        (
            "--ssl-optional cat",
            "--ssl-optional is about TLS: give --ssl too",
        ),
        (
            "--sslca-optional cat",
            "--sslca-optional is about the certificates of --sslca: give that too",
        ),
        (
            "--ssl --sslcert=x cat",
            "--sslcert needs the certificate's private key: give --sslkey too",
        ),
        (
            "--ssl --sslkey=x cat",
            "--sslkey needs the certificate of the key: give --sslcert too",
        ),
        (
            "--ssl-selfsigned --sslcert=x --sslkey=y cat",
            "--ssl-selfsigned and --sslcert exclude each other: it makes its own certificate",
        ),
        (
            "--spa cat",
            "--spa is about the files of --staticdir: give that too",
        ),
        (
            "--unixsocket-mode=600 cat",
            "--unixsocket-mode is about the file of --unixsocket: give that too, with a path",
        ),
        (
            "--port=0 --inetd cat",
            "--inetd and --port exclude each other: --inetd serves what is on stdin, --port is about listening",
        ),
        (
            "--insecure --connect=wss://x/ --sslca=x",
            "--sslca and --insecure exclude each other: --insecure trusts anybody",
        ),
        (
            "--connect=ws://x/ --linger=5 cat",
            "--linger is about stdin, and with a COMMAND there is none: leave one of them out",
        ),
        (
            "--connect=ws://x/ --env=A=b",
            "--env is about a program: give a COMMAND too",
        ),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(complaint(&words), format!("error: {expected}"), "{words:?}");
    }
}

#[test]
fn flag_of_a_server_is_refused_to_a_client_whatever_its_value_is() {
    for flag in [
        "--drain-timeout=10",
        "--drain-timeout=11",
        "--maxforks=1024",
        "--cgi-timeout=60",
        "--cgi-maxbody=10485760",
        "--max-connections=0",
        "--workers=1",
        "--sameorigin",
        "--header-ws=A: b",
        "--route=/=cat",
        "--admin=127.0.0.1:0",
    ] {
        let name = flag.split('=').next().expect("a name");
        assert_eq!(
            complaint(&["--connect=ws://localhost:1/", flag]),
            format!("error: {name} and --connect exclude each other: {name} is for a server")
        );
    }
    assert_eq!(
        complaint(&["--connect=ws://localhost:1/", "--closems=0"]),
        "error: --closems is about a program: give a COMMAND too"
    );
}

#[test]
fn switch_that_is_off_is_as_if_it_were_not_there() {
    for words in [
        &["--check-config", "--connect=ws://x/", "--ssl=false", "cat"][..],
        &["--check-config", "--reconnect=false", "cat"],
        &["--check-config", "--spa", "--spa=false", "cat"],
        &[
            "--check-config",
            "--binary=false",
            "--framing=length",
            "cat",
        ],
        &["--check-config", "--inetd=0", "--port=0", "cat"],
    ] {
        let output = run(words);
        assert_eq!(output.code, Some(0), "{words:?}: {output:?}");
    }
}

#[test]
fn file_that_is_not_executable_gets_a_remedy() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("program");
    fs::write(&file, "#!/bin/sh\n").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its mode");
    let output = run(&[file.to_str().expect("text")]);
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.contains("not executable") && output.stderr.contains("chmod +x"),
        "{output:?}"
    );
}

#[test]
fn value_that_is_taken_for_a_command_gets_a_tip() {
    for (words, tip) in [
        (&["--share", "tagged", "cat"], "--share=tagged"),
        (&["--cors", "*", "cat"], "--cors='*'"),
        (
            &["--cors", "https://a.example", "cat"],
            "--cors=https://a.example",
        ),
    ] {
        let output = run(words);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(tip), "{output:?}");
    }
}

#[test]
fn script_that_cannot_run_gets_a_remedy() {
    let directory = tempfile::tempdir().expect("a directory");
    let interpreter = script(directory.path(), "interpreter", "echo hi\n");
    let of_a_script = format!("#!{}\n", interpreter.display());
    let too_long = format!("#!/bin/{}\n", "x".repeat(300));
    for (text, reason, remedy) in [
        ("echo hi\n", "names no interpreter", "#!/bin/sh"),
        ("", "it is empty", "#!/bin/sh"),
        (&too_long, "breaks off", "#!/usr/bin/env"),
        (&of_a_script, "names no interpreter", "#!/bin/sh"),
        ("#!/bin/sh\r\necho hi\r\n", "carriage return", "sed -i"),
        (
            "#!/nowhere/sh\n",
            "'/nowhere/sh', which is not there",
            "install it",
        ),
        (
            "#!/usr/bin/env no-such\n",
            "'no-such', which is not in PATH",
            "install it",
        ),
    ] {
        let file = script(directory.path(), "program", text);
        let file = file.to_str().expect("text");
        let route = format!("--route=/a={file}");
        let table = format!("[[route]]\npath = '/a'\ncommand = '{file}'\n");
        let outputs = [
            run(&[file]),
            run(&[&route]),
            run(&["--connect=ws://localhost/", file]),
            Gateway::without_port()
                .file(&table)
                .args(["--check-config"])
                .output(),
        ];
        for output in outputs {
            assert_eq!(output.code, Some(2), "{output:?}");
            let first = output.stderr.lines().next().unwrap_or_default();
            assert!(first.contains(reason) && first.contains(file), "{output:?}");
            assert!(output.stderr.contains(remedy), "{output:?}");
        }
    }
    // What programs are given decides what env finds.
    let file = script(directory.path(), "program", "#!/usr/bin/env own\n");
    script(directory.path(), "own", "#!/bin/sh\necho own\n");
    let path = format!("--env=PATH={}", directory.path().display());
    assert_eq!(
        run(&["--check-config", &path, file.to_str().expect("text")]).code,
        Some(0)
    );
}

#[test]
fn address_in_use_is_exit_1_and_named() {
    let server = Gateway::with("cat").start();
    let port = format!("--port={}", server.port());
    let output = run(&[&port, "cat"]);
    assert_eq!(output.code, Some(1));
    let address = server.address.to_string();
    assert!(
        output.stderr.contains(&address)
            && output.stderr.contains("already in use")
            && output.stderr.contains("--port=0"),
        "{output:?}"
    );
}

#[test]
fn words_behind_the_command_are_the_programs() {
    let server = Gateway::with("-loglevel=error -- echo --port=1 -binary=true --").start();
    assert_eq!(server.connect().text(), "--port=1 -binary=true --");
}

#[test]
fn several_addresses_share_a_port() {
    let server =
        Gateway::with("--address=127.0.0.1 --address=[::1] --address=127.0.0.3 cat").start();
    for host in ["127.0.0.1", "[::1]", "127.0.0.3"] {
        let address = format!("{host}:{}", server.port())
            .parse()
            .expect("an address");
        let mut client = Client::connect(address, "/", &[]);
        client.send(host);
        assert_eq!(client.text(), host);
    }
}

#[test]
fn session_is_one_line_at_its_start_and_one_at_its_end() {
    let mut server = Gateway::new().program("cat; exit 3").start();
    let mut client = Client::connect(
        server.address,
        "/path?query",
        &["Cookie: secret=1", "Authorization: Bearer secret"],
    );
    client.send("hello");
    assert_eq!(client.text(), "hello");
    client.close();
    let end = server.wait_for_line("session ended");
    for part in [
        "duration_ms=",
        "messages_in=1",
        "bytes_in=5",
        "messages_out=1",
        "bytes_out=5",
        "exit_status=3",
        "code=1000",
        "by=\"client\"",
    ] {
        assert!(end.contains(part), "{part} in {end}");
    }
    let log = server.log();
    assert_eq!(log.matches("session started").count(), 1, "{log}");
    assert!(
        log.contains("uri=/path?query") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn log_for_people_names_no_module() {
    let mut server = Gateway::with("--log-format=text")
        .args(["sh", "-c", "cat", "--address=1"])
        .start();
    server.connect().close();
    server.wait_for_line("session ended");
    server.signal(Signal::TERM);
    server.wait();
    let log = server.log();
    assert!(log.contains(" WARN '--address=1' stands behind"), "{log}");
    assert!(log.contains(" INFO listening: serving on"), "{log}");
    assert!(!log.contains("wsd::"), "{log}");
}

#[test]
fn json_log_is_one_object_a_line() {
    let mut server = Gateway::with("--log-format=json")
        .program("echo oops >&2; cat")
        .start();
    server.connect().close();
    let end = server.wait_for_line("session ended");
    for line in server.log().lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(
            value["timestamp"].is_string() && value["message"].is_string(),
            "{line}"
        );
    }
    let end: serde_json::Value = serde_json::from_str(&end).expect("JSON");
    assert_eq!(end["code"], 1000);
    assert_eq!(end["span"]["id"].as_str().map(str::len), Some(36));
}

#[test]
fn loglevel_decides_what_is_said() {
    for (level, session) in [
        ("debug", true),
        ("access", true),
        ("info", false),
        ("error", false),
    ] {
        let mut server = Gateway::with(&format!("--loglevel={level}"))
            .program("echo oops >&2; echo done")
            .start();
        let mut client = server.connect();
        assert_eq!(client.text(), "done");
        client.closed();
        server.signal(Signal::TERM);
        server.wait();
        let log = server.log();
        assert_eq!(log.contains("session ended"), session, "{level}: {log}");
        assert!(log.contains("oops"), "{level}: {log}");
    }
}

#[test]
fn numbers_as_large_as_can_be_typed_do_no_harm() {
    let mut server = Gateway::with("--maxforks=18446744073709551615 --maxframesize=18446744073709551615 --maxlinesize=18446744073709551615 \
         --pingms=31536000000 --closems=31536000000 --write-timeout=31536000000 --flush-after=31536000000 \
         --drain-timeout=31536000 cat")
        .start();
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    client.close();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}
