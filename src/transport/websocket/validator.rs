//! The byte stream beneath the WebSocket library, with a look at what comes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frame_scanner::{Finding, FrameScanner},
    protocol_violation::ProtocolViolation,
};

/// A stream that fails with a [`ProtocolViolation`] where its frames break a rule that the library sees late or
/// not at all. All that came before is handed up first.
#[derive(Debug)]
pub(super) struct Validator<S> {
    stream: S,
    scanner: FrameScanner,
    found: Option<ProtocolViolation>,
    /// Nobody wants to know what comes.
    is_discarding: bool,
}

impl<S> Validator<S> {
    /// `read_ahead` was read from the stream already; what of it is to be refused is cut off.
    pub(super) fn new(stream: S, read_ahead: &mut Bytes) -> Self {
        let mut scanner = FrameScanner::default();
        let found = scanner.look(read_ahead).err();
        if let Some(Finding { at, .. }) = found {
            read_ahead.truncate(at);
        }
        Validator {
            stream,
            scanner,
            found: found.map(|found| found.violation),
            is_discarding: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Validator<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_discarding {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        if let Some(violation) = this.found {
            return Poll::Ready(Err(violation.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if let Err(Finding { violation, at }) = this.scanner.look(&buffer.filled()[before..]) {
            this.found = Some(violation);
            if at == 0 {
                // Without a byte it would be the end of the stream.
                buffer.set_filled(before);
                return Poll::Ready(Err(violation.into()));
            }
            buffer.set_filled(before + at);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Validator<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// From here on what comes is handed up as it is: nobody waits for it but to throw it away.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_discarding = true;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const FINE: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    const LONG: [u8; 10] = [0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'];

    #[tokio::test]
    async fn what_is_fine_comes_before_the_error() {
        for ahead in [0, FINE.len(), FINE.len() + 3, FINE.len() + LONG.len()] {
            let (near, mut far) = duplex(64);
            let sent = [&FINE[..], &LONG].concat();
            let mut read_ahead = Bytes::copy_from_slice(&sent[..ahead]);
            let mut stream = Validator::new(near, &mut read_ahead);
            far.write_all(&sent[ahead..]).await.expect("it fits");
            drop(far);
            let mut seen = read_ahead.to_vec();
            let error = stream.read_to_end(&mut seen).await.expect_err("a length");
            assert_eq!(
                ProtocolViolation::within(&error),
                Some(ProtocolViolation::Length)
            );
            assert_eq!(seen[..FINE.len()], FINE);
            assert!(seen.len() < FINE.len() + 4, "{seen:?}");
        }
    }

    #[tokio::test]
    async fn what_comes_behind_a_shutdown_is_not_looked_at() {
        let (near, mut far) = duplex(64);
        let mut stream = Validator::new(near, &mut Bytes::from_static(&LONG));
        stream.shutdown().await.expect("open");
        far.write_all(&LONG).await.expect("it fits");
        drop(far);
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.expect("fine");
        assert_eq!(seen, LONG);
    }
}
