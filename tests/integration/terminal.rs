//! `--terminal`: a terminal for each client, and its protocol.

use std::{collections::BTreeSet, thread, time::Duration};

use crate::support::{
    Client, Gateway, Server, Signal, children_of,
    client::{BINARY, CLOSE, PING, PONG, TEXT},
    eventually,
    process::cpu_ticks,
    script, state, wait_until_gone,
};

/// A terminal with a shell's script, whose title has come.
fn opened(server: &Server, target: &str) -> Client {
    let mut client = server.connect_to(target);
    assert_eq!(client.text(), r#"{"title":"sh"}"#);
    client
}

fn terminal(script: &str) -> Server {
    Gateway::with("--terminal").program(script).start()
}

/// What is shown until it ends with `end`.
fn shown(client: &mut Client, end: &str) -> String {
    let mut shown = Vec::new();
    while !shown.ends_with(end.as_bytes()) {
        shown.extend(client.binary());
    }
    String::from_utf8(shown).expect("text")
}

/// What is shown until the program has ended, what is said of that, and the code of the Close.
fn rest(client: &mut Client) -> (Vec<u8>, String, u16) {
    let mut shown = Vec::new();
    loop {
        let frame = client.receive();
        match frame.opcode {
            BINARY => shown.extend(frame.payload),
            TEXT => {
                let text = String::from_utf8(frame.payload).expect("text");
                return (shown, text, client.closed().0);
            }
            other => panic!("opcode {other} within {shown:?}"),
        }
    }
}

#[test]
fn subprotocol_is_selected_if_it_is_offered() {
    let server = terminal("cat");
    let offered = server.ask("/", &["Sec-WebSocket-Protocol: chat, wsd.terminal"]);
    let head = offered.head.to_ascii_lowercase();
    assert!(
        head.contains("sec-websocket-protocol: wsd.terminal\r\n"),
        "{head}"
    );
    let other = server.ask("/", &["Sec-WebSocket-Protocol: chat"]);
    let head = other.head.to_ascii_lowercase();
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
    opened(&server, "/");
}

#[test]
fn size_is_that_of_the_url_and_then_of_the_messages() {
    let server = terminal("trap 'stty size' WINCH; stty size; while :; do sleep 0.01; done");
    for (target, size) in [
        ("/?cols=132&rows=50", "50 132\r\n"),
        ("/?rows=1000", "1000 80\r\n"),
        ("/?cols=1&x=y", "24 1\r\n"),
        ("/", "24 80\r\n"),
    ] {
        let mut client = opened(&server, target);
        assert_eq!(shown(&mut client, "\n"), size, "{target}");
        client.send(r#"{"resize":[90,30]}"#);
        shown(&mut client, "30 90\r\n");
    }
}

#[test]
fn what_is_no_size_closes_with_1008() {
    let server = terminal("exec cat");
    for target in ["/?cols=0", "/?rows=1001", "/?cols=x&rows=5", "/?rows="] {
        let mut client = server.connect_to(target);
        let (code, reason) = client.closed();
        assert_eq!(code, 1008, "{target}");
        assert!(reason.contains("1 to 1000"), "{reason}");
    }
    assert!(
        server.children().is_empty(),
        "no program was started for them"
    );
    for text in [
        r#"{"resize":[0,24]}"#,
        r#"{"resize":[80,1001]}"#,
        r#"{"resize":["80",24]}"#,
    ] {
        let mut client = opened(&server, "/");
        client.send(text);
        assert_eq!(client.closed().0, 1008, "{text}");
    }
}

#[test]
fn other_texts_and_keys_close_with_1008() {
    let server = terminal("exec cat");
    for text in [
        "hello",
        "{}",
        r#"{"title":"x"}"#,
        r#"{"ack":-1}"#,
        r#"{"ack":1}"#,
    ] {
        let mut client = opened(&server, "/");
        client.send(text);
        assert_eq!(client.closed().0, 1008, "{text}");
    }
}

#[test]
fn it_is_the_controlling_terminal_of_a_session_of_its_own() {
    let server =
        terminal("ps -o pid=,sid=,tty= -p $$; tty; test -e /proc/self/fd/3 || echo no more");
    let mut client = opened(&server, "/");
    let (shown, text, code) = rest(&mut client);
    let shown = String::from_utf8(shown).expect("text");
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words[0], words[1], "{shown}");
    assert_eq!(format!("/dev/{}", words[2]), words[3], "{shown}");
    assert!(shown.ends_with("no more\r\n"), "{shown}");
    assert_eq!((text.as_str(), code), (r#"{"exit":0}"#, 1000));
}

#[test]
fn line_discipline_is_that_of_a_login() {
    let server = terminal(
        "stty -a; echo $TERM $COLORTERM ${COLUMNS-none} ${LINES-none}; read line; echo \"[$line]\"",
    );
    let mut client = opened(&server, "/");
    let modes = shown(&mut client, "none none\r\n");
    let words: BTreeSet<&str> = modes.split([' ', ';', '\r', '\n']).collect();
    for mode in [
        "echo", "icanon", "isig", "icrnl", "opost", "onlcr", "ixon", "iexten", "iutf8",
    ] {
        assert!(words.contains(mode), "{mode}: {modes}");
    }
    assert!(
        modes.contains("xterm-256color truecolor none none"),
        "{modes}"
    );
    // It erases a character of two bytes whole, and echoes.
    client.send_binary("a\u{e4}\u{7f}b\r".as_bytes());
    shown(&mut client, "[ab]\r\n");
}

#[test]
fn interrupt_goes_to_the_job_in_the_foreground() {
    let server =
        terminal("trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.05; done");
    let mut client = opened(&server, "/");
    shown(&mut client, "ready\r\n");
    client.send_binary(b"\x03");
    let (shown, text, code) = rest(&mut client);
    assert!(shown.ends_with(b"interrupted\r\n"), "{shown:?}");
    assert_eq!((text.as_str(), code), (r#"{"exit":5}"#, 4005));
}

#[test]
fn end_by_a_signal_is_told_before_the_close() {
    let server = terminal("kill -9 $$");
    let mut client = opened(&server, "/");
    assert_eq!(
        rest(&mut client),
        (Vec::new(), r#"{"signal":9}"#.to_owned(), 4137)
    );
}

#[test]
fn everything_written_before_the_end_is_delivered() {
    let server = terminal("seq 1 200000");
    let expected: String = (1..=200_000)
        .map(|number| format!("{number}\r\n"))
        .collect();
    for _ in 0..3 {
        let mut client = opened(&server, "/");
        let (shown, text, code) = rest(&mut client);
        assert!(shown == expected.as_bytes(), "{} bytes", shown.len());
        assert_eq!((text.as_str(), code), (r#"{"exit":0}"#, 1000));
    }
}

#[test]
fn grandchild_that_holds_the_terminal_takes_nothing_from_its_end() {
    let server = terminal("trap '' HUP; sleep 1000 & echo $!; seq 1 100000");
    let mut client = opened(&server, "/");
    let (shown, _, code) = rest(&mut client);
    assert!(
        shown.ends_with(b"99999\r\n100000\r\n"),
        "{} bytes",
        shown.len()
    );
    assert_eq!(code, 1000);
    let shown = String::from_utf8(shown).expect("text");
    let pid = shown
        .lines()
        .next()
        .expect("a line")
        .parse()
        .expect("a pid");
    wait_until_gone(pid);
}

#[test]
fn messages_are_gathered_up_to_64_kib() {
    let server = terminal("head -c 2000000 /dev/zero | tr '\\0' x");
    let mut client = opened(&server, "/");
    let (mut bytes, mut longest) = (0, 0);
    loop {
        let frame = client.receive();
        if frame.opcode != BINARY {
            break;
        }
        bytes += frame.payload.len();
        longest = longest.max(frame.payload.len());
    }
    assert_eq!(bytes, 2_000_000);
    assert!((4097..=65536).contains(&longest), "{longest}");
}

#[test]
fn output_waits_for_a_client_that_acknowledges() {
    let flood = "head -c 1000000 /dev/zero | tr '\\0' x; sleep 0.1";
    let server = terminal(&format!("stty -echo; echo ready; read x; {flood}"));
    let mut client = opened(&server, "/");
    shown(&mut client, "ready\r\n");
    client.send(r#"{"ack":0}"#);
    client.send_binary(b"\r");
    let mut bytes = 0;
    // What was on its way, and then nothing: what comes behind a pong was sent behind it.
    let mut held_at = None;
    while bytes < 1_000_000 {
        client.send_frame(true, PING, b"");
        let mut came = 0;
        loop {
            let frame = client.receive();
            match frame.opcode {
                BINARY => came += frame.payload.len(),
                PONG => break,
                other => panic!("opcode {other}"),
            }
        }
        bytes += came;
        if bytes >= 256 * 1024 && came == 0 {
            held_at.get_or_insert(bytes);
            client.send(&format!(r#"{{"ack":{bytes}}}"#));
        }
    }
    assert_eq!(bytes, 1_000_000);
    let held_at = held_at.expect("it was held");
    assert!(held_at < 400_000, "{held_at}");
    client.send(r#"{"ack":1000000}"#);
    let (shown, text, code) = rest(&mut client);
    assert_eq!(
        (shown.len(), text.as_str(), code),
        (0, r#"{"exit":0}"#, 1000)
    );
}

#[test]
fn end_of_the_program_waits_for_what_is_not_drawn() {
    let fills = "head -c 262144 /dev/zero | tr '\\0' x";
    let rests = "head -c 10000 /dev/zero | tr '\\0' y";
    let server = terminal(&format!(
        "stty -echo; echo ready; read x; {fills}; read x; {rests}"
    ));
    let mut client = opened(&server, "/");
    shown(&mut client, "ready\r\n");
    client.send(r#"{"ack":0}"#);
    client.send_binary(b"\r");
    let mut bytes = 0;
    while bytes < 262_144 {
        bytes += client.binary().len();
    }
    client.send_binary(b"\r");
    // Longer than a grandchild would be waited for. The program has ended meanwhile, unless the kernel has it wait for
    // somebody to read.
    thread::sleep(Duration::from_millis(1500));
    client.send(r#"{"ack":262151}"#);
    let (shown, text, code) = rest(&mut client);
    assert!(shown == [b'y'; 10_000], "{} bytes", shown.len());
    assert_eq!((text.as_str(), code), (r#"{"exit":0}"#, 1000));
}

#[test]
fn input_that_nobody_reads_does_not_stop_the_output_of_a_client_that_acknowledges() {
    let flood = "dd bs=1 count=1 >/dev/null 2>&1; head -c 3000000 /dev/zero | tr '\\0' x";
    let server = terminal(&format!(
        "stty raw -echo; echo ready; {flood}; head -c 199999 | wc -c"
    ));
    let mut client = opened(&server, "/");
    shown(&mut client, "ready\n");
    client.send(r#"{"ack":0}"#);
    for _ in 0..10 {
        client.send_binary(&[b'y'; 20_000]);
    }
    let mut bytes = 0;
    while bytes < 3_000_000 {
        bytes += client.binary().len();
        // It is heard when what was typed before has been read.
        client.send(&format!(r#"{{"ack":{bytes}}}"#));
    }
    let (shown, _, code) = rest(&mut client);
    assert_eq!(bytes + shown.len(), 3_000_000 + "199999\n".len());
    assert_eq!(code, 1000);
}

#[test]
fn readonly_terminal_takes_sizes_and_no_keys() {
    let server = Gateway::with("--terminal --readonly")
        .program("trap 'stty size; exit 3' WINCH; echo ready; while :; do read -r x && echo \"[$x]\"; sleep 0.01; done")
        .start();
    let mut client = opened(&server, "/");
    assert_eq!(client.text(), r#"{"readonly":true}"#);
    shown(&mut client, "ready\r\n");
    client.send_binary(b"typed\r\x03\x04");
    client.send(r#"{"ack":1}"#);
    client.send(r#"{"resize":[100,40]}"#);
    let (shown, text, code) = rest(&mut client);
    assert_eq!(String::from_utf8(shown).expect("text"), "40 100\r\n");
    assert_eq!((text.as_str(), code), (r#"{"exit":3}"#, 4003));
}

#[test]
fn client_that_goes_hangs_up_every_job() {
    let server = Gateway::with("--terminal bash --norc").start();
    let mut client = server.connect();
    assert_eq!(client.text(), r#"{"title":"bash"}"#);
    client.send_binary(b"sleep 1000 & sleep 1001 & echo jobs $(jobs -p) end\r");
    let mut shown = String::new();
    while !shown.contains(" end\r\n") || !shown.contains("\njobs ") {
        shown += &String::from_utf8_lossy(&client.binary());
    }
    let line = shown
        .lines()
        .find(|line| line.starts_with("jobs "))
        .expect("a line");
    let jobs: Vec<i32> = line
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(jobs.len(), 2, "{shown}");
    drop(client);
    jobs.into_iter().for_each(wait_until_gone);
    eventually("the shell is gone", || server.children().is_empty());
}

#[test]
fn jobs_of_a_terminal_end_with_a_server_that_is_killed() {
    let mut server = terminal("trap '' HUP; setsid true; set -m; sleep 1000 & echo $!; wait");
    let mut client = opened(&server, "/");
    let job = shown(&mut client, "\n").trim().parse().expect("a pid");
    server.signal(Signal::KILL);
    server.wait();
    wait_until_gone(job);
}

#[test]
fn program_that_ignores_the_hang_up_is_ended_all_the_same() {
    let server = terminal("trap '' HUP INT TERM; echo $$; while :; do sleep 1000; done");
    let mut client = opened(&server, "/");
    let pid = shown(&mut client, "\n").trim().parse().expect("a pid");
    client.send_close(1000);
    wait_until_gone(pid);
}

#[test]
fn job_that_is_stopped_is_hung_up_too() {
    let server = Gateway::with("--terminal bash --norc").start();
    let mut client = server.connect();
    client.send_binary(b"set -b; sleep 1000\r");
    let mut pid = None;
    eventually("the job runs", || {
        let children = server.children();
        let shell = children.first().copied().unwrap_or_default();
        pid = children_of(shell).first().copied();
        pid.is_some()
    });
    let pid = pid.expect("a job");
    // Before it is in the foreground, that is nothing to it.
    eventually("it is stopped", || {
        client.send_binary(b"\x1a");
        state(pid) == Some('T')
    });
    drop(client);
    wait_until_gone(pid);
}

#[test]
fn stop_of_the_server_hangs_up_and_delivers_last_words() {
    let mut server =
        terminal("trap 'echo last words; exit' HUP; echo ready; while :; do sleep 0.05; done");
    let mut client = opened(&server, "/");
    shown(&mut client, "ready\r\n");
    server.signal(Signal::TERM);
    shown(&mut client, "last words\r\n");
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn title_is_the_files_name_without_arguments_and_controls() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = script(directory.path(), "a\x1b]0;x\x07b", "#!/bin/sh\ncat\n");
    let server = Gateway::with("--terminal")
        .args([path.as_os_str(), "--secret=1".as_ref()])
        .start();
    assert_eq!(
        server.connect().text(),
        "{\"title\":\"a\u{fffd}]0;x\u{fffd}b\"}"
    );
}

#[test]
fn flood_before_a_client_that_stopped_costs_nothing() {
    let server = terminal("exec yes");
    let client = opened(&server, "/");
    let mut before = cpu_ticks(server.pid());
    eventually("the sockets are full", || {
        thread::sleep(Duration::from_millis(300));
        let now = cpu_ticks(server.pid());
        now == std::mem::replace(&mut before, now)
    });
    drop(client);
}

#[test]
fn program_that_ends_at_once_is_told() {
    let server = Gateway::with("--terminal true").start();
    for _ in 0..20 {
        let mut client = server.connect();
        assert_eq!(client.text(), r#"{"title":"true"}"#);
        assert_eq!(client.text(), r#"{"exit":0}"#);
        let frame = client.receive();
        assert_eq!(
            (frame.opcode, &frame.payload[..2]),
            (CLOSE, &1000_u16.to_be_bytes()[..])
        );
    }
}

#[test]
fn each_program_of_a_directory_is_a_terminal() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "top", "#!/bin/sh\ntty\n");
    let server = Gateway::new()
        .args([
            "--terminal",
            &format!("--dir={}", directory.path().display()),
        ])
        .start();
    let mut client = server.connect_to("/top?cols=100");
    assert_eq!(client.text(), r#"{"title":"top"}"#);
    let (shown, ..) = rest(&mut client);
    assert!(shown.starts_with(b"/dev/"), "{shown:?}");
}
