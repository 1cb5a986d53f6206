//! Members that take less than they are sent: what becomes of them, and that nobody else waits.

use std::{io::ErrorKind, net::SocketAddr};

use crate::support::{
    Client, Gateway, Server,
    client::CLOSE,
    operators::{figures, start},
};

/// Prints as many lines of a thousand bytes to all as it is asked for, numbered on and on, and tells who asked when that is done.
const FLOOD: &str = r#"last=0; while read -r line; do
    case $line in
        [0-9]*) more=${line#*	}
                awk -v n="$last" -v m="$((last + more))" 'BEGIN { x = sprintf("%990s", ""); while (n++ < m) printf "*\t%d %s\n", n, x }'
                last=$((last + more))
                printf '%s\tdone\n' "${line%%	*}" ;;
    esac
done"#;

/// Little enough for a queue, so that who reads loses nothing; and so often that it is more than a socket and a queue
/// of a megabyte take together.
const ROUND: usize = 500;
const ROUNDS: usize = 40;

/// A server with a member that does not read, and another that does.
fn flood(slow: &str) -> (Server, SocketAddr, [Client; 2]) {
    let (server, admin) = start(&["--share=tagged", "--pingms=0", slow, "sh", "-c", FLOOD]);
    let clients = [server.connect(), server.connect()];
    (server, admin, clients)
}

/// Has a round said, and hears it.
fn hear_round(client: &mut Client, round: usize) {
    client.send(&ROUND.to_string());
    let first = round * ROUND + 1;
    for expected in first..first + ROUND {
        assert_eq!(number(&client.text()), Some(expected));
    }
    assert_eq!(client.text(), "done");
}

fn number(text: &str) -> Option<usize> {
    text.split(' ').next()?.parse().ok()
}

/// The numbers that a client still hears, to the last of all rounds.
fn rest(client: &mut Client) -> Vec<usize> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&(ROUNDS * ROUND)) {
        numbers.extend(number(&client.text()));
    }
    numbers
}

#[test]
fn slow_member_is_closed_and_nobody_else_waits() {
    let (mut server, admin, [mut stalled, mut reading]) = flood("--slow=close");
    let mut round = 0;
    while !server.log().contains("too slow") {
        assert!(round < ROUNDS, "it was never too slow");
        hear_round(&mut reading, round);
        round += 1;
    }
    // It reads on in time: what was begun, and then why.
    loop {
        let frame = stalled.receive();
        if frame.opcode == CLOSE {
            assert_eq!(frame.payload, b"\x03\xf5too slow");
            break;
        }
    }
    drop(stalled);
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=1013"), "{line}");
    hear_round(&mut reading, round);
    let found = figures(admin);
    assert_eq!(found["wsd_slow_members_total{policy=\"close\"}"], 1.0);
    assert_eq!(found["wsd_members_open"], 1.0);
}

#[test]
fn who_reads_is_not_slow_however_much_is_said_at_once() {
    for words in [
        "--slow=close",
        "--slow=drop",
        "--slow=close --idle-timeout=1000",
    ] {
        let server = Gateway::with(words)
            .args(["--share", "--member-queue=10000"])
            .program("read -r line; seq 1 10000; cat")
            .start();
        let mut client = server.connect();
        client.send("go");
        for number in 1..=10_000 {
            assert_eq!(client.text(), number.to_string(), "{words}");
        }
    }
}

#[test]
fn member_that_its_program_closes_has_left_whatever_it_reads() {
    let program = r#"while IFS= read -r line; do
        printf 'told %s\n' "$line" >&2
        case $line in
            [0-9]*) awk 'BEGIN { x = sprintf("%1000000s", ""); while (n++ < 20) printf "1\t%s\n", x }'
                    printf '!1\t4000 bye\n' ;;
        esac
    done"#;
    let mut server = Gateway::with("--share=tagged --pingms=0 --member-queue=100000000")
        .program(program)
        .start();
    let mut stalled = server.connect();
    server.wait_for_line("told +1");
    server.connect().send("go");
    server.wait_for_line("told -1\t4000 bye");
    for _ in 0..20 {
        assert_eq!(stalled.text().len(), 1_000_000);
    }
    assert_eq!(stalled.closed(), (4000, "bye".to_owned()));
}

#[test]
fn slow_member_that_does_not_read_on_is_cut() {
    let (mut server, _, [mut stalled, mut reading]) = flood("--slow=close");
    let mut round = 0;
    while !server.log().contains("too slow") {
        hear_round(&mut reading, round);
        round += 1;
    }
    server.wait_for_line("session ended");
    // What the kernel had taken, and no Close.
    let end = loop {
        match stalled.try_receive() {
            Ok(frame) => assert_ne!(frame.opcode, CLOSE),
            Err(end) => break end,
        }
    };
    assert_ne!(end.kind(), ErrorKind::WouldBlock, "it is still connected");
    hear_round(&mut reading, round);
}

#[test]
fn slow_member_loses_the_oldest_messages_and_no_parts_of_them() {
    let (_server, admin, [mut stalled, mut reading]) = flood("--slow=drop");
    (0..ROUNDS).for_each(|round| hear_round(&mut reading, round));
    let numbers = rest(&mut stalled);
    assert!(numbers.is_sorted() && numbers.len() < ROUNDS * ROUND);
    let found = figures(admin);
    let missing = ROUNDS * ROUND - numbers.len();
    let dropped = found["wsd_dropped_total{reason=\"slow\"}"];
    assert_eq!(dropped as usize, missing);
    assert_eq!(found["wsd_slow_members_total{policy=\"drop\"}"], 1.0);
}

#[test]
fn slow_member_is_sent_the_latest_of_what_waits() {
    let (_server, admin, [mut stalled, mut reading]) = flood("--slow=latest");
    for _ in 0..ROUNDS {
        reading.send(&ROUND.to_string());
        while reading.text() != "done" {}
    }
    // Behind what the kernel had taken there is the newest alone.
    let numbers = rest(&mut stalled);
    assert!(numbers.is_sorted());
    let gap = numbers.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(gap > Some(ROUND), "{gap:?}");
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
    let (server, _) = start(&["--share=tagged", "--slow=drop", "sh", "-c", program]);
    let mut stalled = server.connect();
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
