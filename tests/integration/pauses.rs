//! A process that did not run for a while (SIGSTOP, a frozen container) holds that time against nobody: what has
//! come meanwhile is read, and what was taken is noticed, before somebody counts as gone.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread::sleep,
    time::Duration,
};

use crate::support::{
    Client, Gateway, PATIENCE, Signal,
    client::{PING, TEXT},
    eventually,
    http2::Connection,
    kill,
    line_client::LineClient,
    state,
};

/// Longer than the time limits of these tests.
const PAUSE: Duration = Duration::from_secs(3);

/// Stops a process for so long that its time limits pass, and does something meanwhile.
fn pause(pid: i32, meanwhile: impl FnOnce()) {
    kill(pid, Signal::STOP);
    eventually("it has stopped", || state(pid) == Some('T'));
    meanwhile();
    sleep(PAUSE);
    kill(pid, Signal::CONT);
}

/// The next text, whatever pings come before it.
fn text(client: &mut Client) -> String {
    loop {
        let frame = client.receive();
        match frame.opcode {
            PING => {}
            TEXT => return String::from_utf8(frame.payload).expect("text"),
            _ => panic!("{frame:?}"),
        }
    }
}

#[test]
fn messages_that_came_in_a_pause_are_echoed() {
    for flags in ["--pingms=1000", "--pingms=0 --idle-timeout=2"] {
        let server = Gateway::with(flags).args(["cat"]).start();
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..30 {
            // Nobody is silent for so long that it would be his end, however busy the machine is.
            clients.push(server.connect());
            for client in &mut clients {
                client.send("before");
                assert_eq!(text(client), "before", "{flags}");
            }
        }
        pause(server.pid(), || {
            for client in &mut clients {
                (0..100).for_each(|number| client.send(&number.to_string()));
            }
        });
        for client in &mut clients {
            (0..100).for_each(|number| assert_eq!(text(client), number.to_string(), "{flags}"));
        }
    }
}

#[test]
fn client_that_had_nothing_to_say_is_asked_once_more() {
    let server = Gateway::with("--pingms=1000 cat").start();
    let mut client = server.connect();
    pause(server.pid(), || {});
    assert_eq!(client.receive().opcode, PING);
    client.send("still here");
    assert_eq!(text(&mut client), "still here");
}

#[test]
fn client_that_took_what_waited_in_a_pause_may_go_on() {
    let server = Gateway::with("--write-timeout=2000 yes").start();
    let mut client = server.connect();
    assert_eq!(text(&mut client), "y");
    pause(server.pid(), || {
        let stream = &mut client.stream;
        let brief = Duration::from_millis(100);
        stream.set_read_timeout(Some(brief)).expect("a timeout");
        while stream.read(&mut [0; 65536]).is_ok() {}
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    });
    let mut more = vec![0; 2 << 20];
    client.stream.read_exact(&mut more).expect("it goes on");
}

#[test]
fn request_that_came_in_a_pause_is_answered() {
    let server = Gateway::with("--keepalive-timeout=2 --devconsole cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let ask = |stream: &mut TcpStream| {
        let request = b"HEAD /missing HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).expect("room");
    };
    let read_answer = |stream: &mut TcpStream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
    };
    ask(&mut stream);
    read_answer(&mut stream);
    pause(server.pid(), || ask(&mut stream));
    read_answer(&mut stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_on_a_stream_of_http2_that_came_in_a_pause_are_echoed() {
    let server = Gateway::with("--h2c --pingms=1000 cat").start();
    let connection = Connection::plain(server.address).await;
    let mut socket = connection.websocket("/").await;
    pause(server.pid(), || socket.send("meanwhile"));
    loop {
        let frame = socket.receive().await;
        if frame.opcode != PING {
            assert_eq!(
                (frame.opcode, &frame.payload[..]),
                (TEXT, &b"meanwhile"[..])
            );
            break;
        }
    }
}

#[test]
fn client_of_ours_reads_what_came_in_its_pause() {
    let server = Gateway::with("--pingms=0")
        .program("echo ready; sleep 1; echo late; exec cat")
        .start();
    let mut client = LineClient::connect(&server.url, &["--pingms=1000"]);
    assert_eq!(client.line(), "ready");
    pause(client.pid(), || {});
    assert_eq!(client.line(), "late");
    client.send("and on");
    assert_eq!(client.line(), "and on");
}
