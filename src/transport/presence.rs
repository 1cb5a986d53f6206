//! Whether a client is still there, asked without reading what it has sent: [`Presence`].

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What the other end has shut its connection with (shutdown(2), close(2)).
#[cfg(target_os = "linux")]
const SHUT: PollFlags = PollFlags::RDHUP.union(PollFlags::HUP);
/// Elsewhere only the end of both directions is told.
#[cfg(not(target_os = "linux"))]
const SHUT: PollFlags = PollFlags::HUP;

/// Whether a client is still there. It costs nothing until it is asked.
pub struct Presence(Option<Box<dyn Fn() -> Connectedness + Send + Sync>>);

/// What the kernel knows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectedness {
    /// Nothing else is known.
    Connected,
    /// The client has shut its direction; what it sent before that may wait to be read.
    Shut,
    /// The connection is lost (RST), and what was not read with it.
    Lost,
}

impl Presence {
    /// Asked by calling `look`.
    pub fn new(look: impl Fn() -> Connectedness + Send + Sync + 'static) -> Self {
        Presence(Some(Box::new(look)))
    }

    /// Of a client of whom nobody knows.
    pub fn unknown() -> Self {
        Presence(None)
    }

    /// Asks.
    pub fn look(&self) -> Connectedness {
        self.0
            .as_ref()
            .map_or(Connectedness::Connected, |look| look())
    }
}

impl Connectedness {
    /// That of a socket (poll(2)); takes no byte of it.
    pub fn of(socket: BorrowedFd<'_>) -> Self {
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
}
