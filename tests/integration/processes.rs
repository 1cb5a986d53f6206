//! Processes told truthfully, and programs that misbehave: what `docs/processes.md` says.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use crate::support::{
    self, Client, Gateway, Server, Signal, WSD, address_in, eventually, is_alive, kill,
    lease::Lease, script, state, wait_until_gone,
};

/// Asks a program that prints pids for the next one.
fn pid_from(client: &mut Client) -> i32 {
    client.text().trim().parse().expect("a pid")
}

fn status_field(text: &str, name: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .expect(name);
    line.split_whitespace().nth(1).expect("a value").to_owned()
}

/// Starts what follows with a terminal of its own, which lasts as long as that holds its descriptor.
const ON_A_TERMINAL: &str = "
import fcntl, os, sys, termios
master, slave = os.openpty()
os.set_inheritable(master, True)
os.setsid()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
os.close(slave)
os.execvp(sys.argv[1], sys.argv[1:])
";

/// A program that says its process id, group and session, and whether it has a terminal.
const PLACE: &str =
    "echo $$; cut -d' ' -f5,6 /proc/$$/stat; (: </dev/tty) 2>/dev/null && echo some || echo none";

#[test]
fn program_of_a_wsd_on_a_terminal_leads_a_session_without_one() {
    let server = Gateway::new()
        .under(&["python3", "-c", ON_A_TERMINAL])
        .program(PLACE)
        .start();
    let mut client = server.connect();
    let pid = client.text();
    assert_eq!(client.text(), format!("{pid} {pid}"));
    assert_eq!(client.text(), "none");
}

#[test]
fn program_of_a_wsd_without_a_terminal_leads_a_group_of_its_session() {
    // Even where the tests have a terminal.
    let server = Gateway::new().under(&["setsid"]).program(PLACE).start();
    let mut client = server.connect();
    let pid = client.text();
    assert_eq!(client.text(), format!("{pid} {}", server.pid()));
    assert_eq!(client.text(), "none");
}

#[test]
fn program_has_three_descriptors_and_no_other() {
    // The gateway holds sockets and pipes of other sessions meanwhile.
    let server = Gateway::new()
        .args([
        "python3",
        "-c",
        "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)))",
    ])
        .start();
    let _others: Vec<_> = (0..3).map(|_| server.connect()).collect();
    assert_eq!(server.connect().text(), "[0, 1, 2]");
}

#[test]
fn descriptors_and_listen_variables_of_the_starter_are_not_inherited() {
    let server = Gateway::new()
        .shell("exec 7</dev/null 9</dev/null; export LISTEN_FDS=1 LISTEN_PID=1")
        .program("ls /proc/self/fd; env")
        .start();
    let mut client = server.connect();
    let mut lines = Vec::new();
    while let Ok(frame) = client.try_receive() {
        lines.push(String::from_utf8_lossy(&frame.payload).into_owned());
    }
    assert!(
        !lines.iter().any(|line| line == "7" || line == "9"),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("LISTEN_")),
        "{lines:?}"
    );
}

#[test]
fn all_signals_are_default_and_unblocked() {
    // A starter that ignores and a gateway that ignores SIGPIPE must not show in the program.
    let server = Gateway::with("cat /proc/self/status")
        .shell("trap '' INT HUP USR1 PIPE")
        .start();
    let mut client = server.connect();
    let mut status = String::new();
    while let Ok(frame) = client.try_receive() {
        status.push_str(&String::from_utf8_lossy(&frame.payload));
        status.push('\n');
    }
    for field in ["SigBlk:", "SigIgn:"] {
        assert_eq!(status_field(&status, field), "0000000000000000", "{field}");
    }
}

#[test]
fn soft_limit_of_open_files_is_the_old_one() {
    let server = Gateway::new()
        .shell("ulimit -Sn 123")
        .program("ulimit -Sn; ulimit -Hn")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "123");
    assert_ne!(client.text(), "123", "the hard limit is larger");
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("limits");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("a line");
    let fields: Vec<_> = files.split_whitespace().collect();
    assert_eq!(fields[3], fields[4], "the gateway has raised its own");
}

#[test]
fn working_directory_is_the_gateways() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Gateway::with("pwd").current_dir(directory.path()).start();
    let expected = directory.path().canonicalize().expect("a path");
    assert_eq!(server.connect().text(), expected.to_str().expect("text"));
}

#[test]
fn client_close_ends_a_program_by_end_of_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("after");
    // Time to write, however busy the machine is, before the first signal.
    let mut server = Gateway::with("--closems=20000")
        .program(&format!("cat; echo flushed > {}", file.display()))
        .start();
    server.connect().close();
    let line = server.wait_for_line("session ended");
    assert!(line.contains("exit_status=0"), "{line}");
    assert_eq!(
        fs::read_to_string(file).expect("the program's file"),
        "flushed\n"
    );
}

#[test]
fn ladder_goes_to_interrupt_then_terminate_then_kill() {
    for (script, end) in [
        ("echo $$; exec sleep 1000", "signal=2"),
        ("trap '' INT; echo $$; exec sleep 1000", "signal=15"),
        ("trap '' INT TERM; echo $$; exec sleep 1000", "signal=9"),
    ] {
        let mut server = Gateway::new().program(script).start();
        let mut client = server.connect();
        let pid = pid_from(&mut client);
        client.close();
        let line = server.wait_for_line("session ended");
        assert!(line.contains(end), "{line}");
        assert!(!is_alive(pid));
    }
}

#[test]
fn closems_adds_to_each_step() {
    let mut server = Gateway::with("--closems=20000")
        .program("trap 'echo int > /dev/null; exit 7' INT; echo ready; read eof; sleep 0.2; exit 5")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "ready");
    client.close();
    // 200 ms after end-of-file would be past the first 100 ms.
    let line = server.wait_for_line("session ended");
    assert!(line.contains("exit_status=5"), "{line}");
}

#[test]
fn grandchildren_end_with_the_session() {
    let mut server = Gateway::new()
        .program("sleep 1000 & echo $!; (trap '' INT TERM; exec sleep 1000) & echo $!; cat")
        .start();
    let mut client = server.connect();
    let pids = [pid_from(&mut client), pid_from(&mut client)];
    client.close();
    server.wait_for_line("session ended");
    pids.into_iter().for_each(wait_until_gone);
}

#[test]
fn job_in_a_session_of_its_own_outlives_its_program() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("pid");
    let (new, file) = (
        directory.path().join("new").display().to_string(),
        file.display().to_string(),
    );
    let job = format!(
        "setsid sh -c 'echo $$ >{new}; mv {new} {file}; exec sleep 1000' </dev/null >/dev/null 2>&1 &"
    );
    let server = Gateway::new().program(&job).start();
    for _ in 0..20 {
        assert_eq!(server.connect().closed().0, 1000);
        eventually("the job lives", || {
            fs::exists(&file).is_ok_and(|exists| exists)
        });
        let pid = fs::read_to_string(&file).expect("text");
        let pid = pid.trim().parse().expect("a pid");
        assert!(is_alive(pid));
        kill(pid, Signal::KILL);
        fs::remove_file(&file).expect("it was there");
    }
}

#[test]
fn grandchild_that_holds_stdout_does_not_hold_the_session() {
    let mut server = Gateway::new()
        .program("sleep 1000 & echo $!; echo $$; exit 3")
        .start();
    let mut client = server.connect();
    let (grandchild, leader) = (pid_from(&mut client), pid_from(&mut client));
    // The leader is reaped at once, long before the session ends.
    eventually("the leader is reaped", || state(leader).is_none());
    assert!(is_alive(grandchild));
    assert_eq!(client.closed().0, 4003);
    server.wait_for_line("session ended");
    wait_until_gone(grandchild);
}

#[test]
fn output_of_a_grandchild_is_delivered_while_it_comes() {
    let server = Gateway::new()
        .program("(for n in $(seq 15); do sleep 0.05; echo $n; done) & exit 0")
        .start();
    let mut client = server.connect();
    // Longer in all than the pause that would end it.
    for number in 1..=15 {
        assert_eq!(client.text(), number.to_string());
    }
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn double_fork_ends_with_the_session() {
    let program = "import os,sys,time\nif os.fork() == 0:\n  if os.fork() == 0:\n    print(os.getpid(), flush=True)\n    time.sleep(1000)\n  os._exit(0)\nsys.stdin.read()";
    let mut server = Gateway::new().args(["python3", "-c", program]).start();
    let mut client = server.connect();
    let pid = pid_from(&mut client);
    client.close();
    server.wait_for_line("session ended");
    wait_until_gone(pid);
}

#[test]
fn program_that_ends_at_once_is_told_as_such() {
    let server = Gateway::with("false").start();
    for _ in 0..20 {
        assert_eq!(server.connect().closed().0, 4001);
    }
}

#[test]
fn program_that_ends_without_reading_does_not_break_its_client() {
    let server = Gateway::new()
        .program("exec <&-; sleep 0.05; echo bye")
        .start();
    let mut client = server.connect();
    for _ in 0..100 {
        let _ = client.try_send(true, 1, &[b'x'; 1000]);
    }
    assert_eq!(client.text(), "bye");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn program_that_reads_one_line_only_ends_well() {
    let server = Gateway::with("head -n 1").start();
    let mut client = server.connect();
    for _ in 0..1000 {
        let _ = client.try_send(true, 1, b"x");
    }
    assert_eq!(client.text(), "x");
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn program_that_closes_stdin_writes_on() {
    let server = Gateway::new()
        .program("exec <&-; for n in 1 2 3; do sleep 0.1; echo $n; done")
        .start();
    let mut client = server.connect();
    client.send("to nobody");
    for number in 1..=3 {
        assert_eq!(client.text(), number.to_string());
        client.send("to nobody");
    }
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn program_that_never_reads_does_not_keep_a_client_that_closes() {
    let mut server = Gateway::with("sleep 1000").start();
    let mut client = server.connect();
    client.send(&"x".repeat(10_000));
    client.close();
    server.wait_for_line("session ended");
    assert!(server.children().is_empty());
}

#[test]
fn program_that_never_reads_holds_its_client_back() {
    let server = Gateway::with("--pingms=0 sleep 1000").start();
    let mut client = server.connect();
    client
        .stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    let mut sent = 0;
    while client.try_send(true, 1, &[b'x'; 65536]).is_ok() {
        sent += 65536;
        assert!(sent < 100 << 20, "somebody takes everything");
    }
}

#[test]
fn stderr_lines_of_any_length_never_block() {
    let mut server = Gateway::new()
        .program(
            "head -c 5000 /dev/zero | tr '\\0' a >&2; echo >&2; head -c 1000000 /dev/zero | tr '\\0' b >&2; echo >&2; echo done",
        )
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "done");
    assert!(server.wait_for_line("aaa").contains(&"a".repeat(5000)));
    let line = server.wait_for_line("bbb");
    assert!(
        line.contains(&"b".repeat(8192)) && line.contains("991808 more bytes"),
        "{}",
        line.len()
    );
}

#[test]
fn program_that_cannot_be_executed_is_a_500_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let garbage = script(directory.path(), "garbage", "\u{7f}not\0a program");
    let server = Gateway::new()
        .args([garbage.to_str().expect("text")])
        .start();
    let mut client = server.ask("/", &[]);
    assert!(client.head.starts_with("HTTP/1.1 500 "), "{}", client.head);
    assert!(client.body().contains("Exec format error"));
}

#[test]
fn program_that_somebody_is_writing_is_a_503() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(directory.path(), "program", "#!/bin/sh\necho here\n");
    let server = Gateway::new()
        .args([program.to_str().expect("text")])
        .start();
    let writer = fs::OpenOptions::new().append(true).open(&program);
    let writer = writer.expect("a file");
    let client = server.ask("/", &[]);
    assert!(client.head.starts_with("HTTP/1.1 503 "), "{}", client.head);
    assert!(client.head.to_lowercase().contains("retry-after: 1"));
    drop(writer);
    assert_eq!(server.connect().text(), "here");
}

#[test]
fn program_that_disappears_and_comes_back_is_found_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(directory.path(), "program", "#!/bin/sh\necho here\n");
    let server = Gateway::new()
        .args([program.to_str().expect("text")])
        .start();
    assert_eq!(server.connect().text(), "here");
    fs::remove_file(&program).expect("it was there");
    let mut client = server.ask("/", &[]);
    assert!(client.head.starts_with("HTTP/1.1 500 "), "{}", client.head);
    assert!(client.body().contains("No such file"));
    script(directory.path(), "program", "#!/bin/sh\necho back\n");
    assert_eq!(server.connect().text(), "back");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).expect("its mode");
    assert!(server.ask("/", &[]).head.starts_with("HTTP/1.1 500 "));
}

#[test]
fn start_that_may_work_later_is_a_503() {
    // Room for the listener and a few connections, not for the pipes of many programs.
    let server = Gateway::with("cat").shell("ulimit -n 28").start();
    let mut clients = Vec::new();
    let refused = loop {
        let client = server.ask("/", &[]);
        if !client.head.starts_with("HTTP/1.1 101 ") {
            break client;
        }
        clients.push(client);
        assert!(
            clients.len() < 28,
            "28 descriptors are not enough for that many"
        );
    };
    assert!(
        refused.head.starts_with("HTTP/1.1 503 "),
        "{}",
        refused.head
    );
    assert!(
        refused.head.to_lowercase().contains("retry-after: 1"),
        "{}",
        refused.head
    );
    drop(refused);
    // Those that are open work, and a place that becomes free is taken again.
    clients[0].send("hello");
    assert_eq!(clients[0].text(), "hello");
    clients.remove(0).close();
    eventually("a new client is served", || {
        server.ask("/", &[]).head.starts_with("HTTP/1.1 101 ")
    });
}

#[test]
fn server_without_a_free_descriptor_waits_and_recovers() {
    let mut server = Gateway::with("--maxforks=0 cat")
        .shell("ulimit -n 28")
        .start();
    let idle: Vec<_> = (0..30)
        .map(|_| std::net::TcpStream::connect(server.address).expect("the backlog takes it"))
        .collect();
    server.wait_for_line("cannot accept");
    drop(idle);
    eventually("a new client is served", || {
        server.ask("/", &[]).head.starts_with("HTTP/1.1 101 ")
    });
    assert_eq!(
        server.log().matches("cannot accept").count(),
        1,
        "an outage is one line"
    );
}

#[test]
fn programs_end_when_the_gateway_is_killed() {
    let server = Gateway::new()
        .program("trap '' INT TERM HUP; echo $$; while :; do sleep 1000; done")
        .start();
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    let pids: Vec<_> = clients.iter_mut().map(pid_from).collect();
    server.signal(Signal::KILL);
    for pid in pids {
        wait_until_gone(pid);
    }
}

#[test]
fn what_programs_have_started_ends_too_when_the_gateway_is_killed() {
    // The command that a shell waits for, and one in the background that ignores what can be ignored.
    let server = Gateway::new()
        .program("(trap '' INT TERM HUP; exec sleep 1000) & echo $!; sleep 1000; echo unreached")
        .start();
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    let mut pids: Vec<_> = clients.iter_mut().map(pid_from).collect();
    let leaders = server.children();
    eventually("every shell waits for its sleep", || {
        leaders
            .iter()
            .all(|leader| support::children_of(*leader).len() == 2)
    });
    pids.extend(
        leaders
            .iter()
            .flat_map(|leader| support::children_of(*leader)),
    );
    server.signal(Signal::KILL);
    pids.into_iter().for_each(wait_until_gone);
}

#[test]
fn orphan_killer_ends_with_its_gateway_and_holds_nothing_of_it() {
    let mut server = Gateway::with("cat").start();
    let orphan_killer = server.orphan_killer();
    let open = fs::read_dir(format!("/proc/{orphan_killer}/fd"))
        .expect("proc")
        .count();
    assert_eq!(open, 1, "the pipe alone");
    kill(orphan_killer, Signal::TERM);
    server.connect().close();
    assert!(is_alive(orphan_killer), "only its gateway's end ends it");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    wait_until_gone(orphan_killer);
}

#[test]
fn nothing_is_left_after_two_thousand_cycles() {
    let server = Gateway::with("--loglevel=error cat").start();
    let cycle = |server: &Server| {
        let mut client = server.connect();
        client.send("hello");
        assert_eq!(client.text(), "hello");
        client.close();
    };
    let count = |what: &str| {
        fs::read_dir(format!("/proc/{}/{what}", server.pid()))
            .expect("proc")
            .count()
    };
    (0..20).for_each(|_| cycle(&server));
    eventually("the first have ended", || server.children().is_empty());
    let before = (count("fd"), count("task"), spawners(&server));
    (0..2000).for_each(|_| cycle(&server));
    eventually("no child and no zombie is left", || {
        server.children().is_empty()
    });
    eventually("descriptors and threads are as before", || {
        // A busy machine may have needed more threads to start programs, which have four descriptors each.
        let more = spawners(&server) - before.2;
        count("fd") <= before.0 + 4 * more && count("task") <= before.1 + more
    });
}

/// Threads that start programs.
fn spawners(server: &Server) -> usize {
    let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("threads");
    let names = threads.flatten().map(|thread| {
        // It may have ended meanwhile.
        fs::read_to_string(thread.path().join("comm")).unwrap_or_default()
    });
    names.filter(|name| name == "spawner\n").count()
}

#[test]
fn end_of_a_program_wakes_no_thread_that_has_nothing_to_do_with_it() {
    let server = Gateway::new().program("echo $$").start();
    let main = server.pid();
    let sleeps = || {
        let status = fs::read_to_string(format!("/proc/{main}/task/{main}/status"));
        let field = status_field(
            &status.expect("the first thread"),
            "voluntary_ctxt_switches",
        );
        field.parse::<u32>().expect("a number")
    };
    let before = sleeps();
    for _ in 0..20 {
        wait_until_gone(pid_from(&mut server.connect()));
    }
    let woken = sleeps() - before;
    assert!(
        woken < 10,
        "the thread that waits for the end woke {woken} times"
    );
}

#[test]
fn start_that_hangs_delays_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let held = script(directory.path(), "held", "#!/bin/sh\necho held\n");
    let server = Gateway::new()
        .args([format!("--dir={}", directory.path().display())])
        .program("echo fine")
        .start();
    let lease = Lease::take(&held);
    let address = server.address;
    let hanging: Vec<_> = (0..6)
        .map(|_| std::thread::spawn(move || Client::ask(address, "/held", &[])))
        .collect();
    eventually("each thread that starts programs hangs, or did", || {
        let starting = server.children().len();
        starting >= 2 && spawners(&server) >= starting
    });
    for _ in 0..3 {
        assert_eq!(server.text("/"), "fine");
    }
    // They are given up, and leave nothing behind.
    for client in hanging {
        let head = client.join().expect("an answer").head;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.to_lowercase().contains("retry-after: 1"), "{head}");
    }
    eventually("those that hung are gone", || server.children().is_empty());
    drop(lease);
    assert_eq!(server.text("/held"), "held");
}

#[test]
fn start_that_nobody_waits_for_is_broken_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let held = script(directory.path(), "held", "#!/bin/sh\necho held\n");
    let server = Gateway::new()
        .args([format!("--dir={}", directory.path().display())])
        .start();
    let _lease = Lease::take(&held);
    let request = format!(
        "GET /held HTTP/1.1\r\nHost: localhost:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.port()
    );
    let mut stream = std::net::TcpStream::connect(server.address).expect("the server listens");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the server reads");
    eventually("the start hangs", || server.children().len() == 1);
    drop(stream);
    eventually("it is broken off", || server.children().is_empty());
}

#[test]
fn orphan_killer_that_is_killed_is_started_again() {
    let mut server = Gateway::new()
        .program("(trap '' INT TERM HUP; exec sleep 1000) & echo $!; sleep 1000; echo unreached")
        .start();
    let mut client = server.connect();
    let orphan = pid_from(&mut client);
    for _ in 0..2 {
        let orphan_killer = server.orphan_killer();
        kill(orphan_killer, Signal::KILL);
        server.wait_for_line("the orphan killer was ended by somebody");
        assert_ne!(server.orphan_killer(), orphan_killer);
    }
    server.signal(Signal::KILL);
    wait_until_gone(orphan);
}

#[test]
fn program_of_the_same_user_cannot_look_into_the_gateway() {
    let look = "cat /proc/self/environ >/dev/null && echo own; \
        for file in environ mem maps fd/0; do cat /proc/$PPID/$file >/dev/null 2>&1 && echo $file; done; echo end";
    let gateway = Gateway::new().env("SECRET", "x").program(look);
    // Root may look at everybody, unless it may not.
    let server = match rustix::process::geteuid().is_root() {
        true => gateway.under(&["setpriv", "--bounding-set=-all"]),
        false => gateway,
    };
    let server = server.start();
    let mut client = server.connect();
    assert_eq!(client.text(), "own", "a program is an ordinary process");
    assert_eq!(client.text(), "end");
}

#[test]
fn process_1_reaps_every_orphan() {
    let can = Command::new("unshare")
        .args(["-r", "-p", "-f", "--mount-proc", "true"])
        .status();
    assert!(
        can.is_ok_and(|status| status.success()),
        "unshare(1) can make a PID namespace here"
    );
    // A double fork into a session of its own leaves an orphan that only process 1 can reap.
    let mut server = Gateway::new()
        .under(&["unshare", "-r", "-p", "-f", "--mount-proc", "--kill-child"])
        .program("setsid sh -c 'sleep 0.1 &' ; cat")
        .start();
    for _ in 0..5 {
        let mut client = server.connect();
        client.send("hello");
        assert_eq!(client.text(), "hello");
        client.close();
    }
    server.wait_for_line("session ended");
    let process_1 = server.children()[0];
    let gateway = support::children_of(process_1)[0];
    eventually("process 1 has no child but the gateway", || {
        support::children_of(process_1) == [gateway]
    });
    // The signal reaches the gateway through process 1, and its exit status comes back.
    kill(process_1, Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn exit_status_is_known_though_the_starter_ignored_sigchld() {
    let ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); \
                    os.execv(sys.argv[1], sys.argv[1:])";
    let server = Gateway::new()
        .under(&["python3", "-c", ignoring])
        .program("echo hi; exit 3")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "hi");
    assert_eq!(client.closed().0, 4003);
}

/// A server that has logged more than its stderr and its queue hold, which nobody has read.
struct Flooded {
    server: std::process::Child,
    stderr: std::process::ChildStderr,
    address: std::net::SocketAddr,
}

impl Flooded {
    fn start() -> Self {
        use std::io::{Read, Write};
        let mut server = Command::new(WSD)
            .args(["--port=0", "cat"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("wsd starts");
        let mut stderr = server.stderr.take().expect("a pipe");
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            stderr.read_exact(&mut byte).expect("the line with the URL");
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).expect("text");
        let address = address_in(&line);
        // Each is a line of some 150 bytes; a pipe holds 64 KiB, the queue 1024 lines.
        for _ in 0..2000 {
            let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .expect("the server reads");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("an answer");
            assert!(answer.starts_with(b"HTTP/1.1 426 "));
        }
        Flooded {
            server,
            stderr,
            address,
        }
    }

    /// Ends it; returns what it has written to stdout.
    fn stop(mut self) -> String {
        kill(self.server.id() as i32, Signal::TERM);
        let mut status = None;
        eventually("it stops", || {
            status = self.server.try_wait().expect("a child");
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(0));
        let stdout = self.server.stdout.take().expect("a pipe");
        std::io::read_to_string(stdout).expect("text")
    }
}

#[test]
fn log_that_nobody_reads_stops_nothing() {
    let flooded = Flooded::start();
    let mut client = Client::connect(flooded.address, "/", &[]);
    client.send("still here");
    assert_eq!(client.text(), "still here");
    client.close();
    // stdout is the client's with --inetd: nothing is said there either.
    assert_eq!(flooded.stop(), "");
}

#[test]
fn lines_that_the_log_had_no_room_for_are_counted() {
    use std::io::BufRead;
    let mut flooded = Flooded::start();
    let lines = std::io::BufReader::new(&mut flooded.stderr).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    let told = lines.find(|line| line.contains(" of the log, which stderr did not take"));
    let told = told.expect("the log goes on");
    let count = told.split_whitespace().find_map(|word| word.parse().ok());
    // All that there was no room for by then, and not only what said so before.
    assert!(count.is_some_and(|count: u32| count > 100), "{told}");
    drop(lines);
    flooded.stop();
}

#[test]
fn as_many_threads_serve_as_are_asked_for() {
    for workers in [1, 3] {
        let server = Gateway::with(&format!("--workers={workers} cat")).start();
        let mut client = server.connect();
        client.send("hello");
        assert_eq!(client.text(), "hello");
        let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("threads");
        let name = |thread: std::io::Result<fs::DirEntry>| {
            fs::read_to_string(thread.expect("a thread").path().join("comm")).expect("its name")
        };
        let workers_found = threads.map(name).filter(|name| name == "tokio-rt-worker\n");
        assert_eq!(workers_found.count(), workers);
    }
}
