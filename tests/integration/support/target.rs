//! A server in a test's own hands, for wsd to connect to.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    thread,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::PATIENCE;

/// One that listens on loopback.
pub(crate) struct Target(TcpListener);

impl Target {
    pub(crate) fn listen() -> Self {
        Target(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    /// One that sends back what comes, to whoever connects.
    pub(crate) fn echo() -> Self {
        let target = Target::listen();
        let listener = target.0.try_clone().expect("a descriptor");
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || echo(stream.expect("a client")));
            }
        });
        target
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().expect("its address").port()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// `--target=127.0.0.1:PORT`.
    pub(crate) fn flag(&self) -> String {
        format!("--target={}", self.address())
    }

    /// The next connection.
    pub(crate) fn accept(&self) -> TcpStream {
        wait_readable(&self.0);
        let (stream, _) = self.0.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }
}

/// Panics if nothing comes.
pub(crate) fn wait_readable(socket: impl AsFd) {
    let mut fds = [PollFd::new(&socket, PollFlags::IN)];
    let timeout = Timespec {
        tv_sec: PATIENCE.as_secs() as i64,
        tv_nsec: 0,
    };
    let ready = poll(&mut fds, Some(&timeout)).expect("poll");
    assert_eq!(ready, 1, "nothing came");
}

/// Sends back what comes, to the end.
pub(crate) fn echo(mut stream: impl Read + Write) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

/// Reads exactly so many bytes.
pub(crate) fn read_bytes(stream: &mut impl Read, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).expect("so many bytes");
    bytes
}

/// Reads to the end.
pub(crate) fn read_rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .expect("an end without a reset");
    bytes
}

/// Cuts a connection with RST, as a server that crashed.
pub(crate) fn reset(stream: TcpStream) {
    let linger = Some(std::time::Duration::ZERO);
    socket2::SockRef::from(&stream)
        .set_linger(linger)
        .expect("an option");
    drop(OwnedFd::from(stream));
}
