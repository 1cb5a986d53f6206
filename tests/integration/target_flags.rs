//! Flags and keys about targets: what is refused at the start, what `--doctor` and `/sessions` tell.

use std::fs;

use crate::support::{Gateway, Target, http, run};

#[test]
fn what_cannot_be_is_refused_with_flag_value_and_remedy() {
    for (words, parts) in [
        (
            "--target=localhost",
            &["'localhost' for '--target'", "HOST:PORT"][..],
        ),
        ("--target=localhost:0", &["'localhost:0'", "1 to 65535"]),
        (
            "--target=http://localhost:80",
            &["'http://localhost:80'", "host name"],
        ),
        ("--target=/a", &["'/a'", "PATH=TARGET"]),
        ("--target=/a=", &["'/a='", "HOST:PORT"]),
        ("--target=/a/../b=h:1", &["'/a/../b=h:1'", "dot segment"]),
        ("--target=unix:", &["'unix:'", "1 to 107 bytes"]),
        (
            "--target=h:1 --target=h:2",
            &["'h:2'", "--target=/PATH=TARGET"],
        ),
        (
            "--target=/a=h:1 --target=/a/=h:2",
            &["'/a/=h:2'", "for this path already"],
        ),
        (
            "--target=/a=h:1 --route=/a=cat",
            &["'/a=h:1'", "for this path already"],
        ),
        (
            "--target=h:1 cat",
            &["--target and COMMAND exclude", "--target=/PATH=TARGET"],
        ),
        (
            "--target-map=/etc/hostname cat",
            &["--target-map and COMMAND exclude"],
        ),
        (
            "--target-map=/etc/hostname --target=h:1",
            &["--target-map and --target"],
        ),
        (
            "--target-map=/nonexistent",
            &["'/nonexistent' for '--target-map'", "No such file"],
        ),
        (
            "--target=h:1 --target-token=path",
            &["--target-token is about", "--target-map"],
        ),
        (
            "--target-map=/etc/hostname --target-token=header",
            &["'header'", "cookie:NAME"],
        ),
        (
            "--target-map=/etc/hostname --target-token=cookie:a=b",
            &["'cookie:a=b'", "name of a cookie"],
        ),
        (
            "--target=h:1 --target-ca=/x",
            &["--target-ca is about", "tls:HOST:PORT"],
        ),
        (
            "--target=h:1 --target-insecure",
            &["--target-insecure is about", "tls:HOST:PORT"],
        ),
        (
            "--target=tls:h:1 --target-ca=/x",
            &["'/x' for '--target-ca'"],
        ),
        (
            "--target=tls:h:1 --target-ca=/x --target-insecure",
            &["exclude each other"],
        ),
        (
            "--target-timeout=10 cat",
            &["--target-timeout is about", "--target"],
        ),
        (
            "--target=h:1 --target-timeout=0",
            &["'0' for '--target-timeout", "more than 0"],
        ),
        (
            "--target-proxy-protocol=v2 cat",
            &["--target-proxy-protocol is about"],
        ),
        ("--target=h:1 --target-proxy-protocol=v3", &["'v3'", "v1"]),
        (
            "--target=h:1 --passstderr",
            &["--passstderr is about programs"],
        ),
        ("--target=h:1 --user=nobody", &["--user is about programs"]),
        (
            "--target=h:1 --limits=nofile=10",
            &["--limits is about programs"],
        ),
        ("--target=h:1 --workdir=/", &["--workdir is about programs"]),
        (
            "--target=h:1 --connect=ws://h/",
            &["--target and --connect exclude", "is for a server"],
        ),
        (
            "--target-timeout=1 --connect=ws://h/ cat",
            &["--target-timeout and --connect exclude"],
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let output = run(&words);
        assert_eq!(output.code, Some(2), "{words:?}: {output:?}");
        for part in parts {
            assert!(
                output.stderr.contains(part),
                "{words:?}: {part}: {}",
                output.stderr
            );
        }
    }
}

#[test]
fn flags_about_programs_stand_beside_targets_where_there_is_a_program() {
    for words in [
        "--check-config --target=/a=h:1 --passstderr --workdir=/ cat",
        "--check-config --target=h:1 --limits=nofile=100 --route=/a=cat",
        "--check-config --target=h:1 --cgidir=. --workdir=/",
    ] {
        let output = run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(0), "{words}: {output:?}");
    }
}

#[test]
fn keys_of_a_file_are_located() {
    for (text, place, part) in [
        ("\ntarget = 'localhost'\n", ":2: target: ", "HOST:PORT"),
        (
            "target = ['/a=h:1',\n'/b=h']\n",
            ":2: target: ",
            "HOST:PORT",
        ),
        (
            "target-map = '/nonexistent'\n",
            ":1: target-map: ",
            "No such file",
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 'h'\n",
            ":3: route.target: ",
            "HOST:PORT",
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 3\n",
            ":3: route.target: ",
            "expected a string",
        ),
        (
            "[[route]]\npath = '/a'\ntarget-map = '/x'\n",
            ":3: route.target-map: ",
            "No such file",
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 'h:1'\ncommand = 'cat'\n",
            ":1: route: ",
            "exclude each other",
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 'h:1'\nuser = 'root'\n",
            ":4: route.user: ",
            "has a target",
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 'h:1'\ntarget-timeout = 0\n",
            ":4: route.target-timeout: ",
            "more than 0",
        ),
        ("[[route]]\npath = '/a'\n", ":1: route: ", "'target'"),
    ] {
        let output = Gateway::new().args(["--check-config"]).file(text).output();
        assert_eq!(output.code, Some(2), "{text}: {output:?}");
        assert!(
            output.stderr.contains(place) && output.stderr.contains(part),
            "{text}: {}",
            output.stderr
        );
    }
}

#[test]
fn route_has_a_target_of_its_own_and_is_none_of_the_tops() {
    let (top, own) = (Target::echo(), Target::listen());
    let text = format!(
        "target = '{}'\ntarget-timeout = '5s'\n[[route]]\npath = '/program'\ncommand = 'echo program'\n\
         [[route]]\npath = '/own'\ntarget = '{}'\nframing = 'lines'\ntarget-proxy-protocol = 'v1'\n\
         [[route]]\npath = '/map'\ntarget-map = 'DIR/map'\ntarget-token = 'path'\n",
        top.address(),
        own.address(),
    );
    let gateway = Gateway::new().file(&text);
    fs::write(
        gateway.directory().join("map"),
        format!("one: {}\n", top.address()),
    )
    .expect("a file");
    let server = gateway.start();
    assert_eq!(server.text("/program"), "program");
    let mut client = server.connect();
    client.send("top");
    assert_eq!(client.binary(), b"top");
    let mut client = server.connect_to("/map/one");
    client.send("map");
    assert_eq!(client.binary(), b"map");
    let mut client = server.connect_to("/own");
    let mut end = own.accept();
    client.send("line");
    let mut expected = crate::support::target::read_bytes(&mut end, 11);
    while !expected.ends_with(b"line\n") {
        expected.extend(crate::support::target::read_bytes(&mut end, 1));
    }
    assert!(
        expected.starts_with(b"PROXY TCP4 "),
        "{}",
        expected.escape_ascii()
    );
}

#[test]
fn doctor_connects_once_and_tells_what_a_session_takes() {
    let target = Target::echo();
    let output = run(&["--doctor", &target.flag()]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let first = format!("Target: tcp:{}\n  connected to in ", target.address());
    assert!(output.stdout.starts_with(&first), "{}", output.stdout);
    assert!(
        output
            .stdout
            .contains("A session takes 2 descriptors of wsd, 16 KiB"),
        "{}",
        output.stdout
    );
    let output = run(&["--doctor", "--target=127.0.0.1:1"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output
            .stderr
            .contains("127.0.0.1:1 cannot be reached: Connection refused"),
        "{output:?}"
    );
}

#[test]
fn open_session_is_shown_with_its_target_and_without_its_token() {
    let target = Target::echo();
    let gateway = Gateway::with("--admin=127.0.0.1:0 --log-format=json").file("");
    let map = gateway.directory().join("map");
    fs::write(&map, format!("SECRET: {}\n", target.address())).expect("a file");
    let mut server = gateway
        .args([format!("--target-map={}", map.display())])
        .start();
    let line = server.wait_for_line("telling operators");
    let port = line.split("http://127.0.0.1:").nth(1).expect("a port");
    let port: u16 = port
        .split('/')
        .next()
        .expect("a port")
        .parse()
        .expect("a number");
    let client = server.connect_to("/?token=SECRET");
    let started = server.wait_for_line("session started");
    let started: serde_json::Value = serde_json::from_str(&started).expect("JSON");
    assert_eq!(started["target"], "access", "{started}");
    assert_eq!(started["connected_to"], format!("tcp:{}", target.address()));
    let request = "GET /sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (_, _, body) = http(([127, 0, 0, 1], port).into(), request);
    let text = String::from_utf8(body).expect("text");
    let sessions: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(sessions[0]["target"], format!("tcp:{}", target.address()));
    assert!(sessions[0]["pid"].is_null());
    assert!(!text.contains("SECRET"), "{text}");
    client.close();
}
