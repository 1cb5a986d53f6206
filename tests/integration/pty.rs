//! `--pty` and `--unbuffer=pty`: programs on a pty whose messages stay what they are.

use std::collections::BTreeSet;

use crate::support::{
    Client, Gateway, Server, Signal, eventually, http, installed, run, wait_until_gone,
};

fn pty(flags: &str, script: &str) -> Server {
    Gateway::with(flags).program(script).start()
}

/// The words of `stty -a`.
fn modes(client: &mut Client) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    loop {
        let line = client.text();
        if line == "end" {
            return words;
        }
        words.extend(line.split([' ', ';']).map(str::to_owned));
    }
}

#[test]
fn all_three_streams_are_the_controlling_terminal() {
    let server = pty(
        "--pty",
        "tty; tty <&1; tty <&2; echo error >&2; ps -o pid=,sid=,tty= -p $$; test -e /proc/self/fd/3 || echo no more",
    );
    let mut client = server.connect();
    let terminal = client.text();
    assert!(terminal.starts_with("/dev/"), "{terminal}");
    assert_eq!([client.text(), client.text()], [terminal.as_str(); 2]);
    assert_eq!(client.text(), "error");
    let line = client.text();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], words[1], "{line}");
    assert_eq!(format!("/dev/{}", words[2]), terminal);
    assert_eq!(client.text(), "no more");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn line_discipline_changes_nothing() {
    let server = pty("--pty", "stty -a; echo end");
    let modes = modes(&mut server.connect());
    for mode in [
        "-echo", "-icanon", "-isig", "-icrnl", "-opost", "-ixon", "-iexten",
    ] {
        assert!(modes.contains(mode), "{mode}: {modes:?}");
    }
}

#[test]
fn colours_and_pagers_are_off_unless_env_says_otherwise() {
    let script = "echo $TERM $NO_COLOR $PAGER $GIT_PAGER ${COLUMNS-none}";
    for flag in ["--pty", "--unbuffer=pty"] {
        let server = pty(flag, script);
        assert_eq!(server.text("/"), "dumb 1 cat cat none", "{flag}");
        let server = pty(&format!("{flag} --env=TERM=vt100 --env=PAGER=less"), script);
        assert_eq!(server.text("/"), "vt100 1 less cat none", "{flag}");
        // What is passed on is about the terminal that wsd was started on.
        let server = Gateway::with(&format!("{flag} --passenv=TERM,PAGER"))
            .env("TERM", "screen")
            .env("PAGER", "less")
            .program(script)
            .start();
        assert_eq!(server.text("/"), "dumb 1 cat cat none", "{flag}");
    }
}

#[test]
fn line_of_any_length_and_control_characters_arrive_whole() {
    let server = pty("--pty", "exec cat");
    let mut client = server.connect();
    let long = "x".repeat(100_000);
    client.send(&long);
    assert_eq!(client.text(), long);
    client.send("a\x03b\x04c\x1a\x11\x13d\re");
    assert_eq!(client.text(), "a\x03b\x04c\x1a\x11\x13d\re");
}

#[test]
fn carriage_return_before_a_newline_is_stripped() {
    let server = pty("--pty", "stty opost; printf 'one\\ntwo\\n'");
    let mut client = server.connect();
    assert_eq!([client.text(), client.text()], ["one", "two"]);
}

#[test]
fn bytes_and_texts_pass_too() {
    let server = pty("--pty --binary", "exec cat");
    let mut client = server.connect();
    client.send_binary(b"\x00\xff\x04\r\n");
    assert_eq!(client.binary(), b"\x00\xff\x04\r\n");
    let server = pty("--pty --framing=text", "printf 'a\\nb'");
    assert_eq!(server.text("/"), "a\nb");
}

#[test]
fn ten_megabytes_come_back_through_a_pty() {
    let server = pty("--pty --binary", "exec cat");
    let mut client = server.connect();
    let mut stream = client.stream.try_clone().expect("a descriptor");
    let sent: Vec<u8> = (0..10_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let copy = sent.clone();
    let sender = std::thread::spawn(move || {
        for part in copy.chunks(100_000) {
            std::io::Write::write_all(&mut stream, &crate::support::client::frame(true, 2, part))
                .expect("sent");
        }
    });
    let mut received = Vec::new();
    while received.len() < sent.len() {
        received.extend(client.binary());
    }
    sender.join().expect("all is sent");
    assert!(received == sent);
}

#[test]
fn everything_written_before_the_end_is_delivered() {
    for flag in ["--pty", "--unbuffer=pty"] {
        let server = pty(flag, "seq 1 50000; printf last; exit 3");
        for _ in 0..3 {
            let mut client = server.connect();
            for number in 1..=50_000 {
                assert_eq!(client.text(), number.to_string(), "{flag}");
            }
            assert_eq!(client.text(), "last");
            assert_eq!(client.closed().0, 4003);
        }
    }
}

#[test]
fn stop_of_the_server_is_end_of_file_for_a_reader() {
    let mut server = pty(
        "--pty",
        "while read -r line; do echo \"[$line]\"; done; echo bye",
    );
    let mut client = server.connect();
    client.send("one");
    assert_eq!(client.text(), "[one]");
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "bye");
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn who_goes_by_no_end_of_file_is_hung_up() {
    let mut server = pty(
        "--pty",
        "trap 'echo hung up; exit' HUP; echo ready; while :; do sleep 0.05; done",
    );
    let mut client = server.connect();
    assert_eq!(client.text(), "ready");
    server.signal(Signal::TERM);
    // The shell says of its child that it was hung up, too.
    while client.text() != "hung up" {}
    assert_eq!(client.closed().0, 1001);
    server.wait();
}

/// What a program answers to a body, by a protocol without chunks.
fn answer_to(server: &Server, body: &str) -> String {
    let length = body.len();
    let request =
        format!("POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}");
    let (status, _, answer) = http(server.address, &request);
    assert_eq!(status, 200);
    String::from_utf8(answer).expect("text")
}

#[test]
fn end_of_a_body_changes_nothing_of_what_is_not_read_yet() {
    let edited = "abc\u{7f}def\u{15}ghi\u{4}\n";
    let server = pty("--plain-http --pty", "sleep 0.3; cat");
    assert_eq!(answer_to(&server, edited), edited);
    let long = format!("{}\n", "x".repeat(5000));
    assert!(answer_to(&server, &long) == long);
    let server = pty("--plain-http --pty", "cat");
    assert!(answer_to(&server, &long) == long);
    let slow = "import os, sys, time\n\
                while piece := os.read(0, 8192):\n    os.write(1, piece)\n    time.sleep(0.01)\n";
    let server = Gateway::with("--plain-http --pty --binary python3 -c")
        .args([slow])
        .start();
    let bytes: String = (0..200_000_u32)
        .map(|n| char::from((n.wrapping_mul(2_654_435_761) >> 25) as u8))
        .collect();
    assert!(answer_to(&server, &bytes) == bytes);
}

#[test]
fn program_that_reads_late_is_not_hung_up_before() {
    let late =
        "import sys, time; time.sleep(1.3); sys.stdout.write(sys.stdin.read()); print('end')";
    let server = Gateway::with("--plain-http --pty python3 -c")
        .args([late])
        .start();
    assert_eq!(answer_to(&server, "x\n"), "x\nend\n");
    assert_eq!(answer_to(&server, ""), "end\n");
}

#[test]
fn stop_of_the_server_leaves_what_is_not_read_as_it_is() {
    let mut server = pty("--pty", "read -r go; echo reading; sleep 0.3; cat");
    let mut client = server.connect();
    client.send("go");
    assert_eq!(client.text(), "reading");
    client.send("abc\u{7f}def\u{15}ghi");
    client.wait_until_taken();
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "abc\u{7f}def\u{15}ghi");
    assert_eq!(client.closed().0, 1001);
    server.wait();
}

#[test]
fn client_that_goes_hangs_up_at_once() {
    let server = pty("--pty", "trap '' INT TERM; echo $$; exec sleep 1000");
    let mut client = server.connect();
    let pid = client.text().parse().expect("a pid");
    client.send_close(1000);
    assert_eq!(client.closed().0, 1000);
    wait_until_gone(pid);
    eventually("the session is over", || server.children().is_empty());
}

#[test]
fn stdout_alone_is_a_raw_terminal_and_nobodys_controlling_one() {
    let script = "test -t 0 || echo in; test -t 1 && echo out; test -t 2 || echo error; (: </dev/tty) 2>/dev/null || echo none; stty -a <&1; echo end";
    let server = pty("--unbuffer=pty", script);
    let mut client = server.connect();
    for expected in ["in", "out", "error", "none"] {
        assert_eq!(client.text(), expected);
    }
    let modes = modes(&mut client);
    for mode in ["-echo", "-icanon", "-isig", "-opost", "-icrnl", "-ixon"] {
        assert!(modes.contains(mode), "{mode}: {modes:?}");
    }
}

#[test]
fn stdin_beside_a_terminal_ends_and_stderr_is_logged() {
    let mut server = pty("--unbuffer=pty", "echo complaint >&2; cat; echo bye");
    let mut client = server.connect();
    server.wait_for_line("complaint");
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "bye");
    assert_eq!(client.closed().0, 1001);
}

#[test]
fn shared_program_may_have_a_terminal_as_stdout() {
    let server = pty("--share --unbuffer=pty", "test -t 1 && echo terminal; cat");
    let mut client = server.connect();
    assert_eq!(client.text(), "terminal");
    client.send("hello");
    assert_eq!(client.text(), "hello");
}

#[test]
fn terminal_belongs_to_the_programs_user() {
    if !installed::is_root_or_skip("a terminal's owner") {
        return;
    }
    for (flag, of) in [("--pty", "0"), ("--unbuffer=pty", "1"), ("--terminal", "0")] {
        let server = pty(
            &format!("--user=nobody {flag}"),
            &format!(
                "stat -L -c '%U %a' /proc/self/fd/{of}; : >/proc/self/fd/1 && echo opened; sleep 1000"
            ),
        );
        let mut client = server.connect();
        let mut shown = String::new();
        while !shown.contains("opened") {
            shown += &String::from_utf8_lossy(&client.receive().payload);
            shown += "\n";
        }
        assert!(shown.contains("nobody 620"), "{flag}: {shown}");
    }
}

#[test]
fn without_a_pty_the_answer_is_503_and_comes_again() {
    // A mount of its own with room for one; the machine's limit is not ours to change.
    if !installed::is_root_or_skip("a machine without ptys") {
        return;
    }
    let mount = "mount -t devpts -o newinstance,max=1,ptmxmode=666 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx && exec \"$0\" \"$@\"";
    let can_mount = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", mount, "true"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        installed::skip("a machine without ptys: no mount of one's own can be made here");
        return;
    }
    let server = Gateway::with("--pty")
        .under(&["unshare", "--mount", "sh", "-c", mount])
        .program("echo ready; cat")
        .start();
    let mut first = server.connect();
    assert_eq!(first.text(), "ready");
    let mut second = server.ask("/", &[]);
    assert_eq!(second.status(), 503);
    assert!(
        second
            .head
            .to_ascii_lowercase()
            .contains("\r\nretry-after: "),
        "{}",
        second.head
    );
    assert!(second.body().contains("kernel.pty.max"));
    drop(first);
    eventually("there is room again", || server.status("/", &[]) == 101);
}

#[test]
fn where_there_are_no_ptys_it_is_said_of_them_and_not_of_the_program() {
    if !installed::is_root_or_skip("a machine without devpts") {
        return;
    }
    let mount = "mount -t tmpfs none /dev/pts && exec \"$0\" \"$@\"";
    let can_mount = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", mount, "true"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        installed::skip("a machine without devpts: no mount of one's own can be made here");
        return;
    }
    let mut server = Gateway::with("--pty")
        .under(&["unshare", "--mount", "sh", "-c", mount])
        .program("cat")
        .start();
    assert_eq!(server.status("/", &[]), 503);
    server.wait_for_line("no pseudoterminal can be opened (is devpts mounted at /dev/pts?)");
}

#[test]
fn doctor_counts_ptys_where_sessions_take_one() {
    for flag in ["--pty", "--unbuffer=pty", "--terminal"] {
        let output = run(&["--doctor", "--maxforks=0", flag, "cat"]);
        assert!(
            output.stdout.contains("kernel.pty.max"),
            "{flag}: {output:?}"
        );
    }
    let output = run(&["--doctor", "--maxforks=0", "cat"]);
    assert!(!output.stdout.contains("kernel.pty.max"), "{output:?}");
}
