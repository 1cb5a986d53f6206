//! The configuration file.

use std::fs;

use clap::CommandFactory;
use wsd::args::{Args, InvocationArgs, ProgramArgs};

use crate::support::{Client, Gateway, Signal, run};

#[test]
fn example_is_valid_and_serves() {
    let output = run(&["--check-config", "--config=examples/wsd.toml"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "the configuration is fine\n"),
        "{output:?}"
    );
    let server = Gateway::with("--config=examples/wsd.toml --address=127.0.0.1").start();
    assert_eq!(server.text("/"), "hello from localhost");
    let mut client = server.connect_to("/fizzbuzz");
    client.send("15");
    assert_eq!(client.text(), "15 => FizzBuzz");
    assert_eq!(server.get("/index.html").1["cache-control"], "no-store");
}

#[test]
fn page_lists_every_key_with_its_default_and_whether_a_route_has_it() {
    let page = fs::read_to_string("docs/config-file.md").expect("a page");
    let (of_routes, typed_only) = (ProgramArgs::names(), InvocationArgs::names());
    let is_key = |name: &&str| !typed_only.iter().any(|other| other == name) && *name != "route";
    for argument in Args::command().get_arguments() {
        let Some(key) = argument.get_long().filter(is_key) else {
            continue;
        };
        let start = format!("| `{key}` | ");
        let row = page.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("{key} is not in the table"));
        let is_switch = !argument.get_action().takes_values();
        for default in argument.get_default_values().iter().filter(|_| !is_switch) {
            let default = format!("| `{}` |", default.display());
            assert!(row.contains(&default), "{row}: {default}");
        }
        let is_in_route = of_routes.iter().any(|name| name == key);
        assert_eq!(row.ends_with("| yes |"), is_in_route, "{row}");
    }
}

#[test]
fn keys_are_flags() {
    let server = Gateway::new()
        .file("binary = true\nmaxforks = 1\ncommand = \"cat\"\n")
        .start();
    let mut client = server.connect();
    client.send_binary(b"\xff");
    assert_eq!(client.binary(), b"\xff");
    assert!(server.ask("/", &[]).head.starts_with("HTTP/1.1 503 "));
}

#[test]
fn time_is_a_number_or_a_string_with_a_unit() {
    let server = Gateway::new()
        .file("pingms = 30_000\nmax-lifetime = '50ms'\ncommand = 'cat'\n")
        .start();
    assert_eq!(server.connect().closed().0, 1001);
}

#[test]
fn what_is_typed_wins() {
    let gateway = Gateway::new()
        .file(
            "binary = true\ncommand = \"echo written\"\nsubprotocol = [\"a\"]\n[[route]]\npath = \"/r\"\ncommand = \"echo written\"\n",
        );
    let server = gateway
        .args([
            "--binary=false",
            "--subprotocol=b",
            "--route=/t=echo typed",
            "echo",
            "typed",
        ])
        .start();
    assert_eq!(server.text("/"), "typed");
    // A list is replaced, not added to.
    assert_eq!(server.text("/r"), "typed");
    let head = Client::connect(server.address, "/", &["Sec-WebSocket-Protocol: a, b"]).head;
    assert!(head.contains("Sec-Websocket-Protocol: b\r\n"), "{head}");
}

#[test]
fn commands_are_strings_or_words() {
    let server = Gateway::new()
        .file(
            "command = ['printf', '%s\\n', 'a b']\n[[route]]\npath = '/s'\ncommand = \"printf '%s\\\\n' 'c d'\"\n[[route]]\npath = '/w'\ncommand = ['echo', \"it's\"]\n",
        )
        .start();
    assert_eq!(server.text("/"), "a b");
    assert_eq!(server.text("/s"), "c d");
    assert_eq!(server.text("/w"), "it's");
}

#[test]
fn error_names_file_line_key_and_what_would_be_right() {
    for (toml, parts) in [
        (
            "port = 80\n\nprot = 1\n",
            &[":3: prot: ", "did you mean 'port'"][..],
        ),
        (
            "# a comment\nport = \"http\"\n",
            &[":2: port: ", "a number"],
        ),
        ("port = 70000\n", &[":1: port: ", "70000", "0..=65535"]),
        (
            "pingms = true\n",
            &[":1: pingms: ", "a number", "string with a unit"],
        ),
        (
            "\nidle-timeout = '1d'\n",
            &[":2: idle-timeout: ", "'1d'", "a number of seconds", "1h"],
        ),
        (
            "[[route]]\npath = '/'\ncommand = 'cat'\npingms = 'soon'\n",
            &[":4: route.pingms: ", "'soon'", "a number of milliseconds"],
        ),
        ("binary = 1\n", &[":1: binary: ", "true or false"]),
        ("staticdir = [\"a\"]\n", &[":1: staticdir: ", "a string"]),
        ("\norigin = 5\n", &[":2: origin: ", "array of strings"]),
        ("framing = \"words\"\n", &[":1: framing: ", "words"]),
        ("loglevel = 'info'\nport = = 1\n", &[":2: "]),
        (
            "command = 'cat'\nstaticdir = '/nowhere'\n",
            &[":2: staticdir: ", "/nowhere"],
        ),
        (
            "\n\ncommand = '/nowhere/program'\n",
            &[":3: command: ", "no such file"],
        ),
        ("config = 'x'\n", &[":1: config: ", "no such key"]),
        (
            "comand = 'cat'\n",
            &[":1: comand: ", "did you mean 'command'"],
        ),
        (
            "idle_timeout = 5\n",
            &[":1: idle_timeout: ", "did you mean 'idle-timeout'"],
        ),
        (
            "[[route]]\npaht = '/'\ncommand = 'cat'\n",
            &[":2: route.paht: ", "did you mean 'path'"],
        ),
        (
            "[[route]]\npath = '/a'\n",
            &[": route: ", "'command' is missing"],
        ),
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\ncolour = 1\n",
            &[":4: route.colour: ", "no such key"],
        ),
        ("command = \"cat 'x\"\n", &[":1: command: ", "quote"]),
    ] {
        let output = Gateway::without_port()
            .file(toml)
            .args(["--check-config"])
            .output();
        assert_eq!(output.code, Some(2), "{toml}: {output:?}");
        let first = output.stderr.lines().next().expect("a message");
        for part in parts.iter().chain(&["wsd.toml"]) {
            assert!(first.contains(part), "{toml}: {part:?} is not in {first}");
        }
    }
}

#[test]
fn error_stands_where_its_value_stands() {
    for (toml, words, expected) in [
        (
            "admin = \"127.0.0.1:0\"\ncommand = \"cat\"\nheader = \"no colon here --admin\"\n",
            &[][..],
            "3: header: invalid value 'no colon here --admin' for '--header': ",
        ),
        (
            "command = 'cat'\norigin = [\n  'http://fine.example',\n  'a b',\n]\n",
            &[],
            "4: origin: invalid value 'a b' for '--origin': ",
        ),
        (
            "command = 'cat'\nenv = { A = 'b',\n  PATH_INFO = 'x' }\n",
            &[],
            "3: env: invalid value 'PATH_INFO=x' for '--env': ",
        ),
        (
            "command = 'cat'\nport = 70000\n",
            &["--port=0"],
            "2: port: invalid value '70000' for '--port': ",
        ),
        (
            "pingms = 5\n[[route]]\npath = '/'\ncommand = 'cat'\npingms = 99999999999999\n",
            &[],
            "5: route.pingms: invalid value '99999999999999' for '--pingms': ",
        ),
        (
            "header-ws = 'x'\n[[route]]\npath = '/'\ncommand = 'cat'\n",
            &[],
            "1: header-ws: invalid value 'x' for '--header-ws': ",
        ),
        (
            "[[route]]\npath = '/'\ncommand = 'cat'\npassstderr = true\n",
            &["--binary"],
            "4: route.passstderr: --passstderr and --binary exclude each other: ",
        ),
        (
            "command = 'cat'\nlinger = 5\n",
            &[],
            "2: linger: --linger is for a client: ",
        ),
        (
            "connect = 'ws://x/'\n[[route]]\npath = '/'\ncommand = 'cat'\n",
            &[],
            "2: route: --route and --connect exclude each other: ",
        ),
    ] {
        let gateway = Gateway::without_port().file(toml).args(["--check-config"]);
        let gateway = gateway.args(words);
        let place = gateway.directory().join("wsd.toml");
        let expected = format!("error: {}:{expected}", place.display());
        let output = gateway.output();
        assert_eq!(output.code, Some(2), "{toml}: {output:?}");
        assert!(
            output.stderr.starts_with(&expected),
            "{expected}: {output:?}"
        );
    }
}

#[test]
fn what_is_typed_and_what_is_written_complete_each_other() {
    let check = |words: &[&str]| {
        let gateway = Gateway::without_port().file("connect = 'ws://localhost:1/'\n");
        gateway.args(["--check-config"]).args(words).output()
    };
    let output = check(&["--reconnect", "--linger=5"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let output = check(&["--port=0"]);
    let expected = "error: --port and --connect exclude each other: --port is for a server\n";
    assert_eq!((output.code, output.stderr.as_str()), (Some(2), expected));
}

#[test]
fn words_that_say_all_need_no_file() {
    for (word, code) in [("--license", 0), ("--help", 0), ("-V", 0), ("--bogus", 2)] {
        let output = run(&["--config=/nowhere", word]);
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(!output.stderr.contains("nowhere"), "{output:?}");
    }
}

#[test]
fn file_that_is_not_there_is_named() {
    let output = run(&["--config=/nowhere/wsd.toml", "cat"]);
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.starts_with("error: /nowhere/wsd.toml: "),
        "{output:?}"
    );
}

#[test]
fn check_config_checks_flags_too() {
    assert_eq!(run(&["--check-config", "cat"]).code, Some(0));
    assert_eq!(run(&["--check-config", "/nowhere/program"]).code, Some(2));
}

#[test]
fn hangup_reads_the_file_again_and_running_sessions_go_on() {
    let mut server = Gateway::new()
        .file("command = 'cat'\n[[route]]\npath = '/old'\ncommand = 'cat'\n")
        .start();
    let mut running = server.connect_to("/old");
    fs::write(
        server.config(),
        "command = 'echo changed'\nmaxforks = 2\n[[route]]\npath = '/new'\ncommand = 'echo new'\n",
    )
    .expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    assert_eq!(server.text("/new"), "new");
    assert_eq!(server.text("/old"), "changed");
    running.send("still here");
    assert_eq!(running.text(), "still here");
    // A connection that was open before asks by the new rules.
    assert_eq!(server.get("/").0, 426);
}

#[test]
fn hangup_with_a_bad_file_changes_nothing_and_is_logged() {
    let mut server = Gateway::new().file("command = 'echo before'\n").start();
    fs::write(server.config(), "command = 'cat'\nprot = 1\n").expect("a file");
    server.signal(Signal::HUP);
    let line = server.wait_for_line("stays as it is");
    assert!(line.contains("wsd.toml:2: prot: "), "{line}");
    assert_eq!(server.text("/"), "before");
}

#[test]
fn stop_after_a_reload_waits_for_sessions_of_before_and_after() {
    let mut server = Gateway::new().file("command = 'cat'\n").start();
    let mut before = server.connect();
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    let mut after = server.connect();
    server.signal(Signal::TERM);
    assert_eq!((before.closed().0, after.closed().0), (1001, 1001));
    assert_eq!(server.wait().code(), Some(0));
}
