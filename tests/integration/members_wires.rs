//! Members whose clients come by different ways: what all are sent reaches each in one order, whoever writes it.

use crate::support::{
    Client, Gateway, Server, address_in,
    certificates::Authority,
    client::RawFrame,
    eventually,
    http2::Connection,
    operators::{figures, sessions, start},
    tls::{End, config, tunnel},
};

/// Messages of lengths that are sent in different ways.
const LENGTHS: [usize; 6] = [1, 20_000, 100, 9000, 30, 70_000];

fn text(number: usize) -> String {
    let length = LENGTHS[number % LENGTHS.len()];
    format!("{number} {}", "x".repeat(length))
}

/// A server in which members are by TLS, by HTTP/2, compressed, and none of that.
fn server(words: &[&str]) -> (Server, Authority, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    let flags = authority.issue(&["localhost"]);
    let flags = flags.write(directory.path(), "server");
    let tls = ["--ssl", &flags[0], &flags[1], "--ssl-optional"];
    let server = Gateway::with("--h2c --compress --pingms=0")
        .args([&tls, words].concat())
        .start();
    (server, authority, directory)
}

async fn hear_by_all_ways(words: &[&str], path: &'static str) {
    let (server, authority, _directory) = server(words);
    let by_http2 = Connection::plain(server.address).await;
    let mut by_http2 = by_http2.websocket(path).await;
    let speaking = std::thread::spawn(move || {
        let tls = tunnel(server.address, &config(authority.roots(), None), End::Said);
        let offer = ["Sec-WebSocket-Extensions: permessage-deflate"];
        let mut clients = [
            Client::connect(server.address, path, &[]),
            Client::connect(tls, path, &[]),
            Client::connect(server.address, path, &[]),
        ];
        let mut compressed = Client::connect(server.address, path, &offer);
        for round in 0..10 {
            for number in round * 10..(round + 1) * 10 {
                clients[0].send(&text(number));
            }
            for client in &mut clients {
                for number in round * 10..(round + 1) * 10 {
                    assert_eq!(client.text(), text(number));
                }
            }
            for _ in 0..10 {
                let frame = RawFrame::read(&mut compressed.stream).expect("a frame");
                assert!(frame.first & 0x0f == 1 && frame.payload.len() < 1000);
            }
        }
        server
    });
    for number in 0..100 {
        assert_eq!(by_http2.text().await, text(number));
    }
    speaking.join().expect("all hear all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn members_of_a_program_hear_the_same_by_all_ways() {
    hear_by_all_ways(&["--share", "--maxlinesize=0", "cat"], "/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn members_of_a_tagged_program_hear_the_same_by_all_ways() {
    let program = ["sed", "-un", "s/^[0-9][0-9]*/*/p"];
    let words = [&["--share=tagged", "--maxlinesize=0"][..], &program].concat();
    hear_by_all_ways(&words, "/").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn members_of_a_room_hear_the_same_by_all_ways() {
    hear_by_all_ways(&["--room=/chat", "--max-rate=0"], "/chat/x").await;
}

#[test]
fn who_reads_late_hears_all_that_it_has_room_for_in_order() {
    let program = "read -r line; seq -f '%.0f padding-padding-padding' 100000; cat";
    let server = Gateway::with("--share --pingms=0 --member-queue=100000000")
        .program(program)
        .start();
    let [mut late, mut reading] = [server.connect(), server.connect()];
    reading.send("go");
    for client in [&mut reading, &mut late] {
        for number in 1..=100_000 {
            assert_eq!(client.text(), format!("{number} padding-padding-padding"));
        }
    }
    late.send("both are there");
    assert_eq!(reading.text(), "both are there");
    assert_eq!(late.text(), "both are there");
}

#[test]
fn what_many_are_sent_counts_for_each_session() {
    let (server, admin) = start(&["--room=/chat", "--max-rate=0"]);
    let mut clients = [server.connect_to("/chat/x"), server.connect_to("/chat/x")];
    for _ in 0..50 {
        clients[0].send("four");
        for client in &mut clients {
            assert_eq!(client.text(), "four");
        }
    }
    eventually("all is counted", || {
        let sent = figures(admin)["wsd_messages_total{direction=\"out\"}"];
        let open = sessions(admin);
        let of_each = open.iter();
        let each: Vec<_> = of_each.map(|one| one["messages_out"].as_u64()).collect();
        sent == 100.0 && each == [Some(50), Some(50)]
    });
    drop(clients);
    eventually("it still counts", || {
        sessions(admin).is_empty()
            && figures(admin)["wsd_messages_total{direction=\"out\"}"] == 100.0
    });
}

#[test]
fn member_that_is_only_told_is_not_idle() {
    let program = "while sleep 0.3; do echo tick; done";
    let server = Gateway::with("--share --idle-timeout=1")
        .program(program)
        .start();
    let mut client = server.connect();
    for _ in 0..10 {
        assert_eq!(client.text(), "tick");
    }
}

#[test]
fn what_is_published_at_once_is_heard_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("rooms");
    let mut server = Gateway::with("--room=/chat --admin=127.0.0.1:0")
        .args(["--rooms-socket".as_ref(), socket.as_os_str()])
        .start();
    address_in(&server.wait_for_line("telling operators"));
    let mut clients = [server.connect_to("/chat/x"), server.connect_to("/chat/x")];
    let program = "seq 1000 | \"$0\" --rooms-socket \"$1\" --pub /chat/x";
    let status = std::process::Command::new("sh")
        .args(["-c", program, env!("CARGO_BIN_EXE_wsd")])
        .arg(&socket)
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    for client in &mut clients {
        for number in 1..=1000 {
            assert_eq!(client.text(), number.to_string());
        }
    }
}
