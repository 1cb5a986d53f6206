//! The socket beneath a WebSocket's stream: [`Underlying`].

use std::os::fd::BorrowedFd;

/// A socket that a stream is laid over.
#[derive(Debug, Clone, Copy)]
pub struct Underlying<'a> {
    /// It.
    pub socket: BorrowedFd<'a>,
    /// Whether it is given what the stream is, as that is.
    pub is_bare: bool,
}
