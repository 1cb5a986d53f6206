//! Connection failures: why there is no connection to a target.

use std::{io, time::Duration};

use super::address::SocketAddress;
use crate::{quantity::duration, tls_failure::TlsFailure};

/// Why a target cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the target {target} cannot be reached: {failure}")]
pub struct ConnectError {
    /// Which.
    pub target: SocketAddress,
    /// Why.
    pub failure: ConnectFailure,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// The name has no address, or cannot be looked up.
    #[error("{0}")]
    Name(io::Error),
    /// Nobody listens there, no way leads there, or it ended at once.
    #[error("{0}")]
    Refused(io::Error),
    /// It did not answer in time.
    #[error("there was no answer within {}", duration(*.0))]
    TimedOut(Duration),
    /// It speaks no TLS, or is not whom we trust.
    #[error("TLS: {0}")]
    Tls(TlsFailure),
    /// We have run out of descriptors, ports or memory for the moment.
    #[error("{0}")]
    Exhausted(io::Error),
}

impl ConnectFailure {
    /// Why a socket could not be opened or connected (connect(2)).
    pub(super) fn of_connecting(error: io::Error) -> Self {
        match passes_with_time(&error) {
            true => ConnectFailure::Exhausted(error),
            false => ConnectFailure::Refused(error),
        }
    }

    /// Why a name could not be looked up (getaddrinfo(3)).
    pub(super) fn of_look_up(error: io::Error) -> Self {
        match passes_with_time(&error) {
            true => ConnectFailure::Exhausted(error),
            false => ConnectFailure::Name(error),
        }
    }

    /// Whether a server that is just starting may be why.
    pub(super) fn is_too_early(&self) -> bool {
        matches!(self, ConnectFailure::Refused(error) if matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
        ))
    }

    /// The reason in one word, for counting; `None` where it is not the target's.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            ConnectFailure::Name(_) => Some("name"),
            ConnectFailure::Refused(_) => Some("refused"),
            ConnectFailure::TimedOut(_) => Some("timeout"),
            ConnectFailure::Tls(_) => Some("tls"),
            ConnectFailure::Exhausted(_) => None,
        }
    }
}

/// Whether what failed so may work a moment later: no descriptor, port or memory was free, or of a unix socket no
/// place in its queue.
fn passes_with_time(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EAGAIN
                | libc::EMFILE
                | libc::ENFILE
                | libc::ENOBUFS
                | libc::ENOMEM
                | libc::EADDRNOTAVAIL
        )
    )
}
