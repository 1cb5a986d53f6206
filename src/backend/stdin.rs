//! A program's stdin: what is written to it, and how much of that the program has read.
//!
//! # How it works
//! The pipe is shared by who writes it, the sink of the session's input, and who looks at it, the session's end.
//! Both are polled by the session's one task, so the lock is never waited for. No event tells that a pipe has been
//! read, so who wants to know looks again; nobody does while a session is under way.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::{Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{io::AsyncWrite, net::unix::pipe};

use super::looks::Looks;

/// What can be seen of a program's stdin from the session, or of a connection's other end.
#[derive(Debug, Clone, Default)]
pub struct Intake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// `None` once it is closed.
    pipe: Option<pipe::Sender>,
    /// Where it is a connection.
    connection: Option<SendQueue>,
    /// Bytes that the pipe has taken, or the connection.
    written: u64,
    /// Those of them which wait elsewhere, where there is no pipe to look into.
    held: u64,
    /// The program has closed its end.
    is_refused: bool,
}

/// Tells the bytes that are on their way.
struct SendQueue(Box<dyn Fn() -> usize + Send>);

impl std::fmt::Debug for SendQueue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("SendQueue")
            .field(&(self.0)())
            .finish()
    }
}

impl State {
    /// Bytes that the pipe holds, or that are on their way. Unknown, and taken for none, where the kernel does not
    /// tell the writer.
    fn unread(&self) -> u64 {
        if let Some(SendQueue(length)) = &self.connection {
            return length() as u64;
        }
        match &self.pipe {
            Some(pipe) if cfg!(all(target_os = "linux", not(wsd_portable))) => {
                rustix::io::ioctl_fionread(pipe).unwrap_or(0)
            }
            _ => self.held,
        }
    }

    /// Whether nobody can read it any more.
    fn is_refused(&self) -> bool {
        let Some(pipe) = &self.pipe else {
            return self.is_refused;
        };
        let mut fds = [PollFd::new(pipe, PollFlags::OUT)];
        let looked = poll(&mut fds, Some(&Timespec::default()));
        looked.is_ok() && fds[0].revents().intersects(PollFlags::ERR)
    }
}

impl Intake {
    /// Of a connection that tells how much is on its way.
    pub(super) fn of_connection(send_queue: impl Fn() -> usize + Send + 'static) -> Self {
        let intake = Intake::default();
        intake.lock().connection = Some(SendQueue(Box::new(send_queue)));
        intake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Bytes that have been written to the program so far.
    pub fn written(&self) -> u64 {
        self.lock().written
    }

    /// Bytes have been written, where there is no pipe to look into.
    pub(super) fn count_written(&self, bytes: usize) {
        self.lock().written += bytes as u64;
    }

    /// Bytes wait to be written by somebody else.
    pub(super) fn count_offered(&self, bytes: usize) {
        let mut state = self.lock();
        state.written += bytes as u64;
        state.held += bytes as u64;
    }

    /// So many of them have been, or never will be.
    pub(super) fn count_taken(&self, bytes: usize) {
        self.lock().held -= bytes as u64;
    }

    /// Bytes that the program has read, as far as can be known.
    pub fn taken(&self) -> u64 {
        let state = self.lock();
        state.written.saturating_sub(state.unread())
    }

    /// Bytes that it has not read, as far as can be known.
    pub fn untaken(&self) -> u64 {
        self.lock().unread()
    }

    /// Whether the program has closed its end.
    pub fn is_refused(&self) -> bool {
        self.lock().is_refused()
    }
}

/// A program's stdin as it is written. Its shutdown closes our end of the pipe as soon as the program has read what
/// is in it (it could not see the end before that, and of a closed pipe nobody can tell what is unread): its reader
/// gets end-of-file when the last writer is gone (pipe(7)), and tokio's pipe would stay open until it is dropped.
pub(super) struct Stdin {
    intake: Intake,
    looks: Looks,
}

impl Stdin {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        let stdin = Stdin {
            intake: Intake::default(),
            looks: Looks::default(),
        };
        stdin.intake.lock().pipe = Some(pipe);
        stdin
    }

    /// To look at it.
    pub(super) fn intake(&self) -> &Intake {
        &self.intake
    }
}

/// Whoever looks at it does not keep it open.
impl Drop for Stdin {
    fn drop(&mut self) {
        self.intake.lock().pipe = None;
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.intake.lock();
        let Some(pipe) = &mut state.pipe else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = ready!(Pin::new(pipe).poll_write(context, buffer));
        match &written {
            Ok(length) => state.written += *length as u64,
            Err(_) => state.is_refused = true,
        }
        Poll::Ready(written)
    }

    /// A pipe holds nothing back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            {
                let mut state = self.intake.lock();
                if state.unread() == 0 || state.is_refused() {
                    state.pipe = None;
                    return Poll::Ready(Ok(()));
                }
            }
            ready!(self.looks.poll_next(context));
        }
    }
}
