//! One program for many clients: who joins it, what it is told of them, what operators see.

use std::fs;

use crate::support::{
    Client, Gateway, Server, eventually,
    operators::{ask, figures, sessions, start},
    script,
};

/// What a program says when it is told so.
const ECHO_NAME: &str = r#"while read -r line; do echo "$ROOM: $line"; done"#;

fn share(words: &str, program: &str) -> Server {
    Gateway::with(words).program(program).start()
}

/// Members of one program, each of whom has heard that all of them are there.
fn crowd<const N: usize>(server: &Server) -> [Client; N] {
    let mut clients: [Client; N] = std::array::from_fn(|_| server.connect());
    clients[N - 1].send("all are here");
    for client in &mut clients {
        while client.text() != "all are here" {}
    }
    clients
}

#[test]
fn what_one_says_all_hear_from_the_one_program() {
    let server = Gateway::with("--share cat").start();
    let mut clients = crowd::<3>(&server);
    assert_eq!(server.children().len(), 1);
    clients[0].send("one");
    clients[2].send("two");
    for client in &mut clients {
        let mut heard = [client.text(), client.text()];
        heard.sort();
        assert_eq!(heard, ["one", "two"]);
    }
}

#[test]
fn members_hear_one_order() {
    let server = Gateway::with("--share cat").start();
    let mut clients = crowd::<3>(&server);
    for round in 0..100 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.send(&format!("{index}:{round}"));
        }
    }
    let heard = clients.each_mut().map(|client| {
        let texts = std::iter::repeat_with(|| client.text());
        texts.take(300).collect::<Vec<_>>()
    });
    assert!(heard[0] == heard[1] && heard[1] == heard[2]);
    let of_first: Vec<_> = heard[0]
        .iter()
        .filter(|text| text.starts_with("0:"))
        .collect();
    let expected: Vec<_> = (0..100).map(|round| format!("0:{round}")).collect();
    assert_eq!(of_first, expected.iter().collect::<Vec<_>>());
}

#[test]
fn environment_has_nothing_of_who_came_first() {
    let program = "env; echo .; exec cat";
    let server = share("--share --env=GREETING=hello", program);
    let mut client = Client::connect(server.address, "/a?b", &["X-Secret: 1", "Cookie: c=d"]);
    let mut variables = Vec::new();
    loop {
        match client.text() {
            text if text == "." => break,
            text => variables.push(text),
        }
    }
    for variable in [
        "GREETING=hello",
        "WSD_SHARE=plain",
        "GATEWAY_INTERFACE=CGI/1.1",
        "SCRIPT_NAME=",
    ] {
        assert!(
            variables.iter().any(|found| found == variable),
            "{variable}: {variables:?}"
        );
    }
    for name in [
        "HTTP_",
        "REMOTE_",
        "QUERY_",
        "PATH_INFO",
        "UNIQUE_ID",
        "REQUEST_",
        "SERVER_P",
        "ROOM",
    ] {
        assert!(
            !variables.iter().any(|found| found.starts_with(name)),
            "{name}: {variables:?}"
        );
    }
}

#[test]
fn each_segment_has_a_program() {
    let server = share("--share --share-by=segment", ECHO_NAME);
    let mut blue = [
        server.connect_to("/blue"),
        server.connect_to("/blue/deeper?x"),
    ];
    let mut red = server.connect_to("/red%2D1");
    red.send("hi");
    assert_eq!(red.text(), "red-1: hi");
    blue[1].send("ho");
    for client in &mut blue {
        assert_eq!(client.text(), "blue: ho");
    }
    for path in [
        "/",
        "/a%20b",
        "/%C3%A9",
        "//x",
        &format!("/{}", "x".repeat(65)),
    ] {
        assert_eq!(server.status(path, &[]), 404, "{path}");
    }
}

#[test]
fn tagged_program_of_a_segment_is_told_the_path_behind_it() {
    let words = "--share=tagged --share-by=segment --join-env=SCRIPT_NAME,PATH_INFO,QUERY_STRING";
    let program = r#"while read -r line; do printf '*\t%s\n' "$SCRIPT_NAME $line"; done"#;
    let server = share(words, program);
    let mut client = server.connect_to("/blue/x/y?q");
    assert_eq!(
        client.text(),
        "/blue +1\tSCRIPT_NAME=/blue\tPATH_INFO=/x/y\tQUERY_STRING=q"
    );
}

#[test]
fn programs_by_segment_are_limited_and_one_without_members_yields() {
    let server = share("--share --share-by=segment --max-groups=1", ECHO_NAME);
    let mut first = server.connect_to("/one");
    let refused = server.ask("/two", &[]);
    assert_eq!(refused.status(), 503);
    assert!(
        refused
            .head
            .to_lowercase()
            .contains("\r\nretry-after: 1\r\n")
    );
    first.send("x");
    assert_eq!(first.text(), "one: x");
    first.close();
    eventually("the first has yielded", || {
        server.status("/two", &[]) == 101
    });
}

#[test]
fn members_are_limited() {
    let server = Gateway::with("--share --max-members=2 cat").start();
    let [first, mut second] = crowd(&server);
    let mut refused = server.ask("/", &[]);
    assert_eq!(refused.status(), 503);
    assert!(refused.head.to_lowercase().contains("\r\nretry-after: "));
    assert!(refused.body().contains("--max-members=2"));
    first.close();
    eventually("there is room again", || server.status("/", &[]) == 101);
    second.send("x");
    assert_eq!(second.text(), "x");
}

#[test]
fn shared_program_counts_once_however_many_members_it_has() {
    let server = Gateway::with("--share --maxforks=1 cat").start();
    crowd::<3>(&server);
}

#[test]
fn failed_start_is_an_answer_and_then_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = script(directory.path(), "program", "#!/bin/sh\nexec cat\n");
    let server = Gateway::new()
        .args(["--share", path.to_str().expect("text")])
        .start();
    fs::remove_file(&path).expect("it is there");
    assert_eq!(server.status("/", &[]), 500);
    let refused = server.ask("/", &[]);
    assert!(
        refused
            .head
            .to_lowercase()
            .contains("\r\nretry-after: 1\r\n"),
        "{}",
        refused.head
    );
    script(directory.path(), "program", "#!/bin/sh\nexec cat\n");
    eventually("it is started again", || server.status("/", &[]) == 101);
}

#[test]
fn files_of_a_directory_have_a_group_each() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["one", "two"] {
        let text = format!("#!/bin/sh\nwhile read -r line; do echo \"{name} $line\"; done\n");
        script(directory.path(), name, &text);
    }
    let words = [
        "--share".to_owned(),
        format!("--dir={}", directory.path().display()),
    ];
    let server = Gateway::new().args(words).start();
    let mut one = [server.connect_to("/one"), server.connect_to("/one/x")];
    let mut two = server.connect_to("/two");
    one[1].send("x");
    two.send("y");
    assert_eq!(two.text(), "two y");
    for client in &mut one {
        assert_eq!(client.text(), "one x");
    }
}

#[test]
fn who_comes_late_is_sent_the_last_messages_first() {
    let server = Gateway::with("--share --history=2 cat").start();
    let mut first = server.connect();
    for text in ["one", "two", "three"] {
        first.send(text);
        assert_eq!(first.text(), text);
    }
    let mut late = server.connect();
    first.send("four");
    assert_eq!(
        [late.text(), late.text(), late.text()],
        ["two", "three", "four"]
    );
}

#[test]
fn readonly_members_are_only_told() {
    let (mut server, admin) = start(&[
        "--share",
        "--readonly",
        "--history=9",
        "sh",
        "-c",
        "echo here; exec cat",
    ]);
    let mut client = server.connect();
    assert_eq!(client.text(), "here");
    client.send("nobody hears this");
    client.send_frame(true, crate::support::client::PING, b"x");
    assert_eq!(client.receive().opcode, crate::support::client::PONG);
    assert_eq!(
        figures(admin)["wsd_dropped_total{reason=\"readonly\"}"],
        1.0
    );
    client.close();
    let line = server.wait_for_line("session ended");
    assert!(
        line.contains("messages_in=1") && line.contains("messages_out=1"),
        "{line}"
    );
}

#[test]
fn chunks_and_lengths_are_shared_as_they_are() {
    let server = Gateway::with("--share --binary cat").start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send_binary(b"\xff\n\0");
    for client in &mut clients {
        assert_eq!(client.binary(), b"\xff\n\0");
    }
    let server = Gateway::with("--share --framing=length cat").start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("a\nb");
    clients[0].send_binary(b"\xff");
    for client in &mut clients {
        assert_eq!(client.text(), "a\nb");
        assert_eq!(client.binary(), b"\xff");
    }
}

#[test]
fn binary_message_to_lines_closes_its_sender_alone() {
    let server = Gateway::with("--share cat").start();
    let [mut first, mut second] = crowd(&server);
    first.send_binary(b"x");
    assert_eq!(first.closed().0, 1003);
    second.send("still here");
    assert_eq!(second.text(), "still here");
}

#[test]
fn rate_is_limited_by_reading_no_more() {
    let server = Gateway::with("--share --max-rate=5 cat").start();
    let mut client = server.connect();
    let begun = std::time::Instant::now();
    for number in 0..9 {
        client.send(&number.to_string());
    }
    for number in 0..9 {
        assert_eq!(client.text(), number.to_string());
    }
    // Five at once, and then one each fifth of a second.
    assert!(begun.elapsed().as_millis() >= 800);
}

#[test]
fn operators_see_groups_and_members_and_can_end_one() {
    let (server, admin) = start(&["--share", "--route=/chat=cat", "cat"]);
    let mut first = server.connect_to("/chat");
    let mut second = server.connect_to("/chat/deeper");
    second.send("x");
    assert_eq!([first.text(), second.text()], ["x", "x"]);
    let (status, rooms) = ask(admin, "GET", "/rooms");
    let rooms: serde_json::Value = serde_json::from_str(&rooms).expect("JSON");
    let expected = serde_json::json!([{"group": "/chat", "kind": "program", "members": 2}]);
    assert_eq!((status, rooms), (200, expected));
    let open = sessions(admin);
    assert_eq!(
        (&open[0]["group"], &open[0]["member"]),
        (&"/chat".into(), &1.into())
    );
    assert_eq!(
        (&open[1]["group"], &open[1]["member"]),
        (&"/chat".into(), &2.into())
    );
    let id = open[0]["id"].as_str().expect("an id");
    assert_eq!(ask(admin, "DELETE", &format!("/sessions/{id}")).0, 202);
    assert_eq!(first.closed().0, 1001);
    second.send("y");
    assert_eq!(second.text(), "y");
}

#[test]
fn groups_and_deliveries_are_counted() {
    let (server, admin) = start(&["--share", "cat"]);
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("abc");
    for client in &mut clients {
        assert_eq!(client.text(), "abc");
    }
    let found = figures(admin);
    for (name, value) in [
        ("wsd_groups_open{kind=\"program\"}", 1.0),
        ("wsd_members_open", 2.0),
        ("wsd_members_total", 2.0),
        ("wsd_group_starts_total", 1.0),
        ("wsd_group_respawns_total", 0.0),
        ("wsd_deliveries_total", 2.0),
        ("wsd_delivery_bytes_total", 6.0),
        ("wsd_messages_total{direction=\"in\"}", 1.0),
        ("wsd_messages_total{direction=\"out\"}", 2.0),
        ("wsd_sessions_open{transport=\"websocket\"}", 2.0),
        ("wsd_dropped_total{reason=\"slow\"}", 0.0),
        ("wsd_slow_members_total{policy=\"close\"}", 0.0),
        ("wsd_ticks_skipped_total", 0.0),
    ] {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
    clients.into_iter().for_each(Client::close);
    eventually("they have left", || {
        figures(admin)["wsd_members_open"] == 0.0
    });
}
