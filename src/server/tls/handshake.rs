//! From an accepted stream to one that HTTP can be spoken on.

use std::{borrow::Cow, io, time::Duration};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{CertificateError, CipherSuite, Error, ProtocolVersion, ServerConnection},
};

use super::{certificate::Certificate, current::Tls};
use crate::{
    connection::TlsInfo,
    quantity::duration,
    server::io::{HANDSHAKE_RECORD, MaybeTls, Stream, peek_until},
    timer::timeout,
};

/// What a handshake may take. Shorter would cut off slow lines; longer lets connections that say nothing
/// pile up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::server) enum HandshakeError {
    /// The client said too little.
    #[error("there was no TLS handshake within {}", duration(HANDSHAKE_TIMEOUT))]
    TimedOut,
    /// The client went before it said anything, as those do that only look whether the port is open.
    #[error("the client went before a TLS handshake")]
    Silent,
    /// The two sides did not agree.
    #[error("the TLS handshake failed: {}", reason(.0))]
    Handshake(#[from] io::Error),
    /// The client's certificate is valid but of a form that is not understood.
    #[error("the client's certificate cannot be read: {0}")]
    Certificate(String),
}

/// Why a handshake failed, in words where the library has none: which certificates openssl(1) makes unasked, and how
/// it makes others, is what its users stumble over.
fn reason(error: &io::Error) -> Cow<'static, str> {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(Error::InvalidCertificate(CertificateError::Other(other))) = inner else {
        return error.to_string().into();
    };
    // The names of rustls-webpki's errors, which are all that it says.
    match other.to_string().as_str() {
        "UnsupportedCertVersion" => {
            "the client's certificate is of version 1, which is refused: openssl x509 -req makes one of version 3 \
             with -extfile"
        }
        "CaUsedAsEndEntity" => {
            "the client's certificate is that of an authority (CA:TRUE), which is refused: an authority issues \
             certificates for clients"
        }
        _ => return error.to_string().into(),
    }
    .into()
}

impl Tls {
    /// Makes the connection's first step, whatever it is: the TLS handshake, or nothing for a client that
    /// speaks without, be it to be served or to be told.
    ///
    /// Cancel safe: no; the stream is closed then.
    ///
    /// # Errors
    /// [`HandshakeError`]; the stream is closed then.
    pub(in crate::server) async fn accept(
        &self,
        stream: Stream,
    ) -> Result<(MaybeTls, Option<TlsInfo>), HandshakeError> {
        let accepted = timeout(HANDSHAKE_TIMEOUT, self.accept_patiently(stream)).await;
        accepted.unwrap_or(Err(HandshakeError::TimedOut))
    }

    async fn accept_patiently(
        &self,
        stream: Stream,
    ) -> Result<(MaybeTls, Option<TlsInfo>), HandshakeError> {
        let first_byte = |bytes: &[u8]| bytes.first().copied();
        match peek_until(&stream, &mut [0], first_byte).await {
            Ok(Some(HANDSHAKE_RECORD)) => {}
            Ok(Some(_)) => return Ok((stream.into(), None)),
            Ok(None) | Err(_) => return Err(HandshakeError::Silent),
        }
        let stream = TlsAcceptor::from(self.config().rustls.clone())
            .accept(stream)
            .await?;
        let facts = facts(stream.get_ref().1)?;
        Ok((stream.into(), Some(facts)))
    }
}

fn facts(session: &ServerConnection) -> Result<TlsInfo, HandshakeError> {
    let shown = session.peer_certificates().and_then(<[_]>::first);
    let client = shown.map(|der| Certificate::read(der).map(|certificate| certificate.facts()));
    let suite = session.negotiated_cipher_suite();
    Ok(TlsInfo {
        protocol: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        cipher: suite.map_or("", |suite| openssl_name(suite.suite())),
        server_name: session.server_name().map(str::to_owned),
        client: client.transpose().map_err(HandshakeError::Certificate)?,
    })
}

/// OpenSSL's names of the suites that *ring* has, since mod_ssl tells those.
fn openssl_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        other => other.as_str().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tls::{IdentitySource, TlsConfig, TlsOptions, WithoutTls};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
        time::Instant,
    };

    fn tls() -> Tls {
        let options = TlsOptions {
            identities: vec![IdentitySource::SelfSigned {
                names: vec!["localhost".to_owned()],
            }],
            clients: None,
            without_tls: WithoutTls::Refused,
            listening: Vec::new(),
        };
        Tls::new(TlsConfig::load(options).expect("a configuration"))
    }

    /// What comes of a client that sends some bytes and waits.
    async fn accept(bytes: &[u8]) -> (Result<MaybeTls, HandshakeError>, UnixStream) {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        far.write_all(bytes).await.expect("room");
        let accepted = tls().accept(Stream::Right(near)).await;
        (accepted.map(|(stream, _)| stream), far)
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_says_too_little_is_limited() {
        for bytes in [&[][..], &[0x16], &[0x16, 3, 1, 2]] {
            let started = Instant::now();
            let (refused, _far) = accept(bytes).await;
            assert!(
                matches!(refused, Err(HandshakeError::TimedOut)),
                "{refused:?}"
            );
            assert_eq!(
                started.elapsed().as_secs(),
                HANDSHAKE_TIMEOUT.as_secs(),
                "{bytes:?}"
            );
        }
    }

    #[tokio::test]
    async fn client_that_goes_is_not_worth_a_line() {
        let (near, far) = UnixStream::pair().expect("two ends");
        drop(far);
        let refused = tls().accept(Stream::Right(near)).await;
        assert!(
            matches!(refused, Err(HandshakeError::Silent)),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn plain_client_keeps_its_first_byte() {
        let (accepted, _far) = accept(b"GET").await;
        let mut stream = accepted.expect("it is no failure");
        assert!(!stream.is_tls());
        let mut read = [0; 3];
        stream.read_exact(&mut read).await.expect("all of it");
        assert_eq!(&read, b"GET");
    }
}
