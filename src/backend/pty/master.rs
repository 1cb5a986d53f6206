//! Our end of a pty, as streams of bytes.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::io::{self as kernel, Errno, ioctl_fionbio};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, unix::AsyncFd};

/// The master, which who reads it and who writes it share. It is closed with the last of them: then the kernel hangs
/// the terminal up.
#[derive(Debug, Clone)]
pub(in crate::backend) struct Master(Arc<AsyncFd<OwnedFd>>);

impl Master {
    /// # Errors
    /// When the runtime can watch no more descriptors.
    #[allow(
        unsafe_code,
        reason = "the descriptor must stay the same, which only we can know"
    )]
    pub(in crate::backend) fn new(master: OwnedFd) -> io::Result<Self> {
        ioctl_fionbio(&master, true)?;
        // SAFETY: an owned descriptor is the same until it is dropped, which nothing here does before that.
        let watched = unsafe { AsyncFd::register(master) }?;
        Ok(Master(Arc::new(watched)))
    }
}

impl AsFd for Master {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}

impl AsyncRead for Master {
    /// That nobody has the slave any more is told by EIO, behind all that was written there (pty(7)).
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            match read(self.as_fd(), buffer) {
                Ok(()) | Err(Errno::IO) => return Poll::Ready(Ok(())),
                Err(Errno::AGAIN) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

/// Reads to the unfilled part of a buffer.
#[allow(
    unsafe_code,
    reason = "a ReadBuf cannot be told otherwise what was initialised"
)]
fn read(descriptor: BorrowedFd<'_>, buffer: &mut ReadBuf<'_>) -> Result<(), Errno> {
    // SAFETY: nothing is written there that is not initialised.
    let (filled, _) = kernel::read(descriptor, unsafe { buffer.unfilled_mut() })?;
    let length = filled.len();
    // SAFETY: the kernel has initialised so many.
    unsafe { buffer.assume_init(length) };
    buffer.advance(length);
    Ok(())
}

impl AsyncWrite for Master {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            match kernel::write(self.as_fd(), bytes) {
                // No room, in other words.
                Ok(0) | Err(Errno::AGAIN) if !bytes.is_empty() => guard.clear_ready(),
                Ok(length) => return Poll::Ready(Ok(length)),
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// The kernel holds nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// There is nothing that its reader would be told.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
