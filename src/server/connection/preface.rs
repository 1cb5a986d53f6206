//! HTTP/2 with prior knowledge (RFC 9113 §3.3): which version a connection without TLS begins with. Its first
//! bytes are left where they are.

use super::limits::HEAD_TIMEOUT;
use crate::{server::io::MaybeTls, timer::timeout};

/// What is spoken on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 or 1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What HTTP/2 begins with (RFC 9113 §3.4), as far as no request of HTTP/1.1 can: `PRI` is reserved as a method
/// (§11.6).
const PREFACE: &[u8] = b"PRI ";

/// Waits for the first bytes, and until they are clear where they may be those of HTTP/2; `None` if the client goes
/// or takes too long.
///
/// Cancel safe: yes.
pub(super) async fn protocol(stream: &MaybeTls, may_be_http2: bool) -> Option<Protocol> {
    let mut buffer = [0; PREFACE.len()];
    let peeked = stream.peek_until(&mut buffer, |bytes| match may_be_http2 {
        true => version_of(bytes),
        false => (!bytes.is_empty()).then_some(Protocol::Http1),
    });
    timeout(HEAD_TIMEOUT, peeked).await.ok()?.ok()?
}

/// What the first bytes tell; `None` while they are too few.
fn version_of(bytes: &[u8]) -> Option<Protocol> {
    if bytes.starts_with(PREFACE) {
        return Some(Protocol::Http2);
    }
    (!PREFACE.starts_with(bytes)).then_some(Protocol::Http1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::io::Stream;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
    };

    #[test]
    fn first_bytes_tell_as_soon_as_they_can() {
        for (bytes, protocol) in [
            ("", None),
            ("PRI", None),
            ("PRI * HTTP/2.0", Some(Protocol::Http2)),
            ("PR/", Some(Protocol::Http1)),
            ("PROPFIND /", Some(Protocol::Http1)),
            ("PRIVATE /", Some(Protocol::Http1)),
            ("G", Some(Protocol::Http1)),
        ] {
            assert_eq!(version_of(bytes.as_bytes()), protocol, "{bytes}");
        }
    }

    #[tokio::test]
    async fn preface_that_comes_byte_by_byte_is_known_and_left() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        let mut stream = MaybeTls::from(Stream::Right(near));
        let sending = async {
            for byte in b"PRI * " {
                far.write_u8(*byte).await.expect("room");
                tokio::task::yield_now().await;
            }
        };
        let (protocol, ()) = tokio::join!(protocol(&stream, true), sending);
        assert_eq!(protocol, Some(Protocol::Http2));
        let mut read = [0; 6];
        stream.read_exact(&mut read).await.expect("all of it");
        assert_eq!(&read, b"PRI * ");
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_says_too_little_or_goes_is_not_waited_for() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        let stream = MaybeTls::from(Stream::Right(near));
        far.write_all(b"PR").await.expect("room");
        assert_eq!(protocol(&stream, true).await, None);
        let (near, far) = UnixStream::pair().expect("two ends");
        drop(far);
        assert_eq!(
            protocol(&MaybeTls::from(Stream::Right(near)), true).await,
            None
        );
    }
}
