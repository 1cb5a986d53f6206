//! Memory: what clients and programs say takes no more than what has come, ends no more than their session where
//! there is none, and goes back when it is needed no more.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::{
    Client, Gateway, Server,
    client::{BINARY, CLOSE, TEXT, frame},
    event_stream::EventStream,
    eventually,
};

/// Address space that is enough for wsd and some megabytes of messages.
const LIMITED: &[&str] = &["prlimit", "--as=300000000"];
const LIMIT: u64 = 300_000_000;

/// KiB of a process that are in memory, without what is its file's.
fn resident(server: &Server) -> u64 {
    figure(server, "RssAnon:")
}

/// Bytes of address space of a process.
fn address_space(server: &Server) -> u64 {
    figure(server, "VmSize:") * 1024
}

/// A figure of a process (proc_pid_status(5)).
fn figure(server: &Server, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("a figure").parse().expect("a number")
}

#[test]
fn announcement_takes_no_memory() {
    let server = Gateway::new().under(LIMITED).args(["cat"]).start();
    let mut announced = frame(true, BINARY, &vec![b'x'; 1 << 20]);
    announced.truncate(1000);
    let _clients: Vec<_> = (0..250)
        .map(|_| {
            let mut client = server.connect();
            client.send_raw(&announced);
            client
        })
        .collect();
    let mut client = server.connect();
    client.send("here");
    assert_eq!(client.text(), "here");
}

#[test]
fn threads_share_what_there_is_of_address_space() {
    let server = Gateway::new().under(LIMITED).args(["cat"]).start();
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("here");
        assert_eq!(client.text(), "here");
    }
    let taken = address_space(&server);
    // Some 50 MB, and 64 MiB for each further arena of a thread, of which there were two at least.
    assert!(taken < 150_000_000, "{taken}");
}

#[test]
fn program_for_which_there_is_no_memory_is_503() {
    let server = Gateway::with("cat").under(LIMITED).start();
    let mut other = server.connect();
    let pid = Pid::from_raw(server.pid());
    let limit = |most: u64| {
        let (current, maximum) = (Some(most), Some(LIMIT));
        prlimit(pid, Resource::As, Rlimit { current, maximum }).expect("we may")
    };
    // Enough for a connection, and not for a program.
    limit(address_space(&server) + 6_500_000);
    let stream = TcpStream::connect(server.address).expect("it listens");
    let refused = Client::over(stream.into(), "/", &[]);
    assert_eq!(refused.status(), 503);
    assert!(refused.head.to_lowercase().contains("retry-after:"));
    limit(LIMIT);
    other.send("still here");
    assert_eq!(other.text(), "still here");
    server.connect().close();
}

#[test]
fn message_for_which_there_is_no_memory_ends_its_session_alone() {
    let server = Gateway::with("--maxframesize=0 --maxlinesize=0 --binary")
        .under(LIMITED)
        .program("case $PATH_INFO in /out) head -c 600000000 /dev/zero | tr '\\0' x;; *) exec cat;; esac")
        .start();
    let mut other = server.connect();
    let mut client = server.connect();
    let piece = frame(false, BINARY, &vec![b'x'; 1 << 20]);
    let next = frame(false, 0, &vec![b'x'; 1 << 20]);
    client.send_raw(&piece);
    // It is told before it has sent all, and may be cut off then.
    for _ in 0..600 {
        if client.stream.write_all(&next).is_err() {
            break;
        }
    }
    other.send_binary(b"still here");
    assert_eq!(other.binary(), b"still here");
}

#[test]
fn line_for_which_there_is_no_memory_is_an_error_of_the_program() {
    let mut server = Gateway::with("--maxlinesize=0")
        .under(LIMITED)
        .program("case $PATH_INFO in /long) head -c 600000000 /dev/zero | tr '\\0' x;; *) exec cat;; esac")
        .start();
    let mut other = server.connect();
    let mut client = server.connect_to("/long");
    let frame = client.receive();
    assert_eq!(
        (frame.opcode, &frame.payload[..2]),
        (CLOSE, &1011_u16.to_be_bytes()[..])
    );
    other.send("still here");
    assert_eq!(other.text(), "still here");
    server.wait_for_line("no memory for the message");
}

#[test]
fn idle_session_gives_back_what_a_long_message_took() {
    for flags in ["", "--framing=length", "--passstderr"] {
        let server = Gateway::with(flags).args(["cat"]).start();
        let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
        let before = resident(&server);
        for client in &mut clients {
            client.send_frame(true, TEXT, &[b'x'; 1 << 20]);
            assert!(client.receive().payload.len() >= 1 << 20, "{flags}");
        }
        // A message took 1 MiB here and 1 MiB there.
        eventually("most of it is given back", || {
            resident(&server) < before + 4 * 1024
        });
    }
}

#[test]
fn crowd_that_has_gone_leaves_no_memory_behind() {
    let server = Gateway::with("--max-connections=0 cat").start();
    let before = resident(&server);
    let request = b"HEAD /missing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let crowd: Vec<_> = (0..400)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).expect("it listens");
            stream.write_all(request).expect("room");
            stream
        })
        .collect();
    eventually("all are there", || resident(&server) > before + 1024);
    drop(crowd);
    eventually("their memory is given back", || {
        resident(&server) < before + 4 * 1024
    });
}

/// Opens so many at once, one by one, and says how many KiB each takes.
fn each<Open>(server: &Server, open: impl Fn() -> Open) -> u64 {
    const COUNT: u64 = 400;
    // What is set up for the first is not theirs.
    drop((open(), open()));
    let before = resident(server);
    let opened: Vec<_> = (0..COUNT).map(|_| open()).collect();
    let after = resident(server);
    drop(opened);
    after.saturating_sub(before) / COUNT
}

#[test]
fn event_stream_that_is_silent_has_no_buffers() {
    let server = Gateway::with("--plain-http --room=/r --max-connections=0 --max-rate=0").start();
    let taken = each(&server, || {
        let mut stream = EventStream::get(&server, "/r/a", "");
        stream.opened();
        stream
    });
    // Of which the library's would be 16.
    assert!(taken < 16, "{taken} KiB");
}

#[test]
fn connection_that_waits_for_its_next_request_has_no_buffers() {
    let server = Gateway::with("--max-connections=0 cat").start();
    let taken = each(&server, || {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        let request = b"HEAD /missing HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).expect("room");
        assert!(stream.read(&mut [0; 1024]).expect("an answer") > 0);
        stream
    });
    assert!(taken < 16, "{taken} KiB");
}
