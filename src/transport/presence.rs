//! Whether a client is still there, and what is still on its way to it, asked without reading what it has sent:
//! [`Presence`].

use std::{os::fd::BorrowedFd, time::Duration};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::send_queue;

/// What the other end has shut its connection with (shutdown(2), close(2)).
#[cfg(all(target_os = "linux", not(wsd_portable)))]
const SHUT: PollFlags = PollFlags::RDHUP.union(PollFlags::HUP);
/// Elsewhere only the end of both directions is told.
#[cfg(any(not(target_os = "linux"), wsd_portable))]
const SHUT: PollFlags = PollFlags::HUP;

/// Whether a client is still there. It costs nothing until it is asked.
pub struct Presence {
    look: Option<Box<dyn Fn() -> ConnectionState + Send + Sync>>,
    patience: Duration,
}

/// What is known of a connection, mostly by the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionState {
    /// Whether the other end is there.
    pub connectedness: Connectedness,
    /// Bytes that were sent, and that the other end has not taken; none where nobody can tell.
    pub untaken: usize,
}

/// Whether the other end of a connection is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connectedness {
    /// Nothing else is known.
    #[default]
    Connected,
    /// The client has shut its direction; what it sent before that may wait to be read.
    Shut,
    /// The connection is lost (RST), and what was not read with it.
    Lost,
}

impl Presence {
    /// Asked by calling `look`.
    pub fn new(look: impl Fn() -> ConnectionState + Send + Sync + 'static) -> Self {
        Presence {
            look: Some(Box::new(look)),
            patience: Duration::ZERO,
        }
    }

    /// The same of a client that may be away for so long.
    pub fn with_patience(self, patience: Option<Duration>) -> Self {
        Presence {
            patience: patience.unwrap_or_default(),
            ..self
        }
    }

    /// How long it may be away.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Of a client of whom nobody knows.
    pub fn unknown() -> Self {
        Presence {
            look: None,
            patience: Duration::ZERO,
        }
    }

    /// Whether it is there.
    pub fn connectedness(&self) -> Connectedness {
        self.look().connectedness
    }

    /// Bytes that it was sent and has not taken, as far as anybody knows.
    pub fn untaken(&self) -> usize {
        self.look().untaken
    }

    fn look(&self) -> ConnectionState {
        self.look
            .as_ref()
            .map_or_else(ConnectionState::default, |look| look())
    }
}

impl ConnectionState {
    /// That of a socket; takes no byte of it.
    pub fn of(socket: BorrowedFd<'_>) -> Self {
        ConnectionState {
            connectedness: connectedness(socket),
            untaken: send_queue::length(socket),
        }
    }
}

/// By poll(2).
fn connectedness(socket: BorrowedFd<'_>) -> Connectedness {
    let mut fds = [PollFd::from_borrowed_fd(socket, SHUT)];
    if poll(&mut fds, Some(&Timespec::default())).is_err() {
        return Connectedness::Connected;
    }
    let events = fds[0].revents();
    if events.intersects(PollFlags::ERR) {
        Connectedness::Lost
    } else if events.intersects(SHUT) {
        Connectedness::Shut
    } else {
        Connectedness::Connected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::{fd::AsFd, unix::net::UnixStream};

    #[test]
    fn client_that_has_gone_is_noticed() {
        let (near, far) = UnixStream::pair().expect("two ends");
        let look = || ConnectionState::of(near.as_fd()).connectedness;
        assert_eq!(look(), Connectedness::Connected);
        drop(far);
        assert_eq!(look(), Connectedness::Shut);
    }
}
