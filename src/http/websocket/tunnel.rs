//! Upgraded connections: the bytes behind an opening handshake: [`Tunnel`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::{Version, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes written at once on a stream of HTTP/2: hyper copies them all and queues a few writes, whatever the
/// client takes. It is what a frame holds (RFC 9113 §6.5.2).
const MAX_WRITE: usize = 16 * 1024;

/// A connection, or a stream of one, that has become a WebSocket's.
#[derive(Debug)]
pub(in crate::http) struct Tunnel {
    stream: TokioIo<Upgraded>,
    max_write: usize,
}

impl Tunnel {
    /// What became of a request of this version.
    pub(in crate::http) fn new(upgraded: Upgraded, version: Version) -> Self {
        Tunnel {
            stream: TokioIo::new(upgraded),
            max_write: match version {
                Version::HTTP_2 => MAX_WRITE,
                _ => usize::MAX,
            },
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let buffer = &buffer[..buffer.len().min(self.max_write)];
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
