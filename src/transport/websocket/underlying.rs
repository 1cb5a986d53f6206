//! The socket beneath a WebSocket's stream: [`Underlying`].

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A socket that a stream is laid over.
#[derive(Debug, Clone, Copy)]
pub struct Underlying<'a> {
    /// It.
    pub socket: BorrowedFd<'a>,
    /// Whether it is given what the stream is, as that is.
    pub is_bare: bool,
}

impl Underlying<'_> {
    /// Whether it has no room, where something between may have taken what it did not: TLS takes 64 KiB, and waits with
    /// that.
    pub(super) fn is_full_beneath(&self) -> bool {
        if self.is_bare {
            return false;
        }
        let mut fds = [PollFd::from_borrowed_fd(self.socket, PollFlags::OUT)];
        let looked = poll(&mut fds, Some(&Timespec::default()));
        looked.is_ok() && fds[0].revents().is_empty()
    }
}
