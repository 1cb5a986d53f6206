//! TLS as a client: whom we trust, and who we are.

use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
        sign::{CertifiedKey, SingleCertAndKey},
        version::{TLS12, TLS13},
    },
};

use super::connect_error::ConnectError;

/// What is spoken inside (RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// What the system trusts.
    System,
    /// These authorities, and no other.
    Authorities(RootCertStore),
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
        let builder = match trust {
            Trust::System => builder.with_root_certificates(system_roots()?),
            Trust::Authorities(roots) => builder.with_root_certificates(roots),
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
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
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            let reason = format!("'{host}' cannot be a name in a certificate");
            ConnectError::Tls(io::Error::new(io::ErrorKind::InvalidData, reason))
        })?;
        let connected = self.connector.connect(name, socket).await;
        connected.map_err(ConnectError::Tls)
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    match (roots.is_empty(), found.errors.first()) {
        (false, _) => Ok(roots),
        (true, Some(error)) => Err(format!("the system's authorities cannot be read: {error}")),
        (true, None) => Err("the system has no authorities".to_owned()),
    }
}

/// Takes any certificate; that the server holds its key is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
