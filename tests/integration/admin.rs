//! What operators are told: health, readiness, figures, sessions.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
};

use serde_json::Value;

use crate::support::{
    Gateway, Signal, eventually, http,
    installed::skip,
    operators::{ask, figures, sessions, start},
    own_address, run,
};

#[test]
fn health_check_by_options_is_answered() {
    let (_server, admin) = start(&["cat"]);
    for (target, status, allow) in [
        ("/", 204, Some("GET, HEAD, OPTIONS")),
        ("/readyz", 204, Some("GET, HEAD, OPTIONS")),
        ("/sessions/x", 204, Some("DELETE, OPTIONS")),
        ("*", 204, Some("GET, HEAD, POST, DELETE, OPTIONS")),
        ("/nothing", 404, None),
    ] {
        // As HAProxy's `option httpchk` asks: without a Host.
        let request = format!("OPTIONS {target} HTTP/1.0\r\n\r\n");
        let (found, headers, _) = http(admin, &request);
        let allowed = headers.get("allow").map(String::as_str);
        assert_eq!((found, allowed), (status, allow), "{target}");
    }
    let named = "OPTIONS / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(http(admin, named).0, 403);
}

#[test]
fn server_is_healthy_and_ready() {
    let (server, admin) = start(&["cat"]);
    assert_eq!(ask(admin, "GET", "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(ask(admin, "GET", "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(ask(admin, "HEAD", "/readyz"), (200, String::new()));
    assert_eq!(ask(admin, "POST", "/readyz").0, 405);
    assert!(ask(admin, "GET", "/").1.contains("/metrics"));
    assert_eq!(ask(admin, "GET", "/nothing").0, 404);
    // Nothing of it on the public address.
    assert_eq!(server.get("/healthz").0, 426);
}

#[test]
fn full_server_is_not_ready() {
    let (server, admin) = start(&["--maxforks=1", "cat"]);
    let client = server.connect();
    assert_eq!(ask(admin, "GET", "/readyz"), (503, "full\n".to_owned()));
    client.close();
    eventually("it is ready again", || {
        ask(admin, "GET", "/readyz").0 == 200
    });
}

#[test]
fn server_that_drains_is_alive_and_not_ready_and_tells_of_its_sessions() {
    let (mut server, admin) = start(&[
        "sh",
        "-c",
        "cat; echo draining; read never < /dev/null; sleep 60",
    ]);
    let mut client = server.connect();
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "draining");
    assert_eq!(ask(admin, "GET", "/readyz"), (503, "draining\n".to_owned()));
    assert_eq!(ask(admin, "GET", "/healthz").0, 200);
    assert_eq!(sessions(admin).len(), 1);
    assert_eq!(server.insist(Signal::TERM).code(), Some(143));
}

#[test]
fn delay_before_a_drain_serves_as_ever_but_is_not_ready() {
    let (mut server, admin) = start(&["--drain-delay=60", "cat"]);
    server.signal(Signal::TERM);
    eventually("it leaves", || ask(admin, "GET", "/readyz").0 == 503);
    let mut client = server.connect();
    client.send("still served");
    assert_eq!(client.text(), "still served");
    assert_eq!(server.insist(Signal::TERM).code(), Some(143));
}

#[test]
fn figures_tell_what_happened() {
    let (server, admin) = start(&["--route=/exit=sh -c 'exit 3'", "cat"]);
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(server.connect_to("/exit").closed().0, 4003);
    let foreign = ["Origin: http://evil.example"];
    assert_eq!(server.status("/", &foreign), 403);
    eventually("a session has ended", || {
        figures(admin).contains_key("wsd_session_closes_total{code=\"4003\"}")
    });
    let before = figures(admin);
    for (name, value) in [
        ("wsd_sessions_open{transport=\"websocket\"}", 1.0),
        ("wsd_sessions_total{transport=\"websocket\"}", 2.0),
        ("wsd_session_closes_total{code=\"4003\"}", 1.0),
        ("wsd_program_exits_total{status=\"3\"}", 1.0),
        ("wsd_refusals_total{reason=\"origin\"}", 1.0),
        ("wsd_messages_total{direction=\"in\"}", 1.0),
        ("wsd_messages_total{direction=\"out\"}", 1.0),
        ("wsd_message_bytes_total{direction=\"in\"}", 5.0),
        ("wsd_spawn_seconds_count", 2.0),
        ("wsd_session_seconds_count", 1.0),
        (
            "wsd_http_requests_total{code=\"101\",handler=\"program\"}",
            2.0,
        ),
        (
            "wsd_http_requests_total{code=\"403\",handler=\"program\"}",
            1.0,
        ),
    ] {
        assert_eq!(before.get(name), Some(&value), "{name}: {before:?}");
    }
    assert!(before["process_resident_memory_bytes"] > 1e6);
    client.close();
    eventually("the other has ended", || {
        figures(admin)["wsd_sessions_open{transport=\"websocket\"}"] == 0.0
    });
    // What it has carried still counts.
    assert_eq!(
        figures(admin)["wsd_message_bytes_total{direction=\"out\"}"],
        5.0
    );
}

#[test]
fn time_in_which_a_client_does_not_read_is_backpressure() {
    const OUT: &str = "wsd_backpressure_seconds_total{direction=\"out\"}";
    let (server, admin) = start(&["yes"]);
    // A server that has no processor for a while waits for nobody, and the next client shows it.
    eventually("the wait counts", || {
        let client = server.connect();
        eventually("the program waits", || {
            let before = figures(admin)["wsd_messages_total{direction=\"out\"}"];
            std::thread::sleep(std::time::Duration::from_millis(100));
            before == figures(admin)["wsd_messages_total{direction=\"out\"}"]
        });
        // Its end is the end of the wait, too.
        client.reset();
        eventually("the session is over", || {
            figures(admin)["wsd_sessions_open{transport=\"websocket\"}"] == 0.0
        });
        figures(admin)[OUT] > 0.05
    });
}

#[test]
fn sessions_are_listed_and_can_be_ended() {
    let (server, admin) = start(&["sh", "-c", "cat; echo bye"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    first.send("hello");
    assert_eq!(first.text(), "hello");
    let open = sessions(admin);
    assert_eq!(open.len(), 2);
    assert_eq!(open[0]["messages_in"], 1);
    assert_eq!(open[0]["bytes_out"], 5);
    assert_eq!(open[0]["uri"], "/");
    assert!(open[0]["pid"].as_u64().is_some_and(|pid| pid > 1));
    let path = format!("/sessions/{}", open[0]["id"].as_str().expect("an id"));
    assert_eq!(ask(admin, "GET", &path).0, 405);
    let of_a_page = |origin: &str| {
        let head = format!("DELETE {path} HTTP/1.1\r\nHost: {admin}\r\nOrigin: {origin}\r\n");
        http(admin, &format!("{head}Connection: close\r\n\r\n")).0
    };
    assert_eq!(of_a_page("http://evil.example"), 403);
    assert_eq!(of_a_page("null"), 403);
    assert_eq!(ask(admin, "DELETE", &path).0, 202);
    // Its program has the last word.
    assert_eq!(first.text(), "bye");
    let reason = "the session was ended by the operator".to_owned();
    assert_eq!(first.closed(), (1001, reason));
    eventually("it is gone", || sessions(admin).len() == 1);
    assert_eq!(ask(admin, "DELETE", &path).0, 404);
    second.send("untouched");
    assert_eq!(second.text(), "untouched");
}

#[test]
fn strangers_names_are_refused() {
    let (_server, admin) = start(&["cat"]);
    let request = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(http(admin, request).0, 403);
}

#[test]
fn operators_can_ask_through_a_unix_socket() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("admin");
    let flag = format!("--admin=unix:{}", path.display());
    let mut server = Gateway::new().args([&flag, "cat"]).start();
    server.wait_for_line("telling operators");
    let mut stream = UnixStream::connect(&path).expect("it listens");
    let request = b"GET /healthz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"),
        "{answer}"
    );
}

#[test]
fn address_that_is_none_is_an_error() {
    for (word, part) in [
        ("--admin=9000", "ADDRESS:PORT"),
        ("--admin=localhost:x", "a port"),
        ("--admin=1.2.3:80", "IP address"),
        ("--admin=unix:", "a path"),
    ] {
        let output = run(&[word, "cat"]);
        let first = output.stderr.lines().next().expect("a message");
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(first.contains("--admin") && first.contains(part), "{first}");
    }
}

#[test]
fn dashboard_shows_figures_that_there_are() {
    let (server, admin) = start(&["sh", "-c", "exit 1"]);
    server.connect().closed();
    assert_eq!(server.status("/", &["Origin: http://evil"]), 403);
    eventually("the session has ended", || {
        figures(admin)["wsd_sessions_open{transport=\"websocket\"}"] == 0.0
    });
    let figures = figures(admin);
    let text = std::fs::read_to_string("examples/monitoring/dashboard.json").expect("a file");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"));
    for target in targets {
        let expression = target["expr"].as_str().expect("an expression");
        let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
        let name = expression.split(|character| !is_name(character));
        let mut names =
            name.filter(|word| word.starts_with("wsd_") || word.starts_with("process_"));
        let name = names.next().expect(expression);
        let is_there = |figure: &String| figure.split('{').next() == Some(name);
        assert!(figures.keys().any(is_there), "{name} of {expression}");
    }
}

/// promtool is part of Prometheus; it checks names, units and texts.
#[test]
fn promtool_finds_nothing_wrong_with_the_figures() {
    let (server, admin) = start(&["cat"]);
    server.connect().close();
    let (_, text) = ask(admin, "GET", "/metrics");
    let mut command = std::process::Command::new("promtool");
    command.args(["check", "metrics"]);
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut promtool = command
        .spawn()
        .expect("promtool, of Debian's package prometheus");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn who_asks_from_elsewhere_changes_nothing() {
    let Some(own) = own_address() else {
        return skip("clients from elsewhere: this machine has no address but loopback ones");
    };
    let mut server = Gateway::with("--admin=0.0.0.0:0 --room=/chat cat").start();
    let line = server.wait_for_line("telling operators");
    let port = line.rsplit(':').next().expect("a port");
    let port: u16 = port.trim_end_matches('/').parse().expect("a number");
    let elsewhere = SocketAddr::new(own, port);
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    let _client = server.connect();
    let id = sessions(here)[0]["id"].as_str().expect("an id").to_owned();
    let session = format!("/sessions/{id}");
    assert_eq!(ask(elsewhere, "GET", "/rooms").0, 200);
    for (method, path) in [("DELETE", &*session), ("POST", "/rooms/chat/x")] {
        let (status, text) = ask(elsewhere, method, path);
        assert_eq!(status, 403, "{method}: {text}");
    }
    assert_eq!(ask(here, "POST", "/rooms/chat/x").0, 204);
    assert_eq!(ask(here, "DELETE", &session).0, 202);
}
