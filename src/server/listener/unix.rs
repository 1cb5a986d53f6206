//! Unix sockets: their names, who may connect, how they are bound, and who is at the other end.

use std::{
    fmt, io,
    mem::offset_of,
    os::unix::{
        ffi::OsStrExt,
        net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixStream;

use super::{
    bind_error::PathError,
    socket_file::{Permissions, SocketFile},
    tcp::BACKLOG,
};
use crate::connection::PeerCredentials;

/// What a unix socket is bound to (unix(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnixName {
    /// A file.
    Path(PathBuf),
    /// A name of Linux's abstract namespace, without a file.
    Abstract(Vec<u8>),
    /// Neither: a socket that was inherited so.
    Unnamed,
}

/// A unix socket to be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// Where.
    pub name: UnixName,
    /// Who may connect; means nothing for an abstract name.
    pub permissions: Permissions,
}

/// Bytes of the longest path: `sun_path` without the NUL that ends it.
const LONGEST_PATH: usize =
    size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path) - 1;

impl UnixName {
    /// Reads a path, or `@name` for an abstract name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(word: &Path) -> Result<Self, String> {
        let bytes = word.as_os_str().as_bytes();
        if bytes.is_empty() {
            return Err("expected a path".to_owned());
        }
        if bytes.len() > LONGEST_PATH {
            return Err(format!(
                "the path has {} bytes, and that of a socket can have {LONGEST_PATH}: use a shorter one, or a relative one",
                bytes.len()
            ));
        }
        match bytes.strip_prefix(b"@") {
            None => Ok(UnixName::Path(word.to_owned())),
            Some(b"") => Err("expected a name after the '@'".to_owned()),
            Some(name) if cfg!(target_os = "linux") => Ok(UnixName::Abstract(name.to_owned())),
            Some(_) => Err(
                "abstract names are Linux's own; './' before the '@' makes it a path".to_owned(),
            ),
        }
    }

    pub(super) fn of(address: &SocketAddr) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(name) = std::os::linux::net::SocketAddrExt::as_abstract_name(address) {
            return UnixName::Abstract(name.to_owned());
        }
        match address.as_pathname() {
            Some(path) => UnixName::Path(path.to_owned()),
            None => UnixName::Unnamed,
        }
    }

    fn address(&self) -> io::Result<SockAddr> {
        match self {
            UnixName::Path(path) => SockAddr::unix(path),
            UnixName::Abstract(name) => {
                let bytes = [b"\0", &name[..]].concat();
                SockAddr::unix(std::ffi::OsStr::from_bytes(&bytes))
            }
            UnixName::Unnamed => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl fmt::Display for UnixName {
    /// `unix:/run/wsd.sock`, `unix:@name`, as `--unixsocket` takes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnixName::Path(path) => write!(formatter, "unix:{}", path.display()),
            UnixName::Abstract(name) => write!(formatter, "unix:@{}", name.escape_ascii()),
            UnixName::Unnamed => formatter.write_str("unix:"),
        }
    }
}

/// Binds a socket and makes it listen. Nobody can connect before its permissions are set. A file goes
/// with what is returned beside the socket.
///
/// # Errors
/// What is in the way, with the remedy where there is one.
pub(in crate::server) fn bind(
    wanted: &UnixSocket,
) -> io::Result<(UnixListener, Option<SocketFile>)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = wanted.name.address()?;
    let bind = || socket.bind(&address);
    let listen = || socket.listen(BACKLOG);
    let file = match &wanted.name {
        UnixName::Path(path) => Some(SocketFile::make(path, wanted.permissions, bind, listen)?),
        _ => {
            bind().map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => PathError::InUse.into(),
                _ => error,
            })?;
            listen()?;
            None
        }
    };
    Ok((socket.into(), file))
}

/// The process that has connected, where the system tells.
pub(in crate::server) fn peer(stream: &UnixStream) -> Option<PeerCredentials> {
    let credentials = stream.peer_cred().ok()?;
    Some(PeerCredentials {
        user: credentials.uid(),
        process: credentials.pid(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_or_abstract() {
        let parse = |word: &str| UnixName::parse(Path::new(word));
        assert_eq!(parse("/run/x"), Ok(UnixName::Path(PathBuf::from("/run/x"))));
        assert_eq!(parse("./@x"), Ok(UnixName::Path(PathBuf::from("./@x"))));
        #[cfg(target_os = "linux")]
        assert_eq!(parse("@x"), Ok(UnixName::Abstract(b"x".to_vec())));
        for wrong in ["", "@", &"x".repeat(LONGEST_PATH + 1)] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        let longest = "x".repeat(LONGEST_PATH);
        let name = parse(&longest).expect("it just fits");
        assert!(name.address().is_ok(), "{longest}");
    }
}
