//! Unix sockets: their names, and who is at the other end.

use std::{fmt, os::unix::net::SocketAddr, path::PathBuf};

use tokio::net::UnixStream;

use crate::environ::Peer;

/// What a unix socket is bound to (unix(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UnixName {
    /// A file.
    Path(PathBuf),
    /// A name of Linux's abstract namespace, without a file.
    Abstract(Vec<u8>),
    /// Neither.
    Unnamed,
}

impl UnixName {
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

/// The process that has connected, where the system tells.
pub(super) fn peer(stream: &UnixStream) -> Option<Peer> {
    let credentials = stream.peer_cred().ok()?;
    Some(Peer {
        user: credentials.uid(),
        process: credentials.pid(),
    })
}
