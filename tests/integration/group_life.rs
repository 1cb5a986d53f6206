//! The life of a shared program: its start, its end, and what becomes of its members.

use std::fs;

use crate::support::{
    Client, Gateway, Signal, eventually, is_alive, kill,
    operators::{figures, start},
    puppet::{PUPPET, member, puppet},
    wait_until_gone,
};

#[test]
fn who_comes_back_in_time_finds_the_same_process() {
    let server = Gateway::with("--share --share-keep=60 cat").start();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    let before = server.children();
    client.close();
    let mut client = server.connect();
    client.send("y");
    assert_eq!(client.text(), "y");
    assert_eq!(server.children(), before);
}

#[test]
fn program_ends_when_it_was_kept_for_long_enough() {
    let mut server = Gateway::with("--share --share-keep=0")
        .program("cat; echo over >&2")
        .start();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    client.close();
    server.wait_for_line("over");
    server.wait_for_line("shared program ended");
    eventually("it has gone", || server.children().is_empty());
}

#[test]
fn what_the_last_member_said_is_worked_on_before_the_end() {
    let program = "sleep 0.3; while read -r line; do echo \"heard $line\" >&2; done";
    let mut server = Gateway::with("--share --share-keep=0 --closems=60000")
        .program(program)
        .start();
    let mut client = server.connect();
    for _ in 0..100 {
        client.send("x");
    }
    client.close();
    for _ in 0..100 {
        server.wait_for_line("heard x");
    }
}

#[test]
fn program_that_reads_nothing_gets_no_more_time() {
    let program = "echo here; exec sleep 1000";
    // More than the pipe and the group take, 64 KiB each; no more than the socket has room for behind that, or the end
    // of the connection could not come in.
    for lines in [1, 150] {
        let mut server = Gateway::with("--share --share-keep=0 --finish-timeout=1000")
            .program(program)
            .start();
        let mut client = server.connect();
        assert_eq!(client.text(), "here");
        for _ in 0..lines {
            client.send(&"x".repeat(1000));
        }
        drop(client);
        server.wait_for_line("shared program ended");
    }
}

#[test]
fn deadlines_hold_when_the_group_has_been_empty() {
    let program = r#"sleep 1000 & while IFS= read -r line; do
        printf 'told %s\n' "$line" >&2
        case $line in [0-9]*) exit ;; esac
    done"#;
    let mut server = Gateway::with("--share=tagged --share-keep=1000")
        .program(program)
        .start();
    let client = server.connect();
    server.wait_for_line("told +1");
    client.close();
    server.wait_for_line("told -1");
    // Its end is behind a pause of its stdout, which is held.
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn program_that_is_kept_and_crashes_may_be_joined_while_it_is_started_again() {
    let (server, admin) = start(&["--share", "--share-keep=always", "--respawn", "false"]);
    eventually("it was started again", || {
        figures(admin)["wsd_group_respawns_total"] >= 3.0
    });
    assert_eq!(server.status("/", &[]), 101);
}

#[test]
fn programs_that_have_ended_do_not_count_though_the_route_keeps_one() {
    let words = [
        "--share",
        "--share-keep=always",
        "--",
        "sh",
        "-c",
        "read -r x; exit 0",
    ];
    let (server, admin) = start(&words);
    for _ in 0..8 {
        let mut client = server.connect();
        client.send("x");
        assert_eq!(client.closed().0, 1000);
    }
    eventually("nobody is a member", || {
        figures(admin)["wsd_members_open"] == 0.0
    });
    // One may be there again, and the last may just be going.
    let open = figures(admin)["wsd_groups_open{kind=\"program\"}"];
    assert!(open < 4.0, "{open}");
}

#[test]
fn program_that_does_not_end_by_itself_goes_down_the_ladder() {
    let program =
        "trap 'echo interrupted >&2; exit 3' INT; echo here; while :; do sleep 0.01; done";
    let mut server = Gateway::with("--share --share-keep=0 --finish-timeout=0")
        .program(program)
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "here");
    client.close();
    server.wait_for_line("interrupted");
    let line = server.wait_for_line("shared program ended");
    assert!(line.contains("exit_status=3"), "{line}");
}

#[test]
fn who_joins_during_the_ladder_gets_a_new_program() {
    let program = "echo $$; trap '' INT; cat; echo over >&2; sleep 0.3; exec >&-; sleep 60";
    let mut server = Gateway::with("--share --share-keep=0")
        .program(program)
        .start();
    let mut client = server.connect();
    let first = client.text();
    client.close();
    server.wait_for_line("over");
    let mut client = server.connect();
    let second = client.text();
    client.send("x");
    assert_eq!(client.text(), "x");
    assert_ne!(first, second);
    assert!(!is_alive(first.parse().expect("a number")));
}

#[test]
fn end_of_the_program_closes_all_behind_all_that_it_said() {
    for (status, code) in [("exit 0", 1000), ("exit 7", 4007), ("kill -9 $$", 4137)] {
        let program = format!("read -r line; seq 1000; {status}");
        let server = Gateway::with("--share").program(&program).start();
        let mut clients = [server.connect(), server.connect()];
        clients[1].send("go");
        for client in &mut clients {
            for number in 1..=1000 {
                assert_eq!(client.text(), number.to_string());
            }
            assert_eq!(client.closed().0, code, "{status}");
        }
        // It has lived for less than a second, so that after a failure there is a pause.
        eventually("it is started anew", || server.status("/", &[]) == 101);
    }
}

#[test]
fn end_of_the_program_counts_although_another_holds_its_stdout() {
    let server = Gateway::with("--share")
        .program("sleep 60 & echo here; read -r line; exit 3")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "here");
    client.send("go");
    assert_eq!(client.closed().0, 4003);
    eventually("all of it has ended", || server.children().is_empty());
}

#[test]
fn program_that_fails_at_once_is_not_started_again_at_once() {
    let server = Gateway::with("--share").program("exit 1").start();
    assert_eq!(server.connect().closed().0, 4001);
    eventually("the next has to wait", || {
        let next = server.ask("/", &[]);
        match next.status() {
            503 => next.head.to_lowercase().contains("\r\nretry-after: "),
            _ => false,
        }
    });
}

#[test]
fn members_stay_when_a_program_is_started_again() {
    let mut server = puppet("--respawn");
    let mut first = member(&mut server, 1);
    let mut second = member(&mut server, 2);
    first.send("+1\\t#red");
    first.send("*\\tbefore");
    assert_eq!([first.text(), second.text()], ["before", "before"]);
    let before = server.children();
    kill(before[0], Signal::KILL);
    server.wait_for_line("is started again in");
    first.send("#red\\tnobody\\n*\\tafter");
    server.wait_for_line("was started again");
    for told in ["told +1", "told +2", "told 1\t"] {
        let line = server.wait_for_line("told ");
        assert!(line.contains(told), "{line}");
    }
    assert_eq!([first.text(), second.text()], ["after", "after"]);
    let third = member(&mut server, 3);
    third.close();
    server.wait_for_line("told -3\t1000");
}

#[test]
fn status_0_ends_all_although_it_would_be_started_again() {
    let server = Gateway::with("--share --respawn")
        .program("read -r line; exit 0")
        .start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("go");
    for client in &mut clients {
        assert_eq!(client.closed().0, 1000);
    }
}

#[test]
fn members_are_closed_when_the_program_cannot_be_started_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = crate::support::script(directory.path(), "program", "#!/bin/sh\nexec cat\n");
    let mut server = Gateway::new()
        .args(["--share", "--respawn", path.to_str().expect("text")])
        .start();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    fs::remove_file(&path).expect("it is there");
    kill(server.children()[0], Signal::KILL);
    assert_eq!(client.closed().0, 1011);
    server.wait_for_line("cannot be started");
}

#[test]
fn program_that_is_kept_is_there_before_the_first_member_and_after_its_end() {
    let (server, admin) = start(&["--share", "--share-keep=always", "cat"]);
    eventually("it runs", || server.children().len() == 1);
    let first = server.children();
    let mut client = server.connect();
    client.send("x");
    assert_eq!(client.text(), "x");
    assert_eq!(server.children(), first);
    kill(first[0], Signal::KILL);
    assert_eq!(client.closed().0, 4137);
    eventually("it runs again", || {
        figures(admin)["wsd_group_starts_total"] == 2.0
    });
    assert_ne!(server.children(), first);
}

#[test]
fn kept_program_that_cannot_be_started_is_no_start_at_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("program");
    fs::write(&path, b"\x7fELF\x02\0\0no program").expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).expect("its mode");
    let words = [
        "--share",
        "--share-keep=always",
        path.to_str().expect("text"),
    ];
    let output = Gateway::new().args(words).output();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(
        output.stderr.contains("--share-keep=always"),
        "{}",
        output.stderr
    );
}

#[test]
fn program_that_closes_its_stdout_is_told_on() {
    let program = "exec >&-; while read -r line; do echo \"heard $line\" >&2; done";
    let mut server = Gateway::with("--share").program(program).start();
    let mut client = server.connect();
    client.send("one");
    server.wait_for_line("heard one");
    client.send("two");
    server.wait_for_line("heard two");
}

#[test]
fn program_that_has_closed_its_stdin_keeps_nobody_from_being_read() {
    let program = "exec <&-; while :; do echo tick; sleep 0.02; done";
    let server = Gateway::with("--share").program(program).start();
    let mut client = server.connect();
    let long = "x".repeat(60_000);
    for _ in 0..20 {
        client.send(&long);
    }
    client.send_frame(true, 9, b"x");
    while client.receive().opcode != 10 {}
    assert_eq!(client.text(), "tick");
}

#[test]
fn history_begins_anew_with_a_new_process() {
    let program = "echo $$; read -r line; echo \"$line\"; exit 3";
    let server = Gateway::with("--share --history=9 --respawn")
        .program(program)
        .start();
    let mut first = server.connect();
    let before = first.text();
    first.send("go");
    assert_eq!(first.text(), "go");
    let after = first.text();
    assert_ne!(after, before);
    assert_eq!(server.connect().text(), after);
}

#[test]
fn time_limits_hold_for_each_member() {
    let server = Gateway::with("--share --idle-timeout=300ms cat").start();
    let mut silent = server.connect();
    let (code, reason) = silent.closed();
    assert!(
        code == 1001 && reason.contains("no message"),
        "{code} {reason}"
    );
    let server = Gateway::with("--share --max-lifetime=50ms")
        .program("sleep 60")
        .start();
    assert_eq!(server.connect().closed().0, 1001);
}

#[test]
fn program_without_both_streams_is_ended() {
    let program = "exec <&- >&-; trap 'exit 5' INT; while :; do sleep 0.01; done";
    let server = Gateway::with("--share").program(program).start();
    let mut client = server.connect();
    assert_eq!(client.closed().0, 4005);
}

#[test]
fn broken_program_is_not_started_again_at_once_however_long_it_lived() {
    // It begins to fail when it has lived for longer than one that fails to start.
    let program = "read -r line; sleep 1.2; head -c 2000 /dev/zero; sleep 60";
    let server = Gateway::with("--share --maxlinesize=1000")
        .program(program)
        .start();
    let mut refused = false;
    for _ in 0..6 {
        let mut client = server.connect();
        client.send("go");
        assert_eq!(client.closed().0, 1011);
        eventually("its program has ended", || server.children().is_empty());
        loop {
            match server.ask("/", &[]).status() {
                503 => refused = true,
                status => break assert_eq!(status, 101),
            }
        }
        if refused {
            return;
        }
    }
    panic!("nobody has to wait");
}

#[test]
fn line_that_is_too_long_breaks_the_program() {
    let program = "read -r line; echo before; head -c 2000 /dev/zero; sleep 60";
    let server = Gateway::with("--share --maxlinesize=1000")
        .program(program)
        .start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("go");
    for client in &mut clients {
        assert_eq!(client.text(), "before");
        let (code, reason) = client.closed();
        assert!(
            code == 1011 && reason.contains("--maxlinesize"),
            "{code} {reason}"
        );
    }
    eventually("it has ended", || server.children().is_empty());
}

#[test]
fn program_that_does_not_read_keeps_nobody_waiting_but_who_speaks() {
    let program = "echo here; read -r line; echo \"$line\"; sleep 60";
    let server = Gateway::with("--share --history=1")
        .program(program)
        .start();
    let mut first = server.connect();
    assert_eq!(first.text(), "here");
    let mut flooding = server.connect();
    assert_eq!(flooding.text(), "here");
    first.send("go");
    assert_eq!([first.text(), flooding.text()], ["go", "go"]);
    flooding
        .stream
        .set_write_timeout(Some(std::time::Duration::from_millis(200)))
        .expect("an option");
    let long = "x".repeat(60_000);
    // Until it is not read any more.
    while flooding.try_send(true, 1, long.as_bytes()).is_ok() {}
    first.send_frame(true, 9, b"x");
    assert_eq!(first.receive().opcode, 10);
    first.close();
}

#[test]
fn stop_lets_the_program_say_its_last_to_all() {
    let program = "cat; echo last; exit 3";
    let mut server = Gateway::with("--share").program(program).start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("x");
    for client in &mut clients {
        assert_eq!(client.text(), "x");
    }
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.text(), "last");
        assert_eq!(client.closed().0, 1001);
    }
    assert!(server.wait().success());
}

#[test]
fn second_signal_ends_the_program_now() {
    let mut server = Gateway::with("--share")
        .program("trap '' INT TERM; echo $$; while :; do sleep 1; done")
        .start();
    let mut client = server.connect();
    let pid = client.text().parse().expect("a number");
    server.signal(Signal::TERM);
    server.insist(Signal::TERM);
    wait_until_gone(pid);
}

/// A server whose file shares `/x` by this command, and more keys.
fn shared_route(command: &str, keys: &str) -> String {
    format!("[[route]]\npath = '/x'\ncommand = {command}\nshare = 'plain'\n{keys}\n")
}

#[test]
fn reload_keeps_a_group_that_is_the_same_on_its_new_terms() {
    let mut server = Gateway::new().file(&shared_route("'cat'", "")).start();
    let mut first = server.connect_to("/x");
    first.send("x");
    assert_eq!(first.text(), "x");
    let before = server.children();
    fs::write(server.config(), shared_route("'cat'", "max-members = 2")).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    let mut second = server.connect_to("/x");
    second.send("y");
    assert_eq!([first.text(), second.text()], ["y", "y"]);
    assert_eq!(server.children(), before);
    assert_eq!(server.status("/x", &[]), 503);
}

#[test]
fn reload_leaves_a_group_that_has_changed_to_its_members() {
    let mut server = Gateway::new()
        .file(&shared_route("'cat'", "share-keep = 60"))
        .start();
    let mut first = server.connect_to("/x");
    first.send("x");
    assert_eq!(first.text(), "x");
    let old = server.children();
    let command = "['sh', '-c', 'echo new; exec cat']";
    fs::write(server.config(), shared_route(command, "share-keep = 60")).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    let mut second = server.connect_to("/x");
    assert_eq!(second.text(), "new");
    second.send("y");
    assert_eq!(second.text(), "y");
    first.send("z");
    assert_eq!(first.text(), "z");
    first.close();
    wait_until_gone(old[0]);
    second.send("still");
    assert_eq!(second.text(), "still");
}

#[test]
fn members_come_and_go_while_the_program_never_reads() {
    let (server, admin) = start(&["--share=tagged", "sh", "-c", "sleep 60"]);
    let stays = server.connect();
    for _ in 0..200 {
        let mut client = server.connect();
        client.send("x");
        client.send_close(1000);
    }
    eventually("they have gone", || {
        figures(admin)["wsd_members_open"] == 1.0
    });
    drop(stays);
}

#[test]
fn members_who_go_while_all_are_told_harm_nobody() {
    let mut server = puppet("");
    let mut first = member(&mut server, 1);
    for number in 2..40 {
        let client: Client = member(&mut server, number);
        first.send("*\\tall");
        match number % 3 {
            0 => client.reset(),
            1 => client.close(),
            _ => drop(client),
        }
        server.wait_for_line(&format!("told -{number}\t"));
        assert_eq!(first.text(), "all");
    }
    assert!(PUPPET.contains("read"));
}
