//! Why an address cannot be listened on: [`BindError`].

use std::{fmt::Display, io, net::SocketAddr};

use super::address;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    /// For people.
    address: String,
    is_tcp: bool,
    error: io::Error,
}

/// The same as far as another setting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindFailure {
    /// Another socket has the address and port.
    PortInUse,
    /// The port is for those with a privilege.
    PortPrivileged,
    /// The address is none of this machine's.
    ForeignAddress,
    /// A server listens at the path or name.
    PathInUse,
    /// A file that is no socket has the path.
    PathTaken,
    /// The socket's file cannot be given to its owner.
    Owner,
    /// Anything else.
    Other,
}

/// What is in the way of a unix socket, beside what bind(2) says.
#[derive(Debug, thiserror::Error)]
pub(super) enum PathError {
    /// Somebody listens on the path or name.
    #[error("already in use: a server listens there")]
    InUse,
    /// A file of another kind.
    #[error("there is a file that is no socket, and it is not replaced")]
    NotASocket,
    /// As chown(2) says.
    #[error(
        "cannot give the file to its user or group: {0}; it takes root, or a group that wsd's user is in"
    )]
    Owner(io::Error),
}

impl From<PathError> for io::Error {
    fn from(error: PathError) -> Self {
        io::Error::other(error)
    }
}

impl BindError {
    pub(super) fn tcp(address: SocketAddr, error: io::Error) -> Self {
        BindError {
            address: address::with_zone(address, "%"),
            is_tcp: true,
            error,
        }
    }

    pub(super) fn unix(name: impl Display, error: io::Error) -> Self {
        BindError {
            address: name.to_string(),
            is_tcp: false,
            error,
        }
    }

    /// What kind of failure it is.
    pub fn failure(&self) -> BindFailure {
        let reason = self.error.get_ref();
        if let Some(error) = reason.and_then(|error| error.downcast_ref::<PathError>()) {
            return match error {
                PathError::InUse => BindFailure::PathInUse,
                PathError::NotASocket => BindFailure::PathTaken,
                PathError::Owner(_) => BindFailure::Owner,
            };
        }
        if !self.is_tcp {
            return BindFailure::Other;
        }
        match self.error.kind() {
            io::ErrorKind::AddrInUse => BindFailure::PortInUse,
            io::ErrorKind::PermissionDenied => BindFailure::PortPrivileged,
            io::ErrorKind::AddrNotAvailable => BindFailure::ForeignAddress,
            _ => BindFailure::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_says_which_setting_may_help() {
        let port = |address: &str, kind: io::ErrorKind| {
            BindError::tcp(address.parse().expect(address), kind.into()).failure()
        };
        let in_use = io::ErrorKind::AddrInUse;
        assert_eq!(port("127.0.0.1:80", in_use), BindFailure::PortInUse);
        assert_eq!(port("[fe80::1%1]:80", in_use), BindFailure::PortInUse);
        let other = io::ErrorKind::OutOfMemory;
        assert_eq!(port("127.0.0.1:80", other), BindFailure::Other);
        let path = |error: io::Error| BindError::unix("unix:/x", error).failure();
        assert_eq!(path(PathError::NotASocket.into()), BindFailure::PathTaken);
        let busy = io::ErrorKind::PermissionDenied.into();
        assert_eq!(path(busy), BindFailure::Other);
    }
}
