//! The byte stream to a target, and its two halves.
//!
//! # How it works
//! The halves share the stream, for TLS has one state for both directions, and since an error of the socket is told
//! once only: who writes may find what the reader has to know. Both are polled by the session's one task, so the lock
//! is never waited for.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{Shutdown, shutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::client::TlsStream;

use crate::{backend::stdin::Intake, send_queue};

/// A connection to a socket.
#[derive(Debug)]
pub enum SocketStream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a unix socket.
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl SocketStream {
    /// The two halves; the second tells the intake what it has written.
    pub(super) fn split(self) -> (ReadHalf, WriteHalf) {
        let shared = Arc::new(Mutex::new(Shared {
            stream: self,
            has_received: false,
            is_lost: false,
        }));
        let read = ReadHalf(Arc::clone(&shared));
        // Whoever looks at it does not keep it open.
        let watched = Arc::downgrade(&shared);
        let send_queue = move || {
            let shared = watched.upgrade();
            shared.map_or(0, |shared| shared.lock().untaken())
        };
        let write = WriteHalf {
            shared,
            intake: Intake::of_connection(send_queue),
            is_shut: false,
        };
        (read, write)
    }

    /// The half that writes.
    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Send + Unpin)> {
        match self {
            SocketStream::Tcp(stream) => Pin::new(stream),
            SocketStream::Unix(stream) => Pin::new(stream),
            SocketStream::Tls(stream) => Pin::new(stream),
        }
    }
}

impl AsyncRead for SocketStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            SocketStream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            SocketStream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            SocketStream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for SocketStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writer().poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writer().poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_shutdown(context)
    }
}

impl AsFd for SocketStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            SocketStream::Tcp(stream) => stream.as_fd(),
            SocketStream::Unix(stream) => stream.as_fd(),
            SocketStream::Tls(stream) => stream.get_ref().0.as_fd(),
        }
    }
}

struct Shared {
    stream: SocketStream,
    /// Something was read.
    has_received: bool,
    /// A read or a write has found out that the connection is lost.
    is_lost: bool,
}

impl Shared {
    /// Bytes that the target was sent and has not taken; one that is lost takes none of them.
    fn untaken(&self) -> usize {
        let socket = self.stream.as_fd();
        let mut fds = [PollFd::from_borrowed_fd(socket, PollFlags::empty())];
        let looked = poll(&mut fds, Some(&Timespec::default()));
        let is_reset = looked.is_ok() && fds[0].revents().intersects(PollFlags::ERR);
        match self.is_lost || is_reset {
            true => 0,
            false => send_queue::length(socket),
        }
    }
}

/// What the target says. An end is an orderly one; a connection that is lost is an error, and so is one by TLS that
/// ends without a word.
pub(super) struct ReadHalf(Arc<Mutex<Shared>>);

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut shared = self.0.lock();
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut shared.stream).poll_read(context, buffer));
        let is_end = buffer.filled().len() == before;
        Poll::Ready(match read {
            Ok(()) if is_end && shared.is_lost => Err(io::ErrorKind::ConnectionReset.into()),
            // TLS that ends without close_notify: many servers never send one.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && shared.has_received => {
                Ok(())
            }
            read => {
                shared.has_received |= !is_end;
                shared.is_lost |= read.is_err();
                read
            }
        })
    }
}

/// What the target is told. Shutting it down, or dropping it, is end-of-file there.
pub(super) struct WriteHalf {
    shared: Arc<Mutex<Shared>>,
    intake: Intake,
    is_shut: bool,
}

impl WriteHalf {
    /// To see what has been written.
    pub(super) fn intake(&self) -> &Intake {
        &self.intake
    }

    fn poll_write_by(
        &mut self,
        write: impl FnOnce(Pin<&mut SocketStream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.shared.lock();
        let written = ready!(write(Pin::new(&mut shared.stream)));
        if let Err(error) = &written {
            // That it takes no more is no loss: it may have shut its direction in order (tcp(7)).
            shared.is_lost |= error.kind() != io::ErrorKind::BrokenPipe;
        }
        drop(shared);
        if let Ok(length) = &written {
            self.intake.count_written(*length);
        }
        Poll::Ready(written)
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_by(|writer| writer.poll_write(context, buffer))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_by(|writer| writer.poll_write_vectored(context, buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.shared.lock().stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_shut {
            return Poll::Ready(Ok(()));
        }
        let shut = ready!(Pin::new(&mut self.shared.lock().stream).poll_shutdown(context));
        self.is_shut = true;
        Poll::Ready(shut)
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if !self.is_shut {
            // One that is lost is shut already.
            let _ = shutdown(self.shared.lock().stream.as_fd(), Shutdown::Write);
        }
    }
}
