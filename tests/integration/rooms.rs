//! Rooms without a program: who is in which, and what is said reaches whom.

use std::{net::SocketAddr, thread};

use serde_json::{Value, json};

use crate::support::{
    Client, Gateway, Server, Signal, address_in,
    client::{BINARY, CLOSE, RawFrame, TEXT},
    eventually,
    http::http,
    operators::{ask, figures, sessions, start},
};

/// Members of one room, each of whom has heard that all of them are there.
fn crowd<const N: usize>(server: &Server, room: &str) -> [Client; N] {
    let mut clients: [Client; N] = std::array::from_fn(|_| server.connect_to(room));
    clients[N - 1].send("all are here");
    for client in &mut clients {
        while client.text() != "all are here" {}
    }
    clients
}

/// What operators see of groups.
fn groups(admin: SocketAddr) -> Value {
    let (status, text) = ask(admin, "GET", "/rooms");
    assert_eq!(status, 200);
    serde_json::from_str(&text).expect("an array")
}

/// The status of a POST with a body.
fn post(admin: SocketAddr, path: &str, headers: &str, body: &[u8]) -> u16 {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {admin}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    post_raw(admin, &[head.as_bytes(), body].concat())
}

fn post_raw(admin: SocketAddr, request: &[u8]) -> u16 {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    let mut stream = TcpStream::connect(admin).expect("a connection");
    stream.write_all(request).expect("the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).expect("a status");
    status.parse().expect("a number")
}

#[test]
fn what_one_says_all_in_the_room_hear_and_nobody_else() {
    let server = Gateway::with("--room=/chat").start();
    let mut blue = crowd::<3>(&server, "/chat/blue");
    let mut red = crowd::<2>(&server, "/chat/red");
    assert!(server.children().is_empty());
    blue[1].send("hi");
    red[0].send("ho");
    for client in &mut blue {
        assert_eq!(client.text(), "hi");
    }
    for client in &mut red {
        assert_eq!(client.text(), "ho");
    }
}

#[test]
fn members_hear_one_order() {
    let server = Gateway::with("--room=/ --max-rate=0").start();
    let mut clients = crowd::<4>(&server, "/x");
    thread::scope(|scope| {
        for (index, client) in clients.iter_mut().enumerate() {
            scope
                .spawn(move || (0..100).for_each(|round| client.send(&format!("{index}:{round}"))));
        }
    });
    let heard = clients.each_mut().map(|client| {
        let texts = std::iter::repeat_with(|| client.text());
        texts.take(400).collect::<Vec<_>>()
    });
    assert!(heard.iter().all(|texts| *texts == heard[0]));
    for index in 0..4 {
        let own = format!("{index}:");
        let said = heard[0].iter().filter_map(|text| text.strip_prefix(&own));
        let expected = (0..100).map(|round| round.to_string());
        assert!(said.eq(expected), "{index}");
    }
}

#[test]
fn path_of_rooms_itself_says_that_they_are_beneath() {
    let directory = tempfile::TempDir::with_prefix("wsd-").expect("a directory");
    let files = format!("--staticdir={}", directory.path().display());
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for flags in [
        &["--room=/chat"][..],
        &["--room=/chat", &files],
        &["--room=/chat", "--plain-http"],
    ] {
        let server = Gateway::new().args(flags).start();
        let says = |path: &str, headers: &str| {
            let (status, _, body) = server.request("GET", path, headers);
            let body = String::from_utf8(body).expect("text");
            (status, body.contains("/chat/NAME"))
        };
        for path in ["/chat", "/chat/"] {
            assert_eq!(says(path, ""), (404, true), "{flags:?} {path}");
        }
        assert_eq!(
            says("/chat", "Accept: text/html\r\n"),
            (404, true),
            "{flags:?}"
        );
        // hyper wants a connection that is for an upgrade alone.
        let request = format!("GET /chat HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n");
        assert!(
            refusal(&server, &request).contains("/chat/NAME"),
            "{flags:?}"
        );
        let request = request.replace("/chat", "/chat/a%20b");
        assert!(!refusal(&server, &request).contains("NAME"), "{flags:?}");
    }
}

/// What a request is refused with, up to the end of the line that is its body.
fn refusal(server: &Server, request: &str) -> String {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = std::net::TcpStream::connect(server.address).expect("a connection");
    stream.write_all(request.as_bytes()).expect("the request");
    let mut lines = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("text"));
    let status = lines.next().expect("a status");
    assert!(status.contains(" 404 "), "{status}");
    lines
        .find(|line| line.is_empty())
        .expect("the end of the head");
    lines.next().expect("a body")
}

#[test]
fn path_is_that_of_a_room_or_of_nothing() {
    let server = Gateway::with("--room=/chat --room=/chat/deep cat").start();
    for (path, status) in [
        ("/chat/lobby", 101),
        ("/chat/me@home:1=2~x_y-z.", 101),
        ("/chat/%61", 101),
        ("/chat", 404),
        ("/chat/", 404),
        ("/chat/lobby/", 404),
        ("/chat/lobby/x", 404),
        ("/chat/a%20b", 404),
        ("/chat/%C3%A9", 404),
        ("/chat/a%2Ab", 404),
        // The longest path of rooms.
        ("/chat/deep", 404),
        ("/chat/deep/x", 101),
        ("/chats", 101),
        ("/", 101),
    ] {
        assert_eq!(server.status(path, &[]), status, "{path}");
    }
    let longest = format!("/chat/{}", "x".repeat(64));
    assert_eq!(server.status(&longest, &[]), 101);
    assert_eq!(server.status(&format!("{longest}x"), &[]), 404);
    assert!(server.status("/chat/%2E%2E", &[]) >= 400);
    // A plain request is told that there is a WebSocket.
    assert_eq!(server.get("/chat/lobby").0, 426);
    // One name, however it is spelt.
    let mut plain = server.connect_to("/chat/a");
    let mut encoded = server.connect_to("/chat/%61");
    encoded.send("x");
    assert_eq!([plain.text(), encoded.text()], ["x", "x"]);
}

#[test]
fn longest_path_has_the_room_be_it_a_program() {
    let server = Gateway::with("--room=/chat --route=/chat/bot=cat").start();
    let mut bots = [
        server.connect_to("/chat/bot"),
        server.connect_to("/chat/bot"),
    ];
    bots[0].send("mine");
    bots[1].send("yours");
    assert_eq!(bots.each_mut().map(|bot| bot.text()), ["mine", "yours"]);
    let mut room = crowd::<2>(&server, "/chat/bots");
    room[0].send("ours");
    assert_eq!(
        room.each_mut().map(|member| member.text()),
        ["ours", "ours"]
    );
}

#[test]
fn origin_is_checked_as_everywhere() {
    let server = Gateway::with("--room=/chat").start();
    let foreign = ["Origin: http://elsewhere.example"];
    assert_eq!(server.status("/chat/lobby", &foreign), 403);
}

#[test]
fn text_stays_text_and_binary_is_refused() {
    let mut server = Gateway::with("--room=/chat").start();
    let [mut speaker, mut other] = crowd::<2>(&server, "/chat/x");
    speaker.send("two\nlines\r\n");
    speaker.send("");
    for client in [&mut speaker, &mut other] {
        assert_eq!(client.text(), "two\nlines\r\n");
        assert_eq!(client.text(), "");
    }
    speaker.send_binary(b"x");
    let (code, reason) = speaker.closed();
    assert_eq!(code, 1003, "{reason}");
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=1003"), "{line}");
    other.send("on");
    assert_eq!(other.text(), "on");
}

#[test]
fn binary_room_carries_bytes_and_those_of_text() {
    let server = Gateway::with("--room=/chat --binary").start();
    let mut clients = [server.connect_to("/chat/x"), server.connect_to("/chat/x")];
    clients[0].send_binary(b"\xff\x00");
    clients[0].send("é");
    for client in &mut clients {
        for expected in [&b"\xff\x00"[..], "é".as_bytes()] {
            let frame = client.receive();
            assert_eq!((frame.opcode, &*frame.payload), (BINARY, expected));
        }
    }
}

#[test]
fn readonly_room_tells_and_does_not_listen() {
    let (server, admin) = start(&["--room=/news", "--readonly"]);
    let mut client = server.connect_to("/news/x");
    client.send("nobody hears this");
    client.send_frame(true, 9, b"ping");
    let pong = client.receive();
    assert_eq!((pong.opcode, &*pong.payload), (10, &b"ping"[..]));
    assert_eq!(post(admin, "/rooms/news/x", "", b"news"), 204);
    assert_eq!(client.text(), "news");
    assert_eq!(
        figures(admin)["wsd_dropped_total{reason=\"readonly\"}"],
        1.0
    );
    client.send_close(1000);
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn history_is_as_old_as_the_room() {
    let (server, admin) = start(&["--room=/news", "--history=2"]);
    assert_eq!(post(admin, "/rooms/news/x", "", b"to nobody"), 204);
    let mut first = server.connect_to("/news/x");
    for text in ["one", "two", "three"] {
        first.send(text);
        assert_eq!(first.text(), text);
    }
    let mut late = server.connect_to("/news/x");
    assert_eq!([late.text(), late.text()], ["two", "three"]);
    late.send("four");
    assert_eq!([first.text(), late.text()], ["four", "four"]);
    drop((first, late));
    eventually("the room is gone", || groups(admin) == json!([]));
    let mut anew = server.connect_to("/news/x");
    anew.send("five");
    assert_eq!(anew.text(), "five");
}

#[test]
fn room_is_there_while_it_has_members() {
    let (server, admin) = start(&["--room=/chat"]);
    assert_eq!(groups(admin), json!([]));
    let lobby = crowd::<2>(&server, "/chat/lobby");
    let other = server.connect_to("/chat/other");
    assert_eq!(
        groups(admin),
        json!([
            { "group": "/chat/lobby", "kind": "room", "members": 2 },
            { "group": "/chat/other", "kind": "room", "members": 1 },
        ])
    );
    let seen = figures(admin);
    assert_eq!(seen["wsd_groups_open{kind=\"room\"}"], 2.0);
    assert_eq!(seen["wsd_groups_open{kind=\"program\"}"], 0.0);
    assert_eq!(seen["wsd_members_open"], 3.0);
    // That all were there, to both.
    assert_eq!(seen["wsd_deliveries_total"], 2.0);
    assert_eq!(seen["wsd_delivery_bytes_total"], 24.0);
    assert!(seen.keys().any(|name| name.contains("handler=\"room\"")));
    other.close();
    eventually("it is gone", || {
        groups(admin).as_array().map(Vec::len) == Some(1)
    });
    drop(lobby);
    eventually("all are gone", || {
        let seen = figures(admin);
        seen["wsd_groups_open{kind=\"room\"}"] == 0.0 && seen["wsd_members_open"] == 0.0
    });
    assert_eq!(figures(admin)["wsd_members_total"], 3.0);
}

#[test]
fn session_knows_its_room_and_ends_as_any() {
    let (mut server, admin) = start(&["--room=/chat"]);
    let mut clients = crowd::<2>(&server, "/chat/lobby");
    let line = server.wait_for_line("session started");
    assert!(
        line.contains("group=/chat/lobby") || line.contains("group=\"/chat/lobby\""),
        "{line}"
    );
    let open = sessions(admin);
    let members: Vec<_> = open.iter().map(|session| &session["member"]).collect();
    assert_eq!(members, [&json!(1), &json!(2)]);
    assert!(open.iter().all(|session| session["group"] == "/chat/lobby"));
    let id = open[0]["id"].as_str().expect("an id");
    assert_eq!(ask(admin, "DELETE", &format!("/sessions/{id}")).0, 202);
    assert_eq!(clients[0].closed().0, 1001);
    clients[1].send("alone");
    assert_eq!(clients[1].text(), "alone");
}

#[test]
fn room_takes_no_place_of_programs_and_has_a_limit_of_its_own() {
    let server = Gateway::with("--room=/chat --maxforks=1 --max-members=2 cat").start();
    let _program = server.connect();
    let lobby = crowd::<2>(&server, "/chat/lobby");
    let refused = server.ask("/chat/lobby", &[]);
    assert_eq!(refused.status(), 503);
    assert!(refused.head.to_lowercase().contains("retry-after: "));
    assert_eq!(server.status("/chat/other", &[]), 101);
    drop(lobby);
    eventually("there is room", || server.status("/chat/lobby", &[]) == 101);
}

#[test]
fn who_speaks_too_fast_is_read_later_and_loses_nothing() {
    let server = Gateway::with("--room=/chat --max-rate=50").start();
    let [mut speaker, mut other] = crowd::<2>(&server, "/chat/x");
    (0..150).for_each(|number| speaker.send(&number.to_string()));
    for number in 0..150 {
        assert_eq!(other.text(), number.to_string());
    }
}

#[test]
fn stalled_member_loses_the_oldest_and_delays_nobody() {
    let (server, admin) = start(&["--room=/chat", "--max-rate=0", "--member-queue=65536"]);
    let mut stalled = server.connect_to("/chat/x");
    let mut speaker = server.connect_to("/chat/x");
    let long = "x".repeat(64 * 1024);
    let mut number = 0;
    while figures(admin)["wsd_dropped_total{reason=\"slow\"}"] < 10.0 {
        for _ in 0..10 {
            speaker.send(&format!("{number} {long}"));
            assert!(speaker.text().starts_with(&format!("{number} ")));
            number += 1;
        }
    }
    speaker.send("done");
    assert_eq!(speaker.text(), "done");
    let mut last = None;
    loop {
        let frame = stalled.receive();
        assert_eq!(frame.opcode, TEXT);
        let text = String::from_utf8(frame.payload).expect("text");
        if text == "done" {
            break;
        }
        let number: usize = text
            .split(' ')
            .next()
            .expect("a word")
            .parse()
            .expect("a number");
        assert!(last < Some(number));
        last = Some(number);
    }
    let slow = &figures(admin)["wsd_slow_members_total{policy=\"drop\"}"];
    assert_eq!(*slow, 1.0);
}

#[test]
fn slow_member_is_closed_where_it_is_said_so() {
    let (mut server, admin) = start(&["--room=/chat", "--max-rate=0", "--slow=close"]);
    let mut stalled = server.connect_to("/chat/x");
    let mut speaker = server.connect_to("/chat/x");
    let all = sessions(admin);
    let session = all.iter().find(|session| session["member"] == 1);
    let id = session.expect("it is there")["id"].clone();
    let long = "x".repeat(256 * 1024);
    while figures(admin)["wsd_slow_members_total{policy=\"close\"}"] == 0.0 {
        for _ in 0..10 {
            speaker.send(&long);
            assert_eq!(speaker.text().len(), long.len());
        }
    }
    let line = server.wait_for_line("too slow");
    let parts = [&format!("session{{id={id}}}"), "group=\"/chat/x\" member=1"];
    assert!(parts.iter().all(|part| line.contains(*part)), "{line}");
    loop {
        let frame = stalled.receive();
        if frame.opcode == CLOSE {
            assert_eq!(frame.payload, b"\x03\xf5too slow");
            break;
        }
    }
    speaker.send("alone");
    assert_eq!(speaker.text(), "alone");
}

#[test]
fn members_come_and_go_while_others_speak() {
    let (server, admin) = start(&["--room=/chat", "--max-rate=0"]);
    let mut speaker = server.connect_to("/chat/x");
    for round in 0..100 {
        let mut visitor = server.connect_to("/chat/x");
        speaker.send(&round.to_string());
        assert_eq!(speaker.text(), round.to_string());
        assert_eq!(visitor.text(), round.to_string());
        match round % 3 {
            0 => visitor.reset(),
            1 => visitor.close(),
            _ => drop(visitor),
        }
    }
    eventually("one is left", || figures(admin)["wsd_members_open"] == 1.0);
}

#[test]
fn stop_closes_members_as_going_away() {
    let mut server = Gateway::with("--room=/chat").start();
    let mut clients = crowd::<2>(&server, "/chat/x");
    clients[0].send("last");
    assert_eq!([clients[0].text(), clients[1].text()], ["last", "last"]);
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.closed().0, 1001);
    }
    assert!(server.wait().success());
}

#[test]
fn operator_speaks_in_a_room() {
    let (server, admin) = start(&["--room=/chat", "--room=/", "--maxframesize=10"]);
    let mut client = server.connect_to("/chat/lobby");
    let mut top = server.connect_to("/lobby");
    assert_eq!(post(admin, "/rooms/chat/lobby", "", "né".as_bytes()), 204);
    assert_eq!(client.text(), "né");
    assert_eq!(post(admin, "/rooms/lobby", "", b"top"), 204);
    assert_eq!(top.text(), "top");
    // Nobody is there, and that is no error.
    assert_eq!(post(admin, "/rooms/chat/nobody", "", b"x"), 204);
    for (path, headers, body, status) in [
        ("/rooms/chat/lobby", "", &b"12345678901"[..], 413),
        ("/rooms/chat/lobby", "", b"\xff", 400),
        (
            "/rooms/chat/lobby",
            "Origin: http://elsewhere.example\r\n",
            b"x",
            403,
        ),
        // It is where the rooms are that have the longer path.
        ("/rooms/chat", "", b"x", 404),
        ("/rooms/chat/lobby/deep", "", b"x", 404),
        ("/rooms/chat/a%20b", "", b"x", 404),
        ("/rooms/", "", b"x", 404),
        ("/rooms", "", b"x", 405),
    ] {
        assert_eq!(post(admin, path, headers, body), status, "{path}");
    }
    let chunked =
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let head = format!("POST /rooms/chat/lobby HTTP/1.1\r\nHost: {admin}\r\n{chunked}");
    assert_eq!(post_raw(admin, head.as_bytes()), 204);
    assert_eq!(client.text(), "abcdef");
    assert_eq!(post(admin, "/rooms/chat/lobby", "", b""), 204);
    assert_eq!(client.text(), "");
    assert_eq!(ask(admin, "GET", "/rooms/chat/lobby").0, 405);
    let options =
        format!("OPTIONS /rooms/chat/lobby HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    let (status, headers, _) = http(admin, &options);
    assert_eq!(status, 204);
    assert_eq!(headers["allow"], "POST, OPTIONS");
}

#[test]
fn operator_speaks_bytes_in_a_binary_room_and_nowhere_without_one() {
    let (server, admin) = start(&["--room=/chat", "--binary", "cat"]);
    let mut client = server.connect_to("/chat/x");
    assert_eq!(post(admin, "/rooms/chat/x", "", b"\xff"), 204);
    assert_eq!(client.binary(), b"\xff");
    assert_eq!(post(admin, "/rooms/elsewhere/x", "", b"x"), 404);
    assert_eq!(post(admin, "/rooms/chat", "", b"x"), 404);
}

#[test]
fn compressed_room_reaches_who_compresses_and_who_does_not() {
    let server = Gateway::with("--room=/chat --compress").start();
    let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
    let mut compressed = Client::connect(server.address, "/chat/x", &offer);
    let answer = &compressed.head;
    assert!(answer.contains("server_no_context_takeover"), "{answer}");
    let mut plain = server.connect_to("/chat/x");
    let text = "again ".repeat(200);
    plain.send(&text);
    assert_eq!(plain.text(), text);
    let frame = RawFrame::read(&mut compressed.stream).expect("a frame");
    assert!(frame.payload.len() < text.len() / 2 && frame.first & 0x40 != 0);
}

#[test]
fn reload_keeps_the_room_and_gives_newcomers_its_new_terms() {
    let file = "room = ['/chat', '/other']\nmax-members = 9\n";
    let mut server = Gateway::with("--admin=127.0.0.1:0").file(file).start();
    let line = server.wait_for_line("telling operators");
    let admin = address_in(&line);
    let mut lobby = crowd::<2>(&server, "/chat/lobby");
    let mut other = crowd::<2>(&server, "/other/x");
    std::fs::write(server.config(), "room = '/chat'\nmax-members = 2\n").expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    lobby[0].send("still");
    assert_eq!(
        lobby.each_mut().map(|client| client.text()),
        ["still", "still"]
    );
    assert_eq!(server.status("/chat/lobby", &[]), 503);
    // Nobody new finds the other, and who is in it stays.
    assert_eq!(server.status("/other/x", &[]), 404);
    other[0].send("here");
    assert_eq!(
        other.each_mut().map(|client| client.text()),
        ["here", "here"]
    );
    assert_eq!(groups(admin).as_array().map(Vec::len), Some(2));
    drop(other);
    eventually("it is gone", || {
        groups(admin).as_array().map(Vec::len) == Some(1)
    });
}
