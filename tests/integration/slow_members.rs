//! Members that take less than they are sent: what becomes of them, and that nobody else waits.

use crate::support::{
    Client, Server,
    client::CLOSE,
    eventually,
    operators::{figures, start},
};
use std::net::SocketAddr;

/// Prints so many numbered lines of a thousand bytes to all for each line that it reads, and says when that is done.
const FLOOD: &str = r#"while read -r line; do
    case $line in
        [0-9]*) awk -v n="${line#*	}" 'BEGIN { x = sprintf("%990s", ""); for (i = 1; i <= n; i++) printf "*\t%d %s\n", i, x }'
                printf '*\tdone\n' ;;
    esac
done"#;

/// More than a socket and a queue of a megabyte take together.
const MANY: usize = 20_000;

fn flood(slow: &str) -> (Server, SocketAddr) {
    start(&["--share=tagged", slow, "sh", "-c", FLOOD])
}

/// Reads messages on to `done`; the numbers in them.
fn numbers(client: &mut Client) -> Vec<usize> {
    let mut numbers = Vec::new();
    loop {
        let text = client.text();
        match text.split(' ').next().expect("a word").parse() {
            Ok(number) => numbers.push(number),
            Err(_) => return numbers,
        }
    }
}

#[test]
fn slow_member_is_closed_and_nobody_else_waits() {
    let (mut server, admin) = flood("--slow=close");
    let mut stalled = server.connect();
    let mut reading = server.connect();
    // Little enough at a time for who reads.
    for _ in 0..MANY / 500 {
        reading.send("500");
        assert_eq!(numbers(&mut reading), (1..=500).collect::<Vec<_>>());
    }
    server.wait_for_line("too slow");
    assert_eq!(
        figures(admin)["wsd_slow_members_total{policy=\"close\"}"],
        1.0
    );
    // It reads on in time: what was begun, and then why.
    loop {
        let frame = stalled.receive();
        if frame.opcode == CLOSE {
            assert_eq!(frame.payload, b"\x03\xf5too slow");
            break;
        }
    }
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=1013"), "{line}");
    reading.send("1");
    assert_eq!(numbers(&mut reading), [1]);
}

#[test]
fn slow_member_loses_the_oldest_messages_and_no_parts_of_them() {
    let (server, admin) = flood("--slow=drop");
    let mut stalled = server.connect();
    let mut reading = server.connect();
    reading.send(&MANY.to_string());
    assert_eq!(numbers(&mut reading).len(), MANY);
    let numbers = numbers(&mut stalled);
    assert!(
        numbers.len() < MANY && numbers.is_sorted(),
        "{}",
        numbers.len()
    );
    assert_eq!(numbers.last(), Some(&MANY));
    let dropped = figures(admin)["wsd_dropped_total{reason=\"slow\"}"];
    assert_eq!(dropped as usize, MANY - numbers.len());
    assert_eq!(
        figures(admin)["wsd_slow_members_total{policy=\"drop\"}"],
        1.0
    );
}

#[test]
fn slow_member_is_sent_the_latest_of_what_waits() {
    let (server, admin) = flood("--slow=latest");
    let mut stalled = server.connect();
    let mut reading = server.connect();
    reading.send(&MANY.to_string());
    let mut last = String::new();
    while !last.starts_with("done") {
        last = reading.text();
    }
    // Behind what the kernel had taken there is the newest alone.
    let mut numbers = Vec::new();
    loop {
        let text = stalled.text();
        match text.split(' ').next().expect("a word").parse::<usize>() {
            Ok(number) => numbers.push(number),
            Err(_) => break,
        }
    }
    assert!(numbers.is_sorted() && numbers.len() < MANY);
    assert!(figures(admin)["wsd_slow_members_total{policy=\"latest\"}"] >= 1.0);
}

#[test]
fn what_is_addressed_by_number_is_never_dropped() {
    let program = r#"while read -r line; do
        case $line in
            [0-9]*) awk 'BEGIN { x = sprintf("%990s", ""); for (i = 1; i <= 20000; i++) { printf "*\tall %s\n", x; if (i % 2000 == 0) printf "1\tone %d\n", i } }'
                    printf '*\tdone\n' ;;
        esac
    done"#;
    let (server, admin) = start(&["--share=tagged", "--slow=drop", "sh", "-c", program]);
    let mut stalled = server.connect();
    eventually("it has joined", || {
        figures(admin)["wsd_members_open"] == 1.0
    });
    let mut reading = server.connect();
    reading.send("go");
    while reading.text() != "done" {}
    let mut own = Vec::new();
    loop {
        match stalled.text() {
            text if text == "done" => break,
            text if text.starts_with("one ") => own.push(text),
            _ => {}
        }
    }
    let expected: Vec<_> = (1..=10).map(|n| format!("one {}", 2000 * n)).collect();
    assert_eq!(own, expected);
}
