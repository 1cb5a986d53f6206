//! Trust in a server's own certificate, whoever issued it, for whatever name and time: in any, or in the one of a
//! fingerprint.

use std::sync::Arc;

use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{fingerprint::Fingerprint, tls_failure::OtherCertificate};

/// Takes the certificate of a fingerprint, or any. That the server holds its key is checked all the same, by the
/// handshake's signature (RFC 8446 §4.4.3, RFC 5246 §7.4.3): a certificate is no secret, and anybody can show one.
#[derive(Debug)]
pub(super) struct LeafVerifier {
    provider: Arc<CryptoProvider>,
    expected: Option<Fingerprint>,
}

impl LeafVerifier {
    pub(super) fn new(provider: Arc<CryptoProvider>, expected: Option<Fingerprint>) -> Self {
        LeafVerifier { provider, expected }
    }
}

impl ServerCertVerifier for LeafVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(leaf);
        match self.expected {
            Some(expected) if expected != shown => {
                let other = OtherCertificate { shown, expected };
                Err(CertificateError::Other(OtherError(Arc::new(other))).into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
