//! Clients that ask for something and then take nothing: what they hold is had again.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use bytes::Bytes;
use h2::{SendStream, client::ResponseFuture};
use hyper::Method;
use tempfile::TempDir;

use crate::support::{
    Gateway, PATIENCE, Server,
    certificates::Authority,
    eventually,
    http2::{Connection, soon},
    script,
    tls::{End, config, tunnel},
};

/// More than sockets hold at both ends, and a tunnel between them.
const LENGTH: u64 = 64 << 20;

/// A directory with a large file in it, and a script that never stops.
fn site() -> (TempDir, [String; 3]) {
    let directory = tempfile::tempdir().expect("a directory");
    let files = directory.path().join("files");
    let scripts = directory.path().join("scripts");
    fs::create_dir(&files).expect("a directory");
    fs::create_dir(&scripts).expect("a directory");
    let file = File::create(files.join("large")).expect("a file");
    file.set_len(LENGTH).expect("a sparse file");
    script(
        &scripts,
        "endless",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec yes\n",
    );
    let flags = [
        format!("--staticdir={}", files.display()),
        format!("--cgidir={}", scripts.display()),
        // As short as a busy machine allows: within it an answer has to begin.
        "--write-timeout=1000".to_owned(),
    ];
    (directory, flags)
}

/// Asks, waits for the answer to begin, and takes no more of it.
fn stall(address: SocketAddr, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).expect("an answer");
    assert_eq!(&begun, b"HTTP/1.1 200");
    stream
}

/// How many descriptors of a server lead to a file of this name.
fn open(server: &Server, name: &str) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("it runs");
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let is_it = |target: &std::path::PathBuf| target.file_name() == Path::new(name).file_name();
    targets.filter(is_it).count()
}

#[test]
fn file_is_closed_when_its_client_takes_nothing() {
    let (_directory, flags) = site();
    let server = Gateway::new().args(&flags).start();
    let stalled = [(); 3].map(|()| stall(server.address, "/large"));
    assert!(open(&server, "large") > 0);
    eventually("the file is closed", || open(&server, "large") == 0);
    for mut stream in stalled {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!((rest.len() as u64) < LENGTH, "all of it came");
    }
}

#[test]
fn file_is_closed_when_its_client_takes_nothing_by_tls() {
    let (directory, flags) = site();
    let authority = Authority::new("A root");
    let issued = authority.issue(&["localhost"]);
    let [certificate, key] = issued.write(directory.path(), "server");
    let server = Gateway::new()
        .args(&flags)
        .args(["--ssl", &certificate, &key])
        .start();
    let config = config(authority.roots(), None);
    let address = tunnel(server.address, &config, End::Said);
    let _stalled = stall(address, "/large");
    assert!(open(&server, "large") > 0);
    eventually("the file is closed", || open(&server, "large") == 0);
}

#[test]
fn script_ends_when_its_client_takes_nothing() {
    let (_directory, flags) = site();
    let server = Gateway::new().args(&flags).start();
    let _stalled = stall(server.address, "/endless");
    assert_eq!(server.children().len(), 1);
    eventually("the script has ended", || server.children().is_empty());
}

#[test]
fn client_that_is_slow_gets_all_of_it() {
    let (_directory, flags) = site();
    let server = Gateway::new().args(&flags).start();
    let mut stream = stall(server.address, "/large");
    let mut buffer = vec![0; 1 << 20];
    let mut taken = 0;
    while taken < LENGTH {
        // Together longer than the limit, and each pause shorter.
        std::thread::sleep(std::time::Duration::from_millis(30));
        let length = stream.read(&mut buffer).expect("more");
        assert_ne!(length, 0, "it broke off after {taken}");
        taken += length as u64;
    }
}

/// A stream whose answer nobody has looked at.
type Begun = (ResponseFuture, SendStream<Bytes>);

/// Begins so many streams, and takes nothing of what comes; they end with what is returned.
async fn begin(connection: &Connection, target: &str, streams: usize) -> Vec<Begun> {
    let mut begun = Vec::new();
    for _ in 0..streams {
        let mut sender = soon(connection.sender.clone().ready()).await.expect("open");
        let request = connection.request(Method::GET, target);
        begun.push(sender.send_request(request, true).expect("a stream"));
    }
    begun
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_that_take_nothing_hold_few_descriptors_and_end() {
    let (_directory, flags) = site();
    let server = Gateway::with("--h2c").args(&flags).start();
    let connection = Connection::stalled(server.address).await;
    let streams = begin(&connection, "/large", 150).await;
    let mut most = 0;
    // One after the other has its turn, and its time.
    tokio::task::block_in_place(|| {
        eventually("some are open", || open(&server, "large") > 0);
        eventually("all are closed", || {
            let open = open(&server, "large");
            most = most.max(open);
            open == 0
        });
    });
    assert!(most <= 64, "{most}");
    assert_eq!(connection.closed().await, None);
    drop(streams);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stream_that_stalls_is_reset_and_the_others_go_on() {
    let (_directory, flags) = site();
    let server = Gateway::with("--h2c").args(&flags).start();
    let connection = Connection::stalled(server.address).await;
    let mut socket_like = connection
        .begin(connection.request(Method::GET, "/large"), true)
        .await
        .0
        .into_body();
    tokio::task::block_in_place(|| {
        eventually("it is closed", || open(&server, "large") == 0);
    });
    // What it left to be sent comes, and then it is seen to be over.
    let mut taken = 0;
    let error = loop {
        match soon(socket_like.data()).await {
            Some(Ok(data)) => {
                taken += data.len() as u64;
                let _ = socket_like.flow_control().release_capacity(data.len());
            }
            Some(Err(error)) => break error,
            None => panic!("it ended as if it were whole, after {taken}"),
        }
    };
    assert!(
        error.is_reset() || error.is_go_away() || error.is_io(),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scripts_of_streams_that_take_nothing_end() {
    let (_directory, flags) = site();
    let server = Gateway::with("--h2c").args(&flags).start();
    let connection = Connection::stalled(server.address).await;
    let streams = begin(&connection, "/endless", 40).await;
    tokio::task::block_in_place(|| {
        eventually("they run", || !server.children().is_empty());
        eventually("they have ended", || server.children().is_empty());
    });
    assert_eq!(connection.closed().await, None);
    drop(streams);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hundred_requests_of_a_connection_are_worked_on_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "wait", "#!/bin/sh\nexec sleep 1000\n");
    let flag = format!("--cgidir={}", directory.path().display());
    let server = Gateway::with("--h2c").args([&flag]).start();
    let connection = Connection::plain(server.address).await;
    let mut streams = begin(&connection, "/wait", 101).await;
    tokio::task::block_in_place(|| {
        eventually("a hundred run", || server.children().len() == 100);
    });
    let before = server.children();
    drop(streams.remove(0));
    tokio::task::block_in_place(|| {
        eventually("the next has its turn", || {
            let now = server.children();
            now.len() == 100 && now != before
        });
    });
}
