//! The byte stream beneath HTTP, with TLS or without: [`MaybeTls`].

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::io::ioctl_fionread;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::socket::{self, Stream};
use crate::http::{access::ConnectionPermit, sendfile::SendfileQueue};

/// The first byte of a TLS connection: a record of type handshake (RFC 8446 §5.1). No method of HTTP begins
/// with it.
pub(in crate::server) const HANDSHAKE_RECORD: u8 = 0x16;
/// HTTP/2's name as a protocol inside TLS (RFC 9113 §3.2).
pub(in crate::server) const HTTP_2: &[u8] = b"h2";

/// An accepted stream, decrypted where it has to be.
#[derive(Debug)]
pub(in crate::server) struct MaybeTls {
    layer: Layer,
    /// The connection counts for as long as there is a stream.
    permit: Option<ConnectionPermit>,
    /// Our direction is shut.
    is_shut: bool,
}

/// As it came on the left; on the right TLS, whose handshake is done. Boxed, since it is large, and plain
/// connections have none.
type Layer = Either<Stream, Box<TlsStream<Stream>>>;

impl From<Stream> for MaybeTls {
    fn from(stream: Stream) -> Self {
        MaybeTls {
            layer: Layer::Left(stream),
            permit: None,
            is_shut: false,
        }
    }
}

impl From<TlsStream<Stream>> for MaybeTls {
    fn from(stream: TlsStream<Stream>) -> Self {
        MaybeTls {
            layer: Layer::Right(Box::new(stream)),
            permit: None,
            is_shut: false,
        }
    }
}

impl MaybeTls {
    /// The same, with what its connection counts by.
    pub(in crate::server) fn with_permit(self, permit: ConnectionPermit) -> Self {
        MaybeTls {
            permit: Some(permit),
            ..self
        }
    }

    /// Takes what its connection counts by, which is then the caller's to keep.
    pub(in crate::server) fn take_permit(&mut self) -> Option<ConnectionPermit> {
        self.permit.take()
    }

    /// What files can be sent through by the kernel; it cannot encrypt them.
    pub(in crate::server) fn sendfile_queue(&self) -> Option<&SendfileQueue> {
        match &self.layer {
            Layer::Left(Stream::Left(tcp)) => Some(tcp.queue()),
            Layer::Left(Stream::Right(_)) | Layer::Right(_) => None,
        }
    }

    /// How many bytes have gone to the socket of what TLS keeps; `None` where nothing is kept, or nobody counts.
    pub(in crate::server) fn sent(&self) -> Option<u64> {
        match &self.layer {
            Layer::Right(stream) => match stream.get_ref().0 {
                Stream::Left(tcp) => Some(tcp.sent()),
                Stream::Right(_) => None,
            },
            Layer::Left(_) => None,
        }
    }

    /// Whether there is TLS.
    pub(in crate::server) fn is_tls(&self) -> bool {
        matches!(self.layer, Layer::Right(_))
    }

    /// Whether HTTP/2 was agreed upon inside TLS (RFC 9113 §3.2).
    pub(in crate::server) fn is_http2(&self) -> bool {
        match &self.layer {
            Layer::Right(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            Layer::Left(_) => false,
        }
    }

    /// Has the kernel notice a client that is gone without a word, or not any more. Where it cannot, a silent client is
    /// there.
    pub(in crate::server) fn notice_loss(&self, is_wanted: bool) {
        let stream = match &self.layer {
            Layer::Left(stream) => stream,
            Layer::Right(stream) => stream.get_ref().0,
        };
        if let Stream::Left(tcp) = stream {
            let _ = socket::notice_loss(tcp.socket(), is_wanted);
        }
    }

    /// Whether something has come that nobody has read.
    pub(in crate::server) fn has_waiting(&self) -> bool {
        ioctl_fionread(self.as_fd()).is_ok_and(|bytes| bytes > 0)
    }

    /// Waits until the first bytes tell something, and leaves them where they are; `None` if there will be none,
    /// or all are encrypted.
    ///
    /// Cancel safe: yes.
    ///
    /// # Errors
    /// recv(2)'s.
    pub(in crate::server) async fn peek_until<T>(
        &self,
        buffer: &mut [u8],
        told_by: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        match &self.layer {
            Layer::Left(stream) => socket::peek_until(stream, buffer, told_by).await,
            Layer::Right(_) => Ok(None),
        }
    }
}

impl AsFd for MaybeTls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let stream = match &self.layer {
            Layer::Left(stream) => stream,
            Layer::Right(stream) => stream.get_ref().0,
        };
        match stream {
            Stream::Left(tcp) => tcp.socket().as_fd(),
            Stream::Right(unix) => unix.as_fd(),
        }
    }
}

impl AsyncRead for MaybeTls {
    /// Behind a shutdown what comes is handed up as it is: nobody waits for it but to throw it away, and what cannot be
    /// decrypted is no reason to stop.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_shut = self.is_shut;
        if let (Layer::Right(stream), true) = (&mut self.layer, is_shut) {
            return Pin::new(stream.get_mut().0).poll_read(context, buffer);
        }
        match ready!(Pin::new(&mut self.layer).poll_read(context, buffer)) {
            // An end without close_notify (RFC 8446 §6.1) is an end: many clients leave so, and HTTP and
            // WebSockets see by themselves whether something is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for MaybeTls {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.layer).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.layer).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.layer.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.layer).poll_flush(context)
    }

    /// With TLS, says close_notify first; reading goes on.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.layer).poll_shutdown(context));
        self.is_shut = true;
        Poll::Ready(shut)
    }
}
