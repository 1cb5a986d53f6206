//! How the gateway stops: drain, second signal, exit status.

use crate::support::{self, Gateway, Signal, wait_until_gone};

#[test]
fn fifty_sessions_get_1001_and_every_process_is_gone() {
    let mut server = Gateway::with("cat").start();
    let mut clients: Vec<_> = (0..50).map(|_| server.connect()).collect();
    let programs = server.children();
    assert_eq!(programs.len(), 50);
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.closed().0, 1001);
    }
    assert_eq!(server.wait().code(), Some(0));
    programs.into_iter().for_each(wait_until_gone);
}

#[test]
fn what_programs_still_write_is_delivered() {
    let mut server = Gateway::new()
        .program("echo ready; cat; sleep 0.3; echo last words")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "ready");
    client.send("on its way");
    server.signal(Signal::INT);
    assert_eq!(client.text(), "on its way");
    assert_eq!(client.text(), "last words");
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
}

/// timeout(1) passes a signal on to its command, and then to its whole group.
#[test]
fn stop_by_timeout_lets_programs_finish() {
    for _ in 0..5 {
        let mut server = Gateway::new()
            .under(&["timeout", "1000"])
            .program("echo ready; cat >/dev/null; sleep 0.3; echo last words")
            .start();
        let mut client = server.connect();
        assert_eq!(client.text(), "ready");
        server.signal(Signal::TERM);
        assert_eq!(client.text(), "last words");
        assert_eq!(client.closed().0, 1001);
        server.wait();
    }
}

#[test]
fn program_that_does_not_end_is_ended_within_the_drain_timeout() {
    let ignoring = |flag: &str| {
        Gateway::with(flag)
            .program("trap '' INT TERM; echo $$; while :; do sleep 1000; done")
            .start()
    };
    let mut server = ignoring("--drain-timeout=1");
    let mut client = server.connect();
    let pid: i32 = client.text().parse().expect("a pid");
    // One that has more patience is still at it when the first has done.
    let mut patient = ignoring("--drain-timeout=1000");
    let mut other = patient.connect();
    assert_ne!(other.text(), "");
    patient.signal(Signal::TERM);
    server.signal(Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
    wait_until_gone(pid);
    assert!(patient.runs());
}

#[test]
fn client_that_does_not_read_does_not_hold_the_stop() {
    let mut server = Gateway::with("--drain-timeout=1 yes").start();
    let clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    drop(clients);
}

#[test]
fn second_signal_ends_it_now() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut server = Gateway::with("--drain-timeout=100")
            .program(
                "trap '' INT TERM; sleep 1000 & echo $!; echo $$; while :; do sleep 1000; done",
            )
            .start();
        let mut client = server.connect();
        let pids: [i32; 2] = [(); 2].map(|()| client.text().parse().expect("a pid"));
        server.signal(signal);
        server.wait_for_line("a second signal ends that now");
        assert_eq!(server.insist(signal).code(), Some(code));
        pids.into_iter().for_each(wait_until_gone);
    }
}

/// What a stop says that it waits for.
fn waiting(flags: &str, clients: usize) -> String {
    let mut server = Gateway::with(flags)
        .program("echo ready; cat >/dev/null; echo bye; sleep 0.2")
        .start();
    let mut clients: Vec<_> = (0..clients).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.text(), "ready");
    }
    server.signal(Signal::TERM);
    let line = server.wait_for_line("stopping: waiting for ");
    assert_eq!(server.wait().code(), Some(0));
    let what = line.split("waiting for ").nth(1).expect("an amount");
    what.split(';').next().expect("an amount").to_owned()
}

#[test]
fn stop_tells_connections_from_programs_and_one_from_many() {
    assert_eq!(waiting("", 1), "1 connection");
    assert_eq!(waiting("", 2), "2 connections");
    assert_eq!(
        waiting("--share --share-keep=always", 0),
        "1 shared program"
    );
    let both = waiting("--share --share-keep=always --history=1", 2);
    assert_eq!(both, "2 connections and 1 shared program");
}

#[test]
fn signal_that_is_sent_twice_is_one() {
    let mut server = Gateway::new()
        .program("echo ready; cat; echo last words")
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "ready");
    // Both are there when it goes on, however busy the machine is.
    server.signal(Signal::STOP);
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    server.signal(Signal::CONT);
    assert_eq!(client.text(), "last words");
    assert_eq!(client.closed().0, 1001);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn idle_server_stops_at_once() {
    // If anything held it, this would be longer than the test waits.
    let mut server = Gateway::with("--drain-timeout=1000 cat").start();
    // Browsers open connections ahead; they hold nothing.
    let _ahead = std::net::TcpStream::connect(server.address).expect("the server listens");
    let mut half = std::net::TcpStream::connect(server.address).expect("the server listens");
    std::io::Write::write_all(&mut half, b"GET / HT").expect("the server reads");
    // Both were accepted before this one.
    server.connect().close();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn new_clients_are_not_accepted_while_it_stops() {
    let mut server = Gateway::new().program("cat; sleep 0.5").start();
    let mut client = server.connect();
    server.signal(Signal::TERM);
    server.wait_for_line("stopping");
    assert!(std::net::TcpStream::connect(server.address).is_err());
    assert_eq!(client.closed().0, 1001);
}

#[test]
fn request_that_came_before_the_stop_is_answered() {
    let site = tempfile::tempdir().expect("a directory");
    std::fs::write(site.path().join("a.txt"), "all of it").expect("a file");
    let mut server = Gateway::new()
        .args([format!("--staticdir={}", site.path().display())])
        .start();
    // All is there when it goes on.
    server.signal(Signal::STOP);
    let mut clients: Vec<_> = (0..400)
        .map(|_| std::net::TcpStream::connect(server.address).expect("the server listens"))
        .collect();
    for client in &mut clients {
        client
            .set_read_timeout(Some(support::PATIENCE))
            .expect("a timeout");
        let request = b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
        std::io::Write::write_all(client, request).expect("room");
    }
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    for client in &mut clients {
        let mut answer = String::new();
        std::io::Read::read_to_string(client, &mut answer).expect("an end without a reset");
        assert!(answer.ends_with("all of it"), "{answer}");
    }
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn hangup_does_not_end_it() {
    let mut server = Gateway::with("cat").start();
    let mut client = server.connect();
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    client.send("still here");
    assert_eq!(client.text(), "still here");
}

#[test]
fn session_that_is_closing_meanwhile_ends_as_it_would() {
    let mut server = Gateway::with("cat").start();
    let client = server.connect();
    server.signal(Signal::TERM);
    client.close();
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn killed_gateway_is_noticed_by_its_clients() {
    let mut server = Gateway::with("cat").start();
    let mut client = server.connect();
    server.signal(Signal::KILL);
    server.wait();
    assert!(client.try_receive().is_err());
}

#[test]
fn client_that_sends_without_a_pause_does_not_keep_the_end_from_its_program() {
    let mut server = Gateway::with("--drain-timeout=15")
        .program("cat > /dev/null; echo the end")
        .start();
    let mut client = server.connect();
    let mut sender = client.stream.try_clone().expect("a second handle");
    let sending = std::thread::spawn(move || {
        let messages = support::client::frame(true, 1, &[b'x'; 100]).repeat(100);
        while std::io::Write::write_all(&mut sender, &messages).is_ok() {}
    });
    server.signal(Signal::TERM);
    assert_eq!(client.text(), "the end");
    assert_eq!(client.receive().opcode, support::client::CLOSE);
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
    sending.join().expect("the sender ends with its socket");
}

#[test]
fn session_that_is_cut_short_by_the_deadline_still_logs_its_end() {
    let mut server = Gateway::with("--drain-timeout=1")
        .program("while :; do echo tick; sleep 0.1; done")
        .start();
    // Reads all, and never answers the Close.
    let mut client = server.connect();
    server.signal(Signal::TERM);
    while client.try_receive().is_ok() {}
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=1001"), "{line}");
    assert_eq!(server.wait().code(), Some(0));
}
