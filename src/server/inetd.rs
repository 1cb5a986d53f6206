//! The one connection that inetd(8), or systemd with `Accept=yes`, has accepted for us: on stdin.

use std::{
    fs::{File, OpenOptions},
    io::{self, stderr, stdin, stdout},
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{FileType, fstat},
    io::fcntl_dupfd_cloexec,
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpStream, UnixStream};

use super::{
    io::{Stream, tcp_stream},
    listener,
};
use crate::connection::{ConnectionInfo, Endpoint};

/// The first descriptor that is not of the standard three.
const FIRST: i32 = 3;

/// A connection that was accepted before we were started.
#[derive(Debug)]
pub struct Accepted {
    socket: OwnedFd,
    domain: Domain,
}

/// Why stdin is no such connection.
#[derive(Debug, thiserror::Error)]
#[error("stdin {0}")]
pub struct StdinError(&'static str);

impl Accepted {
    /// Takes the connection from stdin. What else it stands on of stdin, stdout and stderr is joined to
    /// /dev/null, so that nothing but answers goes to the client, and it ends when it is closed here.
    ///
    /// # Errors
    /// When stdin is something else.
    pub fn take() -> Result<Self, StdinError> {
        let stdin = stdin();
        let socket = SockRef::from(&stdin);
        let domain = socket.local_addr().map(|address| address.domain());
        let domain = match (socket.r#type(), domain) {
            (Ok(Type::STREAM), Ok(domain @ (Domain::IPV4 | Domain::IPV6 | Domain::UNIX))) => domain,
            (Ok(_), _) => return Err(StdinError("is neither a TCP nor a unix stream socket")),
            (Err(_), _) => {
                return Err(StdinError(
                    "is no socket, such as inetd passes, or systemd with Accept=yes and StandardInput=socket",
                ));
            }
        };
        if listener::is_listening(&stdin) {
            return Err(StdinError(
                "is a socket that listens: inetd's 'nowait', or systemd's Accept=yes, passes a connection",
            ));
        }
        if socket.peer_addr().is_err() {
            return Err(StdinError("is a socket that is not connected"));
        }
        let socket = fcntl_dupfd_cloexec(&stdin, FIRST)
            .map_err(|_| StdinError("cannot be taken: there are too many open files"))?;
        detach(&socket).map_err(|_| StdinError("cannot be replaced by /dev/null"))?;
        Ok(Accepted { socket, domain })
    }

    /// The stream and its two ends. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When the client has gone, or the runtime cannot watch the socket.
    pub(super) fn open(self) -> io::Result<(Stream, ConnectionInfo)> {
        let socket = Socket::from(self.socket);
        socket.set_nonblocking(true)?;
        let (stream, local, remote) = match self.domain {
            Domain::UNIX => {
                let stream = UnixStream::from_std(socket.into())?;
                let peer = listener::peer(&stream);
                (
                    Stream::Right(stream),
                    Endpoint::Unix(None),
                    Endpoint::Unix(peer),
                )
            }
            _ => {
                listener::tune(&socket)?;
                let stream = TcpStream::from_std(socket.into())?;
                let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
                (tcp_stream(stream), local.into(), remote.into())
            }
        };
        let connection = ConnectionInfo::new(local, remote);
        Ok((stream, connection))
    }
}

/// Joins stderr to /dev/null if it is the socket that stdin is, as classic inetd has it: what is meant
/// for an operator must not go to the client.
pub fn hide_stderr() {
    let stderr = stderr();
    if is_same_socket(&stdin(), &stderr)
        && let Ok(null) = null()
    {
        // It was open a moment ago, so there is nothing that could fail.
        let _ = dup2_stderr(null);
    }
}

/// Takes a socket off the standard descriptors.
fn detach(socket: &OwnedFd) -> io::Result<()> {
    let null = null()?;
    if is_same_socket(socket, &stdout()) {
        dup2_stdout(&null)?;
    }
    if is_same_socket(socket, &stderr()) {
        dup2_stderr(&null)?;
    }
    dup2_stdin(&null)?;
    Ok(())
}

fn null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// A socket has an inode of its own, whatever descriptors it has.
fn is_same_socket(one: &impl AsFd, other: &impl AsFd) -> bool {
    let Ok((one, other)) = fstat(one).and_then(|one| Ok((one, fstat(other)?))) else {
        return false;
    };
    FileType::from_raw_mode(one.st_mode) == FileType::Socket
        && (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn two_descriptors_of_one_socket_are_the_same() {
        let (one, other) = UnixStream::pair().expect("two ends");
        let again = one.try_clone().expect("a descriptor");
        assert!(is_same_socket(&one, &again));
        assert!(!is_same_socket(&one, &other));
        let file = null().expect("it is always there");
        assert!(!is_same_socket(&file, &file));
    }
}
