//! A TLS identity: a certificate with its chain, and the key that proves it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    crypto::ring::sign::any_supported_type, pki_types::CertificateDer, sign::CertifiedKey,
};

use super::{
    certificate::Certificate,
    pem::{self, LoadError, PemKind},
    self_signed,
};

/// Where an identity comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// PEM files.
    Files {
        /// The certificate, and the chain above it.
        certificates: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Made at start and never written down, for development.
    SelfSigned {
        /// What it is for: DNS names and addresses.
        names: Vec<String>,
    },
}

impl IdentitySource {
    /// The files that it is read from.
    pub(super) fn files(&self) -> Vec<&Path> {
        match self {
            IdentitySource::Files { certificates, key } => vec![certificates, key],
            IdentitySource::SelfSigned { .. } => Vec::new(),
        }
    }
}

/// An identity, checked: the chain is in order, and the key is the certificate's.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) source: IdentitySource,
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) certificate: Certificate,
    /// The DNS names and addresses that it is for, in lower case.
    pub(super) names: Vec<String>,
}

impl Identity {
    /// Loads or makes an identity.
    ///
    /// # Errors
    /// [`LoadError`] names the file.
    pub(super) fn load(source: &IdentitySource) -> Result<Self, LoadError> {
        let (certified, certificate) = match source {
            IdentitySource::Files { certificates, key } => from_files(certificates, key)?,
            IdentitySource::SelfSigned { names } => self_signed::make(names)?,
        };
        Ok(Identity {
            source: source.clone(),
            names: certificate.names(),
            certificate,
            certified: Arc::new(certified),
        })
    }
}

/// A certificate with its chain, and its key, checked: for who shows it as a client.
///
/// # Errors
/// [`LoadError`] names the file.
pub fn certified(certificates: &Path, key: &Path) -> Result<Arc<CertifiedKey>, LoadError> {
    from_files(certificates, key).map(|(certified, _)| Arc::new(certified))
}

fn from_files(certificates: &Path, key: &Path) -> Result<(CertifiedKey, Certificate), LoadError> {
    let chain = pem::certificates(PemKind::Certificate, certificates)?;
    let private = pem::private_key(key)?;
    let mut read = read(&chain)
        .map_err(|reason| LoadError::file(PemKind::Certificate, certificates, reason))?;
    let private = any_supported_type(&private).map_err(|_| {
        let reason = "the private key cannot be used: RSA of 2048 to 8192 bits, ECDSA on P-256 or \
                      P-384, and Ed25519 can";
        LoadError::file(PemKind::Key, key, reason)
    })?;
    let fits = |der: &CertificateDer<'static>| {
        CertifiedKey::new(vec![der.clone()], Arc::clone(&private))
            .keys_match()
            .is_ok()
    };
    match chain.iter().position(fits) {
        Some(0) => {}
        Some(place) => {
            let reason = format!(
                "certificate {} is the one of the private key: it has to come first, then its issuer, \
                 then that one's",
                place + 1
            );
            return Err(LoadError::file(PemKind::Certificate, certificates, reason));
        }
        None => {
            let reason = format!(
                "the private key is not that of the certificate '{}'",
                certificates.display()
            );
            return Err(LoadError::file(PemKind::Key, key, reason));
        }
    }
    in_order(&read)
        .map_err(|reason| LoadError::file(PemKind::Certificate, certificates, reason))?;
    Ok((CertifiedKey::new(chain, private), read.swap_remove(0)))
}

fn read(chain: &[CertificateDer<'_>]) -> Result<Vec<Certificate>, String> {
    let read_one = |(place, der)| {
        Certificate::read(der)
            .map_err(|error| format!("certificate {} cannot be read: {error}", place + 1))
    };
    chain.iter().enumerate().map(read_one).collect()
}

/// Whether each certificate was issued by the next (RFC 5246 §7.4.2). Some clients sort by themselves,
/// others fail: an error at the start is found sooner.
fn in_order(chain: &[Certificate]) -> Result<(), String> {
    for (place, pair) in chain.windows(2).enumerate() {
        let [certificate, next] = pair else { continue };
        if !certificate.is_issued_by(next) {
            return Err(format!(
                "certificate {} ({}) did not issue certificate {} ({}, issued by {}): each one's issuer has \
                 to be the next",
                place + 2,
                next.subject(),
                place + 1,
                certificate.subject(),
                certificate.issuer(),
            ));
        }
    }
    Ok(())
}
