//! Clients that ask for something and then take nothing: what they hold is had again.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use tempfile::TempDir;

use crate::support::{
    Gateway, PATIENCE, Server,
    certificates::Authority,
    eventually, script,
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
