//! Why an address cannot be listened on: [`BindError`].

use std::{fmt::Display, io, net::SocketAddr};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    address: String,
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
    pub(super) fn new(address: impl Display, error: io::Error) -> Self {
        BindError {
            address: address.to_string(),
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
        if self.address.parse::<SocketAddr>().is_err() {
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
        let port = |kind: io::ErrorKind| BindError::new("127.0.0.1:80", kind.into()).failure();
        assert_eq!(port(io::ErrorKind::AddrInUse), BindFailure::PortInUse);
        assert_eq!(port(io::ErrorKind::OutOfMemory), BindFailure::Other);
        let path = |error: PathError| BindError::new("unix:/x", error.into()).failure();
        assert_eq!(path(PathError::NotASocket), BindFailure::PathTaken);
        let busy = BindError::new("unix:/x", io::ErrorKind::PermissionDenied.into());
        assert_eq!(busy.failure(), BindFailure::Other);
    }
}
