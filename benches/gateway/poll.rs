//! Many sockets on one thread: non-blocking connect and epoll(7).

#![expect(unsafe_code, reason = "system calls through libc, each with its note")]

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Starts to connect and does not wait: std's connect would, and 500 at once
/// would come one by one.
pub(crate) fn dial(port: u16) -> io::Result<TcpStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: touches no memory.
    let socket = check(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(to.ip().octets()),
        },
        sin_zero: [0; 8],
    };
    let size = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` is a sockaddr_in of `size` bytes and outlives the call.
    let result = unsafe { libc::connect(socket.as_raw_fd(), ptr::from_ref(&address).cast(), size) };
    match check(result) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
        _ => {}
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a socket is watched for.
#[derive(Clone, Copy)]
pub(crate) enum Interest {
    /// Its connection is made, or has failed.
    Connected,
    /// There is something to read, or the end.
    Readable,
}

impl Interest {
    fn events(self) -> u32 {
        let events = match self {
            Self::Connected => libc::EPOLLOUT,
            Self::Readable => libc::EPOLLIN,
        };
        events.unsigned_abs()
    }
}

/// A set of watched sockets, level-triggered; a closed socket leaves it.
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: touches no memory.
        let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Self {
            // SAFETY: the descriptor is new and nobody else's.
            epoll: unsafe { OwnedFd::from_raw_fd(epoll) },
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 256],
        })
    }

    /// Watches `stream`, which events will call `name`.
    pub(crate) fn add(
        &self,
        stream: &TcpStream,
        name: usize,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, stream, name, interest)
    }

    pub(crate) fn change(
        &self,
        stream: &TcpStream,
        name: usize,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, stream, name, interest)
    }

    pub(crate) fn remove(&self, stream: &TcpStream) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, stream, 0, Interest::Readable)
    }

    fn control(
        &self,
        operation: libc::c_int,
        stream: &TcpStream,
        name: usize,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: interest.events(),
            u64: name as u64,
        };
        let (epoll, socket) = (self.epoll.as_raw_fd(), stream.as_raw_fd());
        // SAFETY: `event` is valid for the read.
        check(unsafe { libc::epoll_ctl(epoll, operation, socket, &raw mut event) })?;
        Ok(())
    }

    /// Waits and puts the names of the sockets that are ready in `names`:
    /// none if nothing happens for `limit`.
    pub(crate) fn wait(&mut self, limit: Duration, names: &mut Vec<usize>) -> io::Result<()> {
        let room = self.events.len() as libc::c_int;
        let limit = libc::c_int::try_from(limit.as_millis()).unwrap_or(libc::c_int::MAX);
        let epoll = self.epoll.as_raw_fd();
        let ready = loop {
            // SAFETY: `events` has room for `room` events.
            let ready = unsafe { libc::epoll_wait(epoll, self.events.as_mut_ptr(), room, limit) };
            match check(ready) {
                // Whoever stops this process for a while and lets it go on interrupts it (signal(7)).
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ready => break ready?,
            }
        };
        names.clear();
        let ready = &self.events[..ready.unsigned_abs() as usize];
        names.extend(ready.iter().map(|event| event.u64 as usize));
        Ok(())
    }
}
