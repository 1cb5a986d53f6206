//! Nothing is lost where a session ends, and nothing holds it longer than it should: what `docs/sessions.md` says.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::support::{
    Gateway, Signal,
    client::{CLOSE, PING, PONG, TEXT, frame},
    eventually,
    http2::Connection,
    is_alive,
    line_client::connect,
    wait_until_gone,
};

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn program_that_redirects_its_stdout_gets_all_and_its_exit_status_counts() {
    let folder = tempfile::tempdir().expect("a directory");
    for (script, close) in [
        ("exec >f; exec head -c 4000000", 1000),
        ("exec dd of=f bs=64k status=none", 1000),
        ("exec cat >f", 1000),
        ("exec >&-; head -c 4000000 >f; exit 3", 4003),
    ] {
        let server = Gateway::with("--binary")
            .program(script)
            .current_dir(folder.path())
            .start();
        let mut client = server.connect();
        for _ in 0..400 {
            client.send_binary(&[b'x'; 10_000]);
        }
        if script.contains("head") {
            assert_eq!(client.closed().0, close, "{script}");
        } else {
            client.close();
        }
        let file = folder.path().join("f");
        eventually("all is written", || length(&file) == 4_000_000);
        fs::remove_file(file).expect("a file");
    }
}

#[test]
fn program_that_closes_its_stdout_is_pinged_for_and_can_be_sent_more() {
    // Half a second from one to the next is much for an answer, and little for a test.
    let server = Gateway::with("--pingms=500")
        .program("exec >&-; read -r first; read -r second; exit 7")
        .start();
    let mut client = server.connect();
    client.send("first");
    for _ in 0..3 {
        assert_eq!(client.receive().opcode, PING);
        client.send_frame(true, PONG, b"");
    }
    client.send("second");
    let close = loop {
        let frame = client.receive();
        if frame.opcode != PING {
            break frame;
        }
    };
    assert_eq!(close.opcode, CLOSE);
    assert_eq!(close.payload[..2], 4007_u16.to_be_bytes());
}

#[test]
fn program_that_closes_stdin_and_stdout_is_ended() {
    let server = Gateway::new()
        .program("echo $$; exec <&- >&-; exec sleep 1000")
        .start();
    let mut client = server.connect();
    let pid: i32 = client.text().parse().expect("a pid");
    assert_eq!(client.closed().0, 4130);
    wait_until_gone(pid);
}

#[test]
fn own_program_of_a_client_may_redirect_its_stdout_too() {
    let server = Gateway::with("seq 1 300000").start();
    let folder = tempfile::tempdir().expect("a directory");
    let mut command = connect(&server.url, &["sh", "-c", "exec cat >f"]);
    let status = command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .status();
    assert_eq!(status.expect("it runs").code(), Some(0));
    let written = fs::read_to_string(folder.path().join("f")).expect("a file");
    assert_eq!(written.lines().count(), 300_000);
}

#[test]
fn what_was_sent_before_a_clean_close_is_worked_on() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Gateway::new()
        .program("while read -r l; do sleep .1; echo \"$l\" >>out; done")
        .current_dir(folder.path())
        .start();
    let mut client = server.connect();
    for number in 0..10 {
        client.send(&number.to_string());
    }
    client.close();
    let out = folder.path().join("out");
    eventually("all is written", || {
        fs::read_to_string(&out).is_ok_and(|out| out.lines().count() == 10)
    });
}

#[test]
fn what_waits_before_a_full_pipe_is_worked_on_after_the_close() {
    let folder = tempfile::tempdir().expect("a directory");
    let server = Gateway::with("--binary")
        .args(["python3", "-c"])
        .args(["import os,time\nn=0\nwhile True:\n b=os.read(0,8192)\n n+=len(b)\n if not b: break\n time.sleep(.05)\nopen('n','w').write(str(n))"])
        .current_dir(folder.path())
        .start();
    let mut client = server.connect();
    for _ in 0..20 {
        client.send_binary(&[b'x'; 4096]);
    }
    client.close();
    let count = folder.path().join("n");
    eventually("all is read", || {
        fs::read_to_string(&count).is_ok_and(|count| count == "81920")
    });
}

#[test]
fn program_that_reads_nothing_is_ended_once_it_could_have() {
    // The limits are far beyond what a test waits for.
    let flags = "--finish-timeout=1000";
    for (sent, script) in [(false, "sleep 1000"), (true, "echo ready; sleep 1000")] {
        let server = Gateway::with(flags).program(script).start();
        let mut client = server.connect();
        let programs = server.children();
        if sent {
            assert_eq!(client.text(), "ready");
            client.send("never read");
        }
        client.close();
        programs.into_iter().for_each(wait_until_gone);
    }
}

#[test]
fn program_that_has_read_gets_the_finish_timeout() {
    let script = "read -r line; echo got; exec sleep 1000";
    for (flags, patient) in [
        ("--finish-timeout=1000", true),
        ("--finish-timeout=2", false),
        ("--finish-timeout=0", false),
    ] {
        let server = Gateway::with(flags).program(script).start();
        let mut client = server.connect();
        let programs = server.children();
        client.send("read");
        assert_eq!(client.text(), "got");
        let closed = Instant::now();
        client.close();
        if patient {
            std::thread::sleep(Duration::from_millis(1500));
            assert!(programs.iter().all(|&pid| is_alive(pid)));
            continue;
        }
        programs.into_iter().for_each(wait_until_gone);
        if flags.ends_with('2') {
            assert!(closed.elapsed() >= Duration::from_secs(2));
        }
    }
}

#[test]
fn stop_does_not_wait_for_a_program_whose_client_has_gone() {
    let mut server = Gateway::with("--finish-timeout=1000 --drain-timeout=1")
        .program("read -r line; echo got; exec sleep 1000")
        .start();
    let mut client = server.connect();
    client.send("read");
    assert_eq!(client.text(), "got");
    client.close();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn control_frames_are_answered_behind_a_burst_that_no_program_reads() {
    let message = frame(true, TEXT, &[b'x'; 4095]);
    // 64 KiB are the pipe's, 32 KiB more wait.
    for (count, at_once) in [(17, 17), (24, 24), (24, 1)] {
        let server = Gateway::with("sleep 1000").start();
        let mut client = server.connect();
        for _ in 0..count / at_once {
            client.send_raw(&message.repeat(at_once));
        }
        client.send_frame(true, PING, b"there?");
        assert_eq!(client.receive().opcode, PONG, "{count}, {at_once} at once");
        client.send_frame(true, CLOSE, &1000_u16.to_be_bytes());
        assert_eq!(client.receive().opcode, CLOSE);
    }
}

/// Bytes that wait for a program beyond its pipe before a client is read no more.
const LARGEST_UNWRITTEN: usize = 60 * 1024;

/// What one message more than a program that reads nothing can be sent comes to, and a few that wait in the
/// server's socket, where they leave room for the client's end.
fn more_than_is_taken(message: &[u8]) -> usize {
    let (_, pipe) = rustix::pipe::pipe().expect("a pipe");
    let pipe = rustix::pipe::fcntl_getpipe_size(pipe).expect("its size");
    (pipe + LARGEST_UNWRITTEN) / message.len() + 4
}

#[test]
fn client_that_has_gone_behind_unread_messages_is_noticed_without_a_ping() {
    let message = frame(true, TEXT, &[b'x'; 4095]);
    let count = more_than_is_taken(&message);
    for reset in [true, false] {
        let mut server = Gateway::with("--pingms=0")
            .program("echo ready; exec sleep 1000")
            .start();
        let mut client = server.connect();
        assert_eq!(client.text(), "ready");
        client.send_raw(&message.repeat(count));
        // Its end would be stuck behind what the server's window has no room for.
        client.wait_until_taken();
        let socket = socket2::SockRef::from(&client.stream);
        match reset {
            true => socket.set_linger(Some(Duration::ZERO)).expect("an option"),
            false => socket.shutdown(std::net::Shutdown::Write).expect("open"),
        }
        drop(client);
        let line = server.wait_for_line("session ended");
        assert!(line.contains("code=1006"), "{line}");
        let read = line.split("messages_in=").nth(1).expect("a count");
        let read: usize = read
            .split(' ')
            .next()
            .expect("a count")
            .parse()
            .expect("a number");
        assert!(read < count, "nothing waited: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stream_of_http2_that_has_gone_behind_unread_messages_is_noticed_without_a_ping() {
    let message = frame(true, TEXT, &[b'x'; 4095]);
    let count = more_than_is_taken(&message);
    for reset in [true, false] {
        let mut server = Gateway::with("--h2c --pingms=0")
            .program("echo ready; exec sleep 1000")
            .start();
        let connection = Connection::plain(server.address).await;
        let mut socket = connection.websocket("/").await;
        assert_eq!(socket.text().await, "ready");
        let messages = message.repeat(count);
        socket.fill(&messages, LARGEST_UNWRITTEN).await;
        match reset {
            true => socket.send.send_reset(h2::Reason::CANCEL),
            false => connection.abort(),
        }
        let line = server.wait_for_line("session ended");
        assert!(line.contains("code=1006"), "{line}");
    }
}

#[test]
fn server_that_has_gone_behind_unread_messages_is_noticed_by_a_client_with_a_program() {
    // Almost as many lines as are taken, and then one by one, until it is told that some wait: more than the client's
    // window has room for would keep the end back.
    let count = more_than_is_taken(&[b'x'; 4096]) - 8;
    let lines = format!(
        "head -c 4095 /dev/zero | tr '\\0' x >l; echo >>l; \
         i=0; while [ $i -lt {count} ]; do cat l; i=$((i+1)); done; \
         while [ ! -e full ]; do cat l; sleep .05; done; exec sleep 1000"
    );
    let folder = tempfile::tempdir().expect("a directory");
    let mut server = Gateway::with("--pingms=0")
        .program(&lines)
        .current_dir(folder.path())
        .start();
    let mut words = connect(&server.url, &["--pingms=0", "sh", "-c"]);
    let started = folder.path().join("started");
    let script = format!("echo >{}; exec sleep 1000", started.display());
    let mut client = words
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("wsd starts");
    eventually("its program runs", || started.exists());
    let port = server.port();
    eventually("messages wait in its socket", || {
        let sockets = fs::read_to_string("/proc/net/tcp").expect("a list");
        let remote = format!(":{port:04X} ");
        // proc_net_tcp: the addresses, the state, tx_queue and rx_queue.
        sockets.lines().any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields.len() > 4
                && format!("{} ", fields[2]).ends_with(&remote)
                && !fields[4].ends_with(":00000000")
        })
    });
    fs::write(folder.path().join("full"), "").expect("a file");
    eventually("no more comes", || {
        server.children().iter().all(|&pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
        })
    });
    server.insist(Signal::TERM);
    eventually("it has ended", || {
        client.try_wait().expect("a child").is_some()
    });
}

#[test]
fn what_was_sent_before_an_end_without_close_reaches_a_slow_program() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut server = Gateway::with("--binary --pingms=0")
        .args(["python3", "-c"])
        .args(["import os,time\nn=0\nwhile True:\n b=os.read(0,65536)\n n+=len(b)\n if not b: break\n time.sleep(.1)\nopen('n','w').write(str(n))"])
        .current_dir(folder.path())
        .start();
    let mut client = server.connect();
    for _ in 0..300 {
        client.send_binary(&[b'x'; 4096]);
    }
    client.send_frame(true, CLOSE, &4321_u16.to_be_bytes());
    drop(client);
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=4321"), "{line}");
    let count = fs::read_to_string(folder.path().join("n")).expect("a file");
    assert_eq!(count, (300 * 4096).to_string());
}

#[test]
fn session_that_lasts_too_long_does_not_wait_for_the_drain_timeout() {
    let mut server = Gateway::with("--max-lifetime=1 --drain-timeout=1000 sleep 1000").start();
    let mut client = server.connect();
    let (code, reason) = client.closed();
    assert_eq!(code, 1001);
    assert!(reason.contains("lasted"), "{reason}");
    server.wait_for_line("session ended");
}

#[test]
fn session_that_is_silent_too_long_does_not_wait_for_the_drain_timeout() {
    let server = Gateway::with("--idle-timeout=1 --drain-timeout=1000")
        .program("sleep 1000")
        .start();
    let mut client = server.connect();
    assert_eq!(client.closed().0, 1001);
}

#[test]
fn time_limit_is_told_as_it_was_set() {
    for (flag, told) in [
        ("--idle-timeout=500ms", "there was no message for 500 ms"),
        ("--idle-timeout=1500ms", "there was no message for 1.5 s"),
        ("--max-lifetime=500ms", "the session has lasted for 500 ms"),
    ] {
        let server = Gateway::with(flag).program("cat").start();
        let closed = server.connect().closed();
        assert_eq!(closed, (1001, told.to_owned()), "{flag}");
    }
}
