//! Flags and keys about terminals and buffering: what is refused at the start, and when a terminal is open to others.

use crate::support::{Gateway, Output, assert_refused, run};

#[test]
fn what_cannot_be_is_refused_with_both_names() {
    for (words, parts) in [
        ("--pty --passstderr cat", ["--pty", "--passstderr"]),
        (
            "--terminal --passstderr cat",
            ["--terminal", "--passstderr"],
        ),
        ("--pty --framing=length cat", ["--pty", "--framing=length"]),
        (
            "--pty --framing=headers cat",
            ["--pty", "--framing=headers"],
        ),
        (
            "--pty --framing=control cat",
            ["--pty", "--framing=control"],
        ),
        (
            "--terminal --framing=length cat",
            ["--terminal", "--framing"],
        ),
        (
            "--terminal --framing=lines cat",
            ["--terminal", "--framing"],
        ),
        ("--terminal --binary cat", ["--terminal", "--binary"]),
        (
            "--terminal --flush-after=5 cat",
            ["--terminal", "--flush-after"],
        ),
        (
            "--terminal --readonly --writable cat",
            ["--writable", "--readonly"],
        ),
        ("--writable cat", ["--writable", "--terminal"]),
        ("--pty --writable cat", ["--writable", "--terminal"]),
        ("--readonly cat", ["--readonly", "--terminal"]),
        ("--pty --readonly cat", ["--readonly", "--terminal"]),
        ("--terminal --share cat", ["--terminal", "--share"]),
        ("--pty --share cat", ["--pty", "--share"]),
        ("--terminal --pty cat", ["--terminal", "--pty"]),
        (
            "--terminal --connect=ws://localhost/ cat",
            ["--terminal", "--connect"],
        ),
        ("--terminal --target=h:1", ["--terminal", "COMMAND"]),
        ("--pty --target=h:1", ["--pty", "COMMAND"]),
        ("--unbuffer --room=/x", ["--unbuffer", "COMMAND"]),
        ("--unbuffer=line cat", ["--unbuffer", "line"]),
        (
            "--unbuffer --connect=ws://localhost/",
            ["--unbuffer", "COMMAND"],
        ),
    ] {
        assert_refused(words, &parts);
    }
}

fn check(words: &str) -> Output {
    let words: Vec<&str> = words.split_whitespace().collect();
    run(&[&["--check-config"], &words[..]].concat())
}

/// What opens a terminal to the network.
const OPENING: [(&str, &str); 13] = [
    ("--address=0.0.0.0", "--address=0.0.0.0"),
    ("--address=::", "--address=::"),
    (
        "--address=localhost --address=0.0.0.0",
        "--address=localhost,0.0.0.0",
    ),
    ("--trust-proxy=127.0.0.1", "--trust-proxy"),
    ("--proxy-protocol", "--proxy-protocol"),
    ("--host=example.com", "--host"),
    (
        "--unixsocket=/run/x.sock --unixsocket-mode=660",
        "--unixsocket-mode=660",
    ),
    ("--unixsocket=@x", "--unixsocket"),
    ("--inetd", "--inetd"),
    ("--origin=*", "--origin=*"),
    ("--origin=null", "--origin=null"),
    (
        "--origin=example.com,vscode-webview://*",
        "--origin=vscode-webview://*",
    ),
    ("--origin=file://", "--origin=file://"),
];

#[test]
fn writable_terminal_that_is_open_to_the_network_is_refused() {
    for (flags, named) in OPENING {
        let output = check(&format!("{flags} --terminal cat"));
        assert_eq!(output.code, Some(2), "{flags}: {output:?}");
        for part in [
            "--terminal",
            named,
            "--readonly",
            "--writable",
            "--sslca",
            "--basic-auth",
        ] {
            assert!(output.stderr.contains(part), "{flags}: {part}: {output:?}");
        }
    }
}

#[test]
fn readonly_or_writable_says_that_it_is_meant() {
    for (flags, _) in OPENING {
        for meant in ["--readonly", "--writable"] {
            let output = check(&format!("{flags} --terminal {meant} cat"));
            assert_eq!(output.code, Some(0), "{flags} {meant}: {output:?}");
        }
        let output = check(&format!("{flags} --pty cat"));
        assert_eq!(
            output.code,
            Some(0),
            "a pty is no terminal: {flags}: {output:?}"
        );
    }
}

#[test]
fn terminal_of_this_machine_alone_needs_no_more() {
    for flags in [
        "",
        "--address=127.0.0.1",
        "--address=::1",
        "--address=127.9.9.9",
        "--unixsocket=/run/x.sock",
        "--unixsocket=/run/x.sock --unixsocket-mode=600",
        "--origin=https://example.com",
        "--origin=*.example.com",
    ] {
        let output = check(&format!("{flags} --terminal cat"));
        assert_eq!(output.code, Some(0), "{flags}: {output:?}");
    }
}

#[test]
fn inherited_socket_opens_a_terminal_too() {
    let output = Gateway::without_port()
        .args(["--check-config", "--terminal", "cat"])
        .shell("export LISTEN_FDS=1 LISTEN_PID=$$; exec 3<>/dev/null;")
        .output();
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("LISTEN_FDS"), "{output:?}");
}

#[test]
fn each_route_is_asked_for_itself() {
    let file = |keys: &str| {
        let text = format!(
            "address = '0.0.0.0'\ncommand = 'cat'\n[[route]]\npath = '/shell'\ncommand = 'sh'\nterminal = true\n{keys}"
        );
        Gateway::without_port()
            .file(&text)
            .args(["--check-config"])
            .output()
    };
    let output = file("");
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(
        output.stderr.contains("wsd.toml:6: route.terminal"),
        "{output:?}"
    );
    assert_eq!(file("readonly = true\n").code, Some(0));
    assert_eq!(file("writable = true\n").code, Some(0));
}

#[test]
fn keys_of_a_file_are_the_flags() {
    let server = Gateway::new()
        .file(
            "unbuffer = true\n\
             [[route]]\npath = '/env'\ncommand = ['sh', '-c', 'echo \"$PYTHONUNBUFFERED\"; test -t 1 || echo pipe']\n\
             [[route]]\npath = '/pty'\ncommand = ['sh', '-c', 'test -t 1 && test -t 0 || echo stdout alone']\nunbuffer = 'pty'\n\
             [[route]]\npath = '/all'\ncommand = ['sh', '-c', 'test -t 0 && echo terminal']\npty = true\n\
             [[route]]\npath = '/none'\ncommand = ['sh', '-c', 'echo \"[$PYTHONUNBUFFERED]\"']\nunbuffer = false\n\
             [[route]]\npath = '/terminal'\ncommand = ['sh', '-c', 'exit 0']\nterminal = true\nreadonly = true\n",
        )
        .start();
    let mut env = server.connect_to("/env");
    assert_eq!([env.text(), env.text()], ["1", "pipe"]);
    assert_eq!(server.text("/pty"), "stdout alone");
    assert_eq!(server.text("/all"), "terminal");
    assert_eq!(server.text("/none"), "[]");
    let mut terminal = server.connect_to("/terminal");
    assert_eq!(terminal.text(), r#"{"title":"sh"}"#);
    assert_eq!(terminal.text(), r#"{"readonly":true}"#);
}
