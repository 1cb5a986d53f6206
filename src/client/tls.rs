//! TLS as a client: whom we trust, and who we are.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::ServerName,
        sign::{CertifiedKey, SingleCertAndKey},
        version::{TLS12, TLS13},
    },
};

use super::{connect_error::ConnectError, leaf_verifier::LeafVerifier};
use crate::{fingerprint::Fingerprint, tls_failure::TlsFailure, trusted_roots};

/// What is spoken inside (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// What the system trusts.
    System,
    /// These authorities, and no other.
    Authorities(RootCertStore),
    /// One certificate, whoever issued it, for whatever name and time.
    Certificate(Fingerprint),
    /// Anybody's: the connection is encrypted, but it is not known to whom it leads.
    Anybody,
}

/// TLS as a client speaks it.
#[derive(Clone)]
pub struct ClientTls {
    connector: TlsConnector,
    trusts_anybody: bool,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Trusts whom `trust` says; `shown` is the certificate for a server that asks for one.
    ///
    /// # Errors
    /// When nobody would be trusted, since the system's authorities are not found.
    pub fn new(trust: Trust, shown: Option<Arc<CertifiedKey>>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| error.to_string())?;
        let trusts_anybody = matches!(trust, Trust::Anybody);
        let leaf = |expected| Arc::new(LeafVerifier::new(provider, expected));
        let builder = match trust {
            Trust::System => builder.with_root_certificates(trusted_roots::of_system()?),
            Trust::Authorities(roots) => builder.with_root_certificates(roots),
            Trust::Certificate(expected) => builder
                .dangerous()
                .with_custom_certificate_verifier(leaf(Some(expected))),
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(leaf(None)),
        };
        let mut config = match shown {
            Some(certified) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(ClientTls {
            connector: Arc::new(config).into(),
            trusts_anybody,
        })
    }

    /// Whether any certificate will do.
    pub fn trusts_anybody(&self) -> bool {
        self.trusts_anybody
    }

    /// The same as rustls takes it.
    pub fn config(&self) -> &Arc<ClientConfig> {
        self.connector.config()
    }

    /// The same where no protocol is agreed on (RFC 7301).
    pub fn without_protocols(&self) -> Arc<ClientConfig> {
        let mut config = (**self.config()).clone();
        config.alpn_protocols.clear();
        Arc::new(config)
    }

    /// The TLS handshake with the server of a name or address.
    pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        socket: S,
    ) -> Result<TlsStream<S>, ConnectError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ConnectError::Tls(TlsFailure::of_name(host)))?;
        let connected = self.connector.connect(name, socket).await;
        connected.map_err(|error| ConnectError::Tls(TlsFailure::in_handshake(&error)))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            ServerConfig, SupportedProtocolVersion,
            crypto::ring::sign::any_supported_type,
            pki_types::{CertificateDer, PrivateKeyDer},
        },
    };

    use super::*;

    /// A certificate of a key for a name that nobody asks for.
    fn certificate(key: &KeyPair) -> CertificateDer<'static> {
        let params = rcgen::CertificateParams::new(vec!["elsewhere.example".to_owned()]);
        let certificate = params.expect("a name").self_signed(key);
        certificate.expect("a certificate").der().clone()
    }

    /// How a handshake ends with a server that shows a certificate, and signs with a key.
    async fn handshake(
        trust: Trust,
        version: &'static SupportedProtocolVersion,
        shown: CertificateDer<'static>,
        key: &KeyPair,
    ) -> Result<(), String> {
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let private = any_supported_type(&private).expect("a key");
        // Unlike `with_single_cert`, this does not look whether the key is the certificate's.
        let certified = CertifiedKey::new(vec![shown], private);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        // Room for all that a server says last, its tickets, which nobody reads here.
        let (near, far) = tokio::io::duplex(64 * 1024);
        let tls = ClientTls::new(trust, None).expect("a trust");
        let server = TlsAcceptor::from(Arc::new(config)).accept(far);
        let (client, _) = tokio::join!(tls.connect("localhost", near), server);
        client.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn certificate_alone_proves_nothing_without_its_key() {
        let (own, other) = (KeyPair::generate(), KeyPair::generate());
        let (own, other) = (own.expect("a key"), other.expect("a key"));
        let shown = certificate(&own);
        let pinned = Trust::Certificate(Fingerprint::of(&shown));
        for version in [&TLS12, &TLS13] {
            for trust in [&pinned, &Trust::Anybody] {
                let held = handshake(trust.clone(), version, shown.clone(), &own).await;
                assert_eq!(held, Ok(()), "{trust:?} {version:?}");
                let stolen = handshake(trust.clone(), version, shown.clone(), &other).await;
                let reason = stolen.expect_err("it has no key");
                assert!(
                    reason.contains("does not hold its key"),
                    "{trust:?} {version:?}: {reason}"
                );
            }
        }
    }

    #[tokio::test]
    async fn other_certificate_of_the_same_key_is_another() {
        let key = KeyPair::generate().expect("a key");
        let (trusted, shown) = (certificate(&key), certificate(&key));
        let expected = Fingerprint::of(&trusted);
        let refused = handshake(Trust::Certificate(expected), &TLS13, shown.clone(), &key).await;
        let reason = refused.expect_err("another certificate");
        for fingerprint in [expected, Fingerprint::of(&shown)] {
            assert!(reason.contains(&fingerprint.to_string()), "{reason}");
        }
    }
}
