//! The byte stream beneath HTTP, with TLS or without: [`MaybeTls`].

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::socket::{self, Stream};
use crate::http::{access::ConnectionPermit, sendfile::SendfileQueue};

/// The first byte of a TLS connection: a record of type handshake (RFC 8446 §5.1). No method of HTTP begins
/// with it.
pub(in crate::server) const HANDSHAKE_RECORD: u8 = 0x16;
/// HTTP/2's name as a protocol inside TLS (RFC 9113 §3.2).
pub(in crate::server) const HTTP_2: &[u8] = b"h2";

/// An accepted stream, decrypted where it has to be. Not tokio-util's `Either`, since what ends without
/// close_notify ends in an error there.
#[derive(Debug)]
pub(in crate::server) struct MaybeTls {
    layer: Layer,
    /// The connection counts for as long as there is a stream.
    permit: Option<ConnectionPermit>,
}

#[derive(Debug)]
enum Layer {
    /// As it came.
    Plain(Stream),
    /// TLS, whose handshake is done. Boxed, since it is large, and plain connections have none.
    Tls(Box<TlsStream<Stream>>),
}

impl From<Stream> for MaybeTls {
    fn from(stream: Stream) -> Self {
        MaybeTls {
            layer: Layer::Plain(stream),
            permit: None,
        }
    }
}

impl From<TlsStream<Stream>> for MaybeTls {
    fn from(stream: TlsStream<Stream>) -> Self {
        MaybeTls {
            layer: Layer::Tls(Box::new(stream)),
            permit: None,
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
            Layer::Plain(Stream::Left(tcp)) => Some(tcp.queue()),
            Layer::Plain(Stream::Right(_)) | Layer::Tls(_) => None,
        }
    }

    /// Whether there is TLS.
    pub(in crate::server) fn is_tls(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// Whether HTTP/2 was agreed upon inside TLS (RFC 9113 §3.2).
    pub(in crate::server) fn is_http2(&self) -> bool {
        match &self.layer {
            Layer::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP_2),
            Layer::Plain(_) => false,
        }
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
            Layer::Plain(stream) => socket::peek_until(stream, buffer, told_by).await,
            Layer::Tls(_) => Ok(None),
        }
    }
}

/// The stream inside, with what it can do called by its name.
macro_rules! inner {
    ($stream:expr, $operation:ident $(, $argument:expr)*) => {
        match &mut $stream.get_mut().layer {
            Layer::Plain(stream) => Pin::new(stream).$operation($($argument),*),
            Layer::Tls(stream) => Pin::new(stream).$operation($($argument),*),
        }
    };
}

impl AsyncRead for MaybeTls {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(inner!(self, poll_read, context, buffer)) {
            // An end without close_notify (RFC 8446 §6.1) is an end: many clients leave so, and HTTP and
            // WebSockets see by themselves whether something is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for MaybeTls {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        inner!(self, poll_write, context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inner!(self, poll_write_vectored, context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layer {
            Layer::Plain(stream) => stream.is_write_vectored(),
            Layer::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_flush, context)
    }

    /// With TLS, says close_notify first; reading goes on.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_shutdown, context)
    }
}
