//! A TCP stream on which files go out by sendfile(2): [`SendfileStream`].

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::net::{SendFlags, send};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

use super::queue::SendfileQueue;

#[cfg(all(target_os = "linux", not(wsd_portable)))]
const BEFORE_FILE: SendFlags = SendFlags::MORE.union(SendFlags::NOSIGNAL);
/// Elsewhere nothing is sent by the kernel itself.
#[cfg(any(not(target_os = "linux"), wsd_portable))]
const BEFORE_FILE: SendFlags = SendFlags::empty();

/// A stream that writes the bytes of files in the place of the placeholders of its [`SendfileQueue`].
#[derive(Debug)]
pub struct SendfileStream {
    stream: TcpStream,
    queue: SendfileQueue,
    sent: u64,
}

impl SendfileStream {
    /// A stream with an empty queue.
    pub fn new(stream: TcpStream) -> Self {
        SendfileStream {
            stream,
            queue: SendfileQueue::default(),
            sent: 0,
        }
    }

    /// How many bytes the socket has taken.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What files are to be put into; for the extensions of requests.
    pub fn queue(&self) -> &SendfileQueue {
        &self.queue
    }

    /// The socket, to look at.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn poll_send_file(&self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_send(context, || self.queue.send(&self.stream))
    }

    /// Sends what goes before a file: the kernel waits for the file to fill the packet (send(2), `MSG_MORE`).
    fn poll_send_before_file(
        &self,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, || Ok(send(&self.stream, buffer, BEFORE_FILE)?))
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        mut send: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            match self.stream.try_io(Interest::WRITABLE, &mut send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for SendfileStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SendfileStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = ready!(match SendfileQueue::is_placeholder(buffer) {
            true => self.poll_send_file(context),
            false => Pin::new(&mut self.stream).poll_write(context, buffer),
        })?;
        self.sent += sent as u64;
        Poll::Ready(Ok(sent))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let file = buffers
            .iter()
            .position(|buffer| SendfileQueue::is_placeholder(buffer));
        let sent = ready!(match (file, buffers) {
            (None, _) => Pin::new(&mut self.stream).poll_write_vectored(context, buffers),
            (Some(0), _) => self.poll_send_file(context),
            (Some(1), [head, ..]) => self.poll_send_before_file(context, head),
            (Some(file), _) => {
                Pin::new(&mut self.stream).poll_write_vectored(context, &buffers[..file])
            }
        })?;
        self.sent += sent as u64;
        Poll::Ready(Ok(sent))
    }

    /// Without it hyper would copy, placeholders too.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
