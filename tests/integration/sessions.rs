//! Messages and lines, through the real binary: what `docs/sessions.md` says.

use crate::support::{
    self, Gateway,
    client::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT},
    process::cpu_ticks,
};

#[test]
fn message_is_a_line_and_a_line_is_a_message() {
    let server = Gateway::with("cat").start();
    let mut client = server.connect();
    for text in ["hello", "", "ünïcödé ✓", "tab\tand\r"] {
        client.send(text);
    }
    for text in ["hello", "", "ünïcödé ✓", "tab\tand"] {
        assert_eq!(client.text(), text);
    }
    client.close();
}

#[test]
fn newline_in_a_message_makes_two_lines() {
    let server = Gateway::with("cat").start();
    let mut client = server.connect();
    client.send("a\nb");
    assert_eq!(
        (client.text(), client.text()),
        ("a".to_owned(), "b".to_owned())
    );
}

#[test]
fn newline_is_refused_by_reject() {
    let server = Gateway::with("--newline=reject cat").start();
    let mut client = server.connect();
    client.send("fine");
    assert_eq!(client.text(), "fine");
    client.send("a\nb");
    assert_eq!(client.closed().0, 1008);
}

#[test]
fn what_came_before_a_refused_message_is_answered_before_the_close() {
    let bad = support::client::frame(true, 3, b"");
    let two = support::client::frame(true, TEXT, b"a\nb");
    let binary = support::client::frame(true, BINARY, b"");
    for (refused, code) in [(bad, 1002), (two, 1008), (binary, 1003)] {
        let server = Gateway::with("--newline=reject cat").start();
        let mut client = server.connect();
        let fine = support::client::frame(true, TEXT, b"fine");
        client.send_raw(&[fine.clone(), fine, refused].concat());
        assert_eq!(
            (client.text(), client.text()),
            ("fine".into(), "fine".into())
        );
        assert_eq!(client.closed().0, code);
    }
}

#[test]
fn program_that_answers_at_end_of_file_answers_a_client_that_broke_the_protocol() {
    let server = Gateway::with("wc -l").start();
    let mut client = server.connect();
    let line = support::client::frame(true, TEXT, b"line");
    let bad = support::client::frame(true, 3, b"");
    client.send_raw(&[line.clone(), line, bad].concat());
    assert_eq!(client.text().trim(), "2");
    assert_eq!(client.closed().0, 1002);
}

#[test]
fn program_that_writes_without_end_does_not_keep_a_client_from_its_close() {
    let server = Gateway::with("yes").start();
    let mut client = server.connect();
    client.send_raw(&support::client::frame(true, 3, b""));
    let last = loop {
        let frame = client.receive();
        if frame.opcode != TEXT {
            break frame;
        }
    };
    assert_eq!(
        (last.opcode, &last.payload[..2]),
        (CLOSE, &1002_u16.to_be_bytes()[..])
    );
}

#[test]
fn newline_becomes_a_space_by_space() {
    let server = Gateway::with("--newline=space cat").start();
    let mut client = server.connect();
    client.send("a\nb");
    assert_eq!(client.text(), "a b");
}

#[test]
fn last_line_without_newline_arrives_before_the_close() {
    let server = Gateway::new().program("printf 'one\\ntwo'").start();
    let mut client = server.connect();
    assert_eq!(
        (client.text(), client.text()),
        ("one".to_owned(), "two".to_owned())
    );
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn all_output_arrives_before_the_close() {
    let server = Gateway::with("seq 1 200000").start();
    let mut client = server.connect();
    for number in 1..=200_000 {
        assert_eq!(client.text(), number.to_string());
    }
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn output_arrives_whole_though_the_client_goes_on_sending() {
    // Unread input would turn a plain close into RST, which destroys what the client has not read.
    let server = Gateway::new()
        .program("head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000")
        .start();
    let mut client = server.connect();
    let mut sender = client.stream.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        let message = support::client::frame(true, TEXT, &[b'y'; 1000]);
        for _ in 0..2000 {
            if std::io::Write::write_all(&mut sender, &message).is_err() {
                break;
            }
        }
    });
    for _ in 0..3000 {
        assert_eq!(client.text().len(), 1000);
    }
    assert_eq!(client.closed().0, 1000);
    sending.join().expect("the sender ends");
}

#[test]
fn exit_status_becomes_the_close_code() {
    for (script, code) in [
        ("exit 0", 1000),
        ("exit 3", 4003),
        ("exit 255", 4255),
        ("kill -9 $$", 4137),
        ("kill -PIPE $$", 4141),
    ] {
        let server = Gateway::new().program(script).start();
        assert_eq!(server.connect().closed().0, code, "{script}");
    }
}

#[test]
fn output_that_is_not_utf8_is_replaced_and_split_sequences_are_not() {
    let server = Gateway::new()
        .program(r"printf 'a\377b\n\342\202'; sleep 0.1; printf '\254\n'")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "a\u{fffd}b");
    assert_eq!(client.text(), "€");
}

#[test]
fn text_that_is_not_utf8_is_closed_with_1007() {
    for options in ["cat", "--binary cat"] {
        let server = Gateway::with(options).start();
        let mut client = server.connect();
        client.send_frame(true, TEXT, b"\xff");
        assert_eq!(client.closed().0, 1007, "{options}");
    }
}

#[test]
fn binary_message_to_a_line_program_is_closed_with_1003() {
    let server = Gateway::with("cat").start();
    let mut client = server.connect();
    client.send_binary(b"x");
    let (code, reason) = client.closed();
    assert_eq!(code, 1003);
    assert!(reason.contains("text messages only"), "{reason}");
}

#[test]
fn binary_mode_passes_bytes_as_they_are() {
    let server = Gateway::with("--binary cat").start();
    let mut client = server.connect();
    let bytes: Vec<u8> = (0..=255).cycle().take(65536).collect();
    client.send_binary(&bytes);
    assert_eq!(client.binary(), bytes);
    client.send("text");
    assert_eq!(client.binary(), b"text");
}

#[test]
fn binary_message_of_64_kib_in_one_write_is_one_message() {
    let server = Gateway::new()
        .args([
            "--binary",
            "python3",
            "-c",
            "import os,sys\nwhile sys.stdin.buffer.read(1): os.write(1, b'x' * 65536)",
        ])
        .start();
    let mut client = server.connect();
    for _ in 0..20 {
        client.send_binary(b"!");
        assert_eq!(client.binary().len(), 65536);
    }
}

#[test]
fn text_framing_gives_each_read_with_its_newlines_and_no_half_characters() {
    let server = Gateway::with("--framing=text")
        .program(
            "printf 'ab'; head -c1 >/dev/null; printf '\\n'; head -c1 >/dev/null
             printf 'c\\303'; head -c1 >/dev/null; printf '\\251\\n\\377'",
        )
        .start();
    let mut client = server.connect();
    for expected in ["ab", "\n", "c"] {
        assert_eq!(client.text(), expected);
        client.send("x");
    }
    assert_eq!(client.text(), "é\n\u{fffd}");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn text_framing_passes_messages_of_both_types_as_they_are() {
    let server = Gateway::with("--framing=text cat").start();
    let mut client = server.connect();
    client.send("a");
    assert_eq!(client.text(), "a");
    client.send("");
    client.send_binary("é\r\n".as_bytes());
    assert_eq!(client.text(), "é\r\n");
    client.close();
}

#[test]
fn length_framing_echoes_anything_exactly() {
    let server = Gateway::with("--framing=length cat").start();
    let mut client = server.connect();
    client.send("a\nb");
    client.send_binary(b"\n\0\xff");
    client.send("");
    client.send_binary(b"");
    assert_eq!(client.text(), "a\nb");
    assert_eq!(client.binary(), b"\n\0\xff");
    assert_eq!(client.text(), "");
    assert_eq!(client.binary(), b"");
    client.close();
}

#[test]
fn broken_length_framing_is_closed_with_1011_and_logged() {
    let mut server = Gateway::with("--framing=length")
        .program("printf 't\\0\\0\\0\\001aXX'; sleep 100")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "a");
    let (code, reason) = client.closed();
    assert_eq!(code, 1011);
    assert!(reason.contains("length framing"), "{reason}");
    server.wait_for_line("length framing is broken");
}

#[test]
fn control_framing_echoes_and_closes_as_the_program_says() {
    let server = Gateway::with("--framing=control")
        .program("head -c 6; printf 'b\\0\\0\\0\\001\\377c\\0\\0\\0\\005\\017\\241bye'; sleep 100")
        .start();
    let mut client = server.connect();
    client.send("a");
    assert_eq!(client.text(), "a");
    assert_eq!(client.binary(), b"\xff");
    assert_eq!(client.closed(), (4001, "bye".to_owned()));
}

#[test]
fn broken_control_framing_is_closed_with_1011_and_logged() {
    for output in ["c\\0\\0\\0\\002\\003\\355", "c\\0\\0\\0\\0", "x"] {
        let mut server = Gateway::with("--framing=control")
            .program(&format!("printf '{output}'; sleep 100"))
            .start();
        assert_eq!(server.connect().closed().0, 1011, "{output}");
        server.wait_for_line("control framing is broken");
    }
}

#[test]
fn close_with_a_code_that_may_not_be_sent_is_end_of_file_alone_for_the_program() {
    let mut server = Gateway::with("--framing=control")
        .program("od -An -v -tx1 >&2")
        .start();
    let mut client = server.connect();
    client.send("a");
    client.send_frame(true, CLOSE, &1005_u16.to_be_bytes());
    assert_eq!(client.closed().0, 1002);
    let line = server.wait_for_line(" 74 00 00 00 01 61");
    assert!(!line.contains(" 61 63"), "{line}");
}

#[test]
fn program_is_told_the_clients_close_before_end_of_file() {
    let told = |leave: fn(support::client::Client)| {
        let mut server = Gateway::with("--framing=control")
            .program("od -An -v -tx1 >&2")
            .start();
        let mut client = server.connect();
        client.send("a");
        leave(client);
        server.wait_for_line(" 74 00 00 00 01 61 63 00 00 00")
    };
    let closed = told(|mut client| {
        client.send_frame(true, CLOSE, b"\x0f\xa1b");
        assert_eq!(client.receive().opcode, CLOSE);
    });
    assert!(closed.contains("61 63 00 00 00 03 0f a1 62"), "{closed}");
    let without_code = told(|mut client| {
        client.send_frame(true, CLOSE, b"");
        assert_eq!(client.receive().opcode, CLOSE);
    });
    assert!(
        without_code.contains("61 63 00 00 00 02 03 ed"),
        "{without_code}"
    );
    let lost = told(drop);
    assert!(lost.contains(" 03 ee "), "{lost}");
}

#[test]
fn headers_framing_puts_each_message_behind_its_length() {
    // "é" is two bytes.
    let server = Gateway::with("--framing=headers")
        .program("head -c 25; printf 'content-length:1\\r\\nX-Other: a\\r\\n\\r\\n!'; wc -c")
        .start();
    let mut client = server.connect();
    client.send("\"é\"");
    assert_eq!(client.text(), "\"é\"");
    assert_eq!(client.text(), "!");
    client.send("Content-Length: 2\r\n\r\n{}");
    client.send_binary(b"{}");
    let (code, reason) = client.closed();
    assert_eq!((code, reason.contains("text")), (1003, true), "{reason}");
}

#[test]
fn message_with_a_header_of_its_own_is_passed_as_it_is() {
    let server = Gateway::with("--framing=headers cat").start();
    let mut client = server.connect();
    client.send("Content-Length: 2\r\n\r\n{}");
    assert_eq!(client.text(), "{}");
    client.close();
}

#[test]
fn broken_headers_framing_is_closed_with_1011_and_logged() {
    for (output, reason) in [
        ("hello\\n", "headers framing is broken"),
        ("Content-Length: x\\r\\n", "not a number"),
        ("Content-Length: 11\\r\\n", "--maxlinesize"),
    ] {
        let mut server = Gateway::with("--framing=headers --maxlinesize=10")
            .program(&format!(
                "printf 'Content-Length: 2\\r\\n\\r\\n{{}}{output}'; sleep 100"
            ))
            .start();
        let mut client = server.connect();
        assert_eq!(client.text(), "{}");
        let (code, told) = client.closed();
        assert_eq!((code, told.contains(reason)), (1011, true), "{told}");
        server.wait_for_line(reason);
        assert_eq!(server.connect().text(), "{}");
    }
}

#[test]
fn language_server_is_spoken_to_from_a_page() {
    let Some(pylsp) = support::interpreter::python_program("pylsp") else {
        return;
    };
    let server = Gateway::with("--framing=headers").args([pylsp]).start();
    let url = format!("ws://127.0.0.1:{}/", server.port());
    support::interpreter::python("language_server.py", &[&url]);
}

#[test]
fn message_over_the_limit_is_closed_with_1009_however_it_is_cut() {
    let server = Gateway::with("--maxframesize=1000 cat").start();
    let mut client = server.connect();
    client.send(&"x".repeat(1000));
    assert_eq!(client.text().len(), 1000);
    client.send(&"x".repeat(1001));
    assert_eq!(client.closed().0, 1009);
    let mut client = server.connect();
    client.send_frame(false, TEXT, &[b'x'; 600]);
    client.send_frame(true, CONTINUATION, &[b'x'; 600]);
    assert_eq!(client.closed().0, 1009);
}

#[test]
fn limit_is_one_mebibyte_by_default_and_none_by_zero() {
    let server = Gateway::with("cat").start();
    let mut client = server.connect();
    client.send(&"x".repeat(1 << 20));
    assert_eq!(client.text().len(), 1 << 20);
    // The header alone is refused: the payload need not come.
    client.send_raw(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0]);
    assert_eq!(client.closed().0, 1009);
    let server = Gateway::with("--maxframesize=0 cat").start();
    let mut client = server.connect();
    client.send(&"x".repeat(3 << 20));
    assert_eq!(client.text().len(), 3 << 20);
}

#[test]
fn header_that_announces_more_than_there_is_ends_one_session_only() {
    let server = Gateway::with("--maxframesize=0 cat").start();
    let mut other = server.connect();
    for length in [
        [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0, 0, 0x7f, 0, 0, 0, 0, 0],
    ] {
        let mut client = server.connect();
        client.send_raw(&[0x82, 0xff]);
        client.send_raw(&length);
        client.send_raw(&[0; 4]);
        assert_eq!(client.closed().0, 1009);
    }
    other.send("still here");
    assert_eq!(other.text(), "still here");
}

#[test]
fn line_over_the_limit_is_closed_with_1011_after_what_came_before() {
    let server = Gateway::with("--maxlinesize=1000")
        .program("echo first; head -c 2000 /dev/zero | tr '\\0' x; echo; sleep 100")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "first");
    let (code, reason) = client.closed();
    assert_eq!(code, 1011);
    assert!(reason.contains("--maxlinesize"), "{reason}");
}

#[test]
fn prompt_is_sent_after_quiet_with_flush_after() {
    let server = Gateway::with("--flush-after=10")
        .program("printf 'name? '; read name; echo \"hello $name\"")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "name? ");
    client.send("Ada");
    assert_eq!(client.text(), "hello Ada");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn stderr_goes_to_the_log_with_the_sessions_id() {
    let mut server = Gateway::with("--loglevel=error")
        .program("echo \"oops $UNIQUE_ID\" >&2; echo done")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "done");
    let line = server.wait_for_line("oops");
    let id = line.rsplit("oops ").next().expect("an id").to_owned();
    assert!(line.contains(&format!("session{{id=\"{id}\"}}")), "{line}");
}

#[test]
fn passstderr_leaves_the_log_what_it_has() {
    let mut server = Gateway::with("--passstderr --loglevel=error")
        .program(
            "echo \"oops $UNIQUE_ID\" >&2; head -c 10000 /dev/zero | tr '\\0' x >&2; exec cat >&2",
        )
        .start();
    let mut client = server.connect();
    assert!(client.text().contains("oops"));
    let line = server.wait_for_line("oops");
    let id = line.rsplit("oops ").next().expect("an id").to_owned();
    assert!(line.contains(&format!("session{{id=\"{id}\"}}")), "{line}");
    // Behind stdout's end, and without a newline at its own.
    client.send("");
    assert!(client.text().contains("xxx"));
    let cut = server.wait_for_line("xxx");
    assert!(cut.ends_with("x… (1808 more bytes)") && cut.contains(&id));
    // What nobody takes any more is in the log all the same.
    client.send("last words");
    client.reset();
    server.wait_for_line("last words");
}

#[test]
fn passstderr_wraps_both_streams() {
    let server = Gateway::with("--passstderr")
        .program(r#"echo 'say "hi"'; read line; echo oops >&2; exit 2"#)
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), r#"{"stream":"stdout","data":"say \"hi\""}"#);
    client.send("go on");
    assert_eq!(client.text(), r#"{"stream":"stderr","data":"oops"}"#);
    assert_eq!(client.closed().0, 4002);
}

#[test]
fn ping_is_answered_while_messages_wait_for_a_program_that_does_not_read() {
    let server = Gateway::with("sleep 100").start();
    let mut client = server.connect();
    for _ in 0..10 {
        client.send(&"x".repeat(1000));
    }
    client.send_frame(true, PING, b"still there?");
    let pong = client.receive();
    assert_eq!(
        (pong.opcode, &pong.payload[..]),
        (PONG, &b"still there?"[..])
    );
}

#[test]
fn ping_between_fragments_is_answered_and_the_message_is_whole() {
    let server = Gateway::with("cat").start();
    let mut client = server.connect();
    client.send_frame(false, TEXT, b"a");
    client.send_frame(true, PING, b"");
    client.send_frame(true, CONTINUATION, b"b");
    assert_eq!(client.receive().opcode, PONG);
    assert_eq!(client.text(), "ab");
}

#[test]
fn keepalive_pings_come_and_silence_ends_the_session() {
    let mut server = Gateway::with("--pingms=50 cat").start();
    let mut client = server.connect();
    assert_eq!(client.receive().opcode, PING);
    // Two intervals without any answer.
    server.wait_for_line("session ended");
    assert!(
        server.log().contains("the other end was silent"),
        "{}",
        server.log()
    );
}

#[test]
fn keepalive_pings_come_in_a_flood_of_output_too() {
    let server = Gateway::with("--pingms=2000 yes").start();
    let mut client = server.connect();
    for _ in 0..2 {
        while client.receive().opcode != PING {}
        client.send_frame(true, PONG, b"");
    }
}

#[test]
fn client_that_takes_nothing_is_ended_by_write_timeout() {
    let mut server = Gateway::with("--write-timeout=100 --pingms=0 yes").start();
    let client = server.connect();
    let line = server.wait_for_line("session ended");
    assert!(line.contains("took nothing"), "{line}");
    drop(client);
}

#[test]
fn protocol_errors_are_closed_with_1002() {
    let server = Gateway::with("cat").start();
    for (what, bytes) in [
        ("an unmasked frame", &b"\x81\x01x"[..]),
        ("a reserved bit", b"\xc1\x80\0\0\0\0"),
        ("a reserved opcode", b"\x83\x80\0\0\0\0"),
        ("a continuation of nothing", b"\x80\x80\0\0\0\0"),
        ("a fragmented ping", b"\x09\x80\0\0\0\0"),
        ("a ping of 126 bytes", b"\x89\xfe\0\x7e\0\0\0\0"),
        ("a close of one byte", b"\x88\x81\0\0\0\0\x03"),
    ] {
        let mut client = server.connect();
        client.send_raw(bytes);
        if what == "a ping of 126 bytes" {
            client.send_raw(&[0; 126]);
        }
        assert_eq!(client.closed().0, 1002, "{what}");
    }
}

#[test]
fn close_codes_that_may_not_be_sent_are_not_echoed() {
    let server = Gateway::with("cat").start();
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let mut client = server.connect();
        client.send_close(code);
        let frame = client.receive();
        assert_eq!(
            (frame.opcode, &frame.payload[..2]),
            (CLOSE, &1002_u16.to_be_bytes()[..]),
            "{code}"
        );
    }
}

#[test]
fn close_is_echoed_and_the_stream_ends() {
    let server = Gateway::with("cat").start();
    for code in [1000, 1001, 3000, 4999] {
        let mut client = server.connect();
        client.send_close(code);
        let frame = client.receive();
        assert_eq!(
            (frame.opcode, frame.payload),
            (CLOSE, code.to_be_bytes().to_vec())
        );
        client.ended();
    }
    let mut client = server.connect();
    client.send_frame(true, CLOSE, b"");
    assert_eq!(client.receive().payload, b"");
    client.ended();
}

#[test]
fn messages_sent_right_before_the_close_reach_the_program() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("received");
    let mut server = Gateway::new()
        .program(&format!("cat > {}", file.display()))
        .start();
    let mut client = server.connect();
    for number in 0..1000 {
        client.send(&number.to_string());
    }
    client.close();
    server.wait_for_line("session ended");
    let received = std::fs::read_to_string(file).expect("the program's file");
    let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
    assert_eq!(received, expected);
}

#[test]
fn both_write_before_they_read() {
    // Each fills every buffer between them before it reads: only two independent directions survive it.
    let script = "import sys\nsys.stdout.write(('x' * 999 + '\\n') * 3000)\nsys.stdout.flush()\n\
                  print(sum(len(line) for line in sys.stdin), flush=True)";
    let server = Gateway::new().args(["python3", "-c", script]).start();
    let mut client = server.connect();
    let mut sender = client.stream.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        let message = support::client::frame(true, TEXT, &[b'y'; 999]);
        for _ in 0..3000 {
            std::io::Write::write_all(&mut sender, &message).expect("the server reads");
        }
    });
    for _ in 0..3000 {
        assert_eq!(client.text().len(), 999);
    }
    sending.join().expect("all was sent");
    client.close();
}

#[test]
fn memory_stays_flat_before_a_client_that_does_not_read() {
    let server = Gateway::with("yes").start();
    let clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    // Until the socket's buffers are full and `yes` waits.
    let program = server.children()[0];
    support::eventually("the program is held back", || {
        let before = cpu_ticks(program);
        std::thread::sleep(std::time::Duration::from_millis(100));
        cpu_ticks(program) == before
    });
    let resident = resident_kib(server.pid());
    assert!(resident < 30_000, "{resident} KiB");
    drop(clients);
}

fn resident_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a figure");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}

#[test]
fn line_of_300_mb_ends_its_session_within_bounded_memory() {
    let mut server = Gateway::with("--pingms=0")
        .program("head -c 300000000 /dev/zero | tr '\\0' x")
        .start();
    let mut client = server.connect();
    assert_eq!(client.closed().0, 1011);
    server.wait_for_line("session ended");
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a figure");
    let peak: u64 = peak
        .split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number");
    assert!(peak < 120_000, "{peak} KiB");
}

#[test]
fn long_line_within_the_limit_arrives_whole() {
    let server = Gateway::new()
        .program("head -c 16777216 /dev/zero | tr '\\0' x; echo")
        .start();
    assert_eq!(server.connect().text().len(), 16 << 20);
}

#[test]
fn one_client_that_crashes_does_not_disturb_another() {
    let server = Gateway::with("cat").start();
    let mut other = server.connect();
    for _ in 0..20 {
        let mut client = server.connect();
        client.send("x");
        client.reset();
    }
    other.send("still here");
    assert_eq!(other.text(), "still here");
}

#[test]
fn client_that_pings_without_reading_is_held_back() {
    let server = Gateway::with("--pingms=0 cat").start();
    let mut client = server.connect();
    let pings = support::client::frame(true, PING, &[b'x'; 125]).repeat(500);
    client
        .stream
        .set_write_timeout(Some(std::time::Duration::from_millis(300)))
        .expect("a timeout");
    let mut sent = 0;
    while std::io::Write::write_all(&mut client.stream, &pings).is_ok() {
        sent += pings.len();
        assert!(sent < 200 << 20, "somebody answers everything into memory");
    }
    let resident = resident_kib(server.pid());
    assert!(resident < 30_000, "{resident} KiB");
}

#[test]
fn messages_right_before_an_abrupt_end_reach_the_program() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        // The program answers to a client that is no longer there.
        let file = directory.path().join(round.to_string());
        let mut server = Gateway::new()
            .args(["tee", file.to_str().expect("text")])
            .start();
        let mut client = server.connect();
        let mut bytes = Vec::new();
        for number in 0..20_000 {
            bytes.extend(support::client::frame(
                true,
                TEXT,
                format!("m{number}").as_bytes(),
            ));
        }
        bytes.extend(support::client::frame(true, CLOSE, &1000_u16.to_be_bytes()));
        client.send_raw(&bytes);
        drop(client);
        server.wait_for_line("session ended");
        let received = std::fs::read_to_string(&file).expect("the program's file");
        assert_eq!(received.lines().count(), 20_000);
    }
}

#[test]
fn last_line_without_newline_arrives_though_a_grandchild_holds_stdout() {
    let server = Gateway::new()
        .program("printf last; sleep 1000 & exit 3")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "last");
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn passstderr_goes_on_without_stdout() {
    let server = Gateway::with("--passstderr")
        .program("exec >&-; echo oops >&2; read -r line; echo \"got $line\" >&2; exit 3")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), r#"{"stream":"stderr","data":"oops"}"#);
    client.send("more");
    assert_eq!(client.text(), r#"{"stream":"stderr","data":"got more"}"#);
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn limit_beyond_all_memory_is_no_way_to_take_it() {
    let server = Gateway::with("--maxframesize=1000000000000000 cat").start();
    let mut client = server.connect();
    client.send_raw(&[0x82, 0xff, 0, 3, 0x32, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(client.closed().0, 1009);
}
