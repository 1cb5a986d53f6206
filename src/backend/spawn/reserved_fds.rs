//! Descriptors of low numbers, in which a child finds its ends of its pipes.
//!
//! # How it works
//! A child starts with the gateway's own table of descriptors and then takes the lowest of them for itself
//! (close_range(2), `CLOSE_RANGE_UNSHARE`): what lies above is neither copied nor closed. With a copy of
//! the whole table a start costs what the gateway has open: with 19,000 descriptors 9 ms, where this takes
//! 1.5 ms however many there are.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use rustix::io::{DupFlags, dup3};

use super::pipe::pipe;

/// Three descriptors that are always taken, by nothing of use between two starts.
#[derive(Debug)]
pub(super) struct ReservedFds {
    nothing: OwnedFd,
    fds: [OwnedFd; 3],
}

impl ReservedFds {
    /// Takes them; the earlier, the lower they are. `None` where a child cannot take descriptors for
    /// itself: before Linux 5.9.
    ///
    /// # Errors
    /// When there are no descriptors.
    pub(super) fn new() -> io::Result<Option<Self>> {
        if !super::child::can_unshare_descriptors() {
            return Ok(None);
        }
        let (nothing, _) = pipe()?;
        let fd = || nothing.try_clone();
        Ok(Some(ReservedFds {
            fds: [fd()?, fd()?, fd()?],
            nothing,
        }))
    }

    /// Puts a child's ends in, and gives their numbers there.
    ///
    /// # Errors
    /// As dup(2) gives them.
    pub(super) fn install(&mut self, ends: [&OwnedFd; 3]) -> io::Result<[RawFd; 3]> {
        for (end, fd) in ends.into_iter().zip(&mut self.fds) {
            dup3(end, fd, DupFlags::CLOEXEC)?;
        }
        Ok(self.fds.each_ref().map(AsRawFd::as_raw_fd))
    }

    /// Puts nothing in: a program's pipes have no other end than ours.
    pub(super) fn clear(&mut self) {
        for fd in &mut self.fds {
            // It cannot fail: both are open, and stay so.
            let _ = dup3(&self.nothing, fd, DupFlags::CLOEXEC);
        }
    }

    /// The first number above them.
    pub(super) fn limit(&self) -> RawFd {
        let numbers = self.fds.iter().map(AsRawFd::as_raw_fd);
        numbers.max().unwrap_or_default() + 1
    }
}
