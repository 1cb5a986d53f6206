//! The lines of a tagged program: what it is told, and what comes of what it says.

use crate::support::{
    Client, Gateway,
    client::TEXT,
    operators::{ask, figures, sessions, start},
    puppet::{PUPPET, member, puppet},
};

#[test]
fn one_line_is_a_chat() {
    let server = Gateway::with("--share=tagged")
        .args(["sed", "-un", "s/^[0-9]/*!&/p"])
        .start();
    let mut clients: [Client; 3] = std::array::from_fn(|_| server.connect());
    clients[0].send("hello");
    assert_eq!(clients[1].text(), "hello");
    assert_eq!(clients[2].text(), "hello");
    clients[1].send("and you");
    assert_eq!(clients[0].text(), "and you");
}

#[test]
fn grep_echoes_to_each_alone() {
    let server = Gateway::with("--share=tagged")
        .args(["grep", "--line-buffered", "^[0-9]"])
        .start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("one");
    clients[1].send("two");
    assert_eq!(clients.each_mut().map(Client::text), ["one", "two"]);
}

#[test]
fn join_line_tells_who_has_come() {
    let mut server = Gateway::with("--share=tagged --subprotocol=chat")
        .program(PUPPET)
        .start();
    let headers = ["Sec-WebSocket-Protocol: chat"];
    let _client = Client::connect(server.address, "/a%09b%0B%C2%85c?q=%0A", &headers);
    let line = server.wait_for_line("told +1");
    let told = line
        .split("told ")
        .nth(1)
        .expect("it is told")
        .trim_end_matches('"');
    let fields: Vec<&str> = told.split('\t').collect();
    let expected = [
        "+1",
        "REMOTE_ADDR=127.0.0.1",
        "PATH_INFO=/a b  c",
        "QUERY_STRING=q=%0A",
        "WS_PROTOCOL=chat",
    ];
    assert_eq!(fields[..5], expected, "{line}");
    assert!(
        fields[5].starts_with("UNIQUE_ID=") && fields.len() == 6,
        "{line}"
    );
}

#[test]
fn join_line_has_the_variables_that_are_asked_for() {
    let mut server =
        Gateway::with("--share=tagged --join-env=HTTP_X_NAME,REMOTE_USER,REQUEST_METHOD")
            .program(PUPPET)
            .start();
    let _client = Client::connect(server.address, "/", &["X-Name: a\tb"]);
    let line = server.wait_for_line("told +1");
    assert!(
        line.contains("told +1\tHTTP_X_NAME=a b\tREQUEST_METHOD=GET"),
        "{line}"
    );
}

#[test]
fn leave_line_tells_how_each_has_gone() {
    let mut server = puppet("--maxframesize=100");
    member(&mut server, 1).close();
    server.wait_for_line("told -1\t1000");
    let mut second = member(&mut server, 2);
    second.send_frame(true, 8, b"\x0f\xa1a\tb\nc");
    server.wait_for_line("told -2\t4001 a b c");
    let mut third = member(&mut server, 3);
    third.send_frame(true, 8, b"");
    server.wait_for_line("told -3\t1005");
    member(&mut server, 4).reset();
    server.wait_for_line("told -4\t1006");
    let mut fifth = member(&mut server, 5);
    fifth.send(&"x".repeat(101));
    assert_eq!(fifth.closed().0, 1009);
    server.wait_for_line("told -5\t1009 ");
    let mut sixth = member(&mut server, 6);
    sixth.send_frame(true, TEXT, b"\xff");
    assert_eq!(sixth.closed().0, 1007);
    server.wait_for_line("told -6\t1007");
    let mut seventh = member(&mut server, 7);
    seventh.send_binary(b"x");
    assert_eq!(seventh.closed().0, 1003);
    server.wait_for_line("told -7\t1003");
    let mut eighth = member(&mut server, 8);
    eighth.send("!8\\t4002 told to");
    assert_eq!(eighth.closed(), (4002, "told to".to_owned()));
    server.wait_for_line("told -8\t4002 told to");
}

#[test]
fn session_that_an_operator_ends_leaves_with_1001() {
    let (mut server, admin) = start(&["--share=tagged", "sh", "-c", PUPPET]);
    let mut client = server.connect();
    server.wait_for_line("told +1");
    let id = sessions(admin)[0]["id"].as_str().expect("an id").to_owned();
    ask(admin, "DELETE", &format!("/sessions/{id}"));
    assert_eq!(client.closed().0, 1001);
    server.wait_for_line("told -1\t1001");
}

#[test]
fn leave_line_follows_all_that_was_said() {
    let mut server = puppet("");
    let mut client = member(&mut server, 1);
    for _ in 0..100 {
        client.send("7\\tx");
    }
    client.close();
    for _ in 0..100 {
        server.wait_for_line("told 1\t7\\tx");
    }
    let line = server.wait_for_line("told ");
    assert!(line.contains("told -1\t1000"), "{line}");
}

#[test]
fn every_line_of_a_message_has_its_address() {
    let mut server = puppet("");
    let mut client = member(&mut server, 1);
    client.send("a\n9\tforged\r8\tforged\u{2028}c\n");
    for line in [
        "told 1\ta",
        "told 1\t9\tforged",
        "told 1\t8\tforged",
        "told 1\tc",
        "told 1\t",
    ] {
        let told = server.wait_for_line("told ");
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn newlines_are_spaces_or_refused_where_that_is_said() {
    let mut server = puppet("--newline=space");
    let mut client = member(&mut server, 1);
    client.send("a\nb\r\nc\u{85}d");
    server.wait_for_line("told 1\ta b c d");
    let mut server = puppet("--newline=reject");
    let mut client = member(&mut server, 1);
    client.send("a\rb");
    assert_eq!(client.closed().0, 1008);
    server.wait_for_line("told -1\t1008");
}

#[test]
fn messages_go_to_whom_they_are_for() {
    let mut server = puppet("");
    let mut first = member(&mut server, 1);
    let mut second = member(&mut server, 2);
    let mut third = member(&mut server, 3);
    for said in [
        "*\\tall",
        "2\\ttwo",
        "3,1,3\\tone and three",
        "*!2\\tnot two",
        "1,2!1\\tonly two",
        "2\\ta\\tb\\r",
        "3\\t",
        "*!99\\tend",
    ] {
        first.send(said);
    }
    let heard = |client: &mut Client| {
        let mut texts = Vec::new();
        loop {
            match client.text() {
                text if text == "end" => return texts,
                text => texts.push(text),
            }
        }
    };
    assert_eq!(heard(&mut first), ["all", "one and three", "not two"]);
    assert_eq!(heard(&mut second), ["all", "two", "only two", "a\tb"]);
    assert_eq!(heard(&mut third), ["all", "one and three", "not two", ""]);
}

#[test]
fn rooms_have_members_until_they_leave() {
    let mut server = puppet("");
    let mut first = member(&mut server, 1);
    let mut second = member(&mut server, 2);
    for said in [
        "+1,2\\t#red",
        "#red\\tboth",
        "#red!1\\tsecond",
        "!2\\t#red",
        "#red\\tfirst",
        "+#red\\t#blue",
        "#blue\\tblue",
        "*\\tend",
    ] {
        first.send(said);
    }
    let mut heard = |count: usize| -> [Vec<String>; 2] {
        [(&mut first, count), (&mut second, 3)]
            .map(|(client, count)| (0..count).map(|_| client.text()).collect())
    };
    let [first, second] = heard(4);
    assert_eq!(first, ["both", "first", "blue", "end"]);
    assert_eq!(second, ["both", "second", "end"]);
}

#[test]
fn what_is_for_nobody_or_nothing_is_counted_and_the_program_goes_on() {
    let (mut server, admin) = start(&["--share=tagged", "sh", "-c", PUPPET]);
    let mut client = server.connect();
    server.wait_for_line("told +1");
    for said in ["7\\tx", "#red\\tx", "+7\\t#red", "!7", "1,7\\tone"] {
        client.send(said);
    }
    for said in [
        "stray print",
        "07\\tx",
        "-1\\t1000",
        "1\\ta\\n\\n+2\\tx",
        "!1\\t-1",
        "+1\\t#a b",
    ] {
        client.send(said);
    }
    assert_eq!([client.text(), client.text()], ["one", "a"]);
    client.send("*\\tend");
    assert_eq!(client.text(), "end");
    let found = figures(admin);
    assert_eq!(found["wsd_dropped_total{reason=\"gone\"}"], 5.0);
    assert_eq!(found["wsd_dropped_total{reason=\"malformed\"}"], 7.0);
    server.wait_for_line("malformed and goes to nobody: stray print");
}

#[test]
fn program_that_knows_nothing_of_tags_is_told_what_helps() {
    let mut server = Gateway::with("--share=tagged cat").start();
    let client = server.connect();
    server.wait_for_line("malformed and goes to nobody: +1\t");
    let remedy = server.wait_for_line("--share=plain");
    assert!(remedy.contains("'*' and a TAB"), "{remedy}");
    client.close();
    server.wait_for_line("malformed and goes to nobody: -1\t");
    assert_eq!(server.log().matches("--share=plain").count(), 1);
}

#[test]
fn malformed_lines_are_logged_ten_times_a_minute() {
    let program =
        "i=0; while [ $i -lt 100 ]; do echo stray; i=$((i+1)); done; printf '*\\tend\\n'; exec cat";
    let mut server = Gateway::with("--share=tagged").program(program).start();
    let mut client = server.connect();
    assert_eq!(client.text(), "end");
    client.close();
    server.wait_for_line("session ended");
    assert_eq!(server.log().matches("goes to nobody: stray").count(), 10);
}

#[test]
fn closed_member_gets_what_was_said_before_and_nothing_later() {
    let mut server = puppet("");
    let mut first = member(&mut server, 1);
    let mut second = member(&mut server, 2);
    first.send("1,2\\tbefore\\n!1\\t4000 bye\\n*\\tafter");
    assert_eq!(first.text(), "before");
    assert_eq!(first.closed(), (4000, "bye".to_owned()));
    assert_eq!([second.text(), second.text()], ["before", "after"]);
    server.wait_for_line("told -1\t4000 bye");
}

#[test]
fn frames_carry_any_bytes_behind_their_address() {
    // Each frame goes back as it came: to its sender.
    let server = Gateway::with("--share=tagged --framing=length cat").start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("a\nb\r\n");
    clients[1].send_binary(b"\xff\0\n");
    clients[1].send("");
    assert_eq!(clients[0].text(), "a\nb\r\n");
    assert_eq!(clients[1].binary(), b"\xff\0\n");
    assert_eq!(clients[1].text(), "");
}

#[test]
fn ticks_come_while_there_are_members_and_never_queue_up() {
    let (server, admin) = start(&[
        "--share=tagged",
        "--tick=5",
        "sh",
        "-c",
        // It reads its first tick, then waits for a message and does not read while it may have piled up.
        "while read -r line; do case $line in .) printf '*\\ttick\\n';; [0-9]*) sleep 1; printf '*\\tslept\\n';; esac; done",
    ]);
    let mut client = server.connect();
    assert_eq!(client.text(), "tick");
    client.send("sleep");
    while client.text() != "slept" {}
    assert!(figures(admin)["wsd_ticks_skipped_total"] > 0.0);
    assert_eq!(client.text(), "tick");
}
