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
    chain::Chain,
    pem::{self, LoadError, PemKind},
    self_signed,
};
use crate::server::listener::{Address, own_names};

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
        /// What it is for, beside what the machine is called by others: DNS names and addresses.
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

/// An identity, checked: the chain has been put in order, and the key is the certificate's.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) source: IdentitySource,
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) certificate: Certificate,
    /// The DNS names and addresses that it is for, in lower case.
    pub(super) names: Vec<String>,
    /// What is odd about its file, for people.
    pub(super) remarks: Vec<String>,
}

impl Identity {
    /// Loads an identity, or makes one for a server that listens on these addresses.
    ///
    /// # Errors
    /// [`LoadError`] names the file.
    pub(super) fn load(source: &IdentitySource, listening: &[Address]) -> Result<Self, LoadError> {
        let (certified, certificate, remarks) = match source {
            IdentitySource::Files { certificates, key } => from_files(certificates, key)?,
            IdentitySource::SelfSigned { names } => {
                let (certified, certificate) = self_signed::make(&all_names(names, listening))?;
                (certified, certificate, Vec::new())
            }
        };
        Ok(Identity {
            source: source.clone(),
            names: certificate.names(),
            certificate,
            certified: Arc::new(certified),
            remarks,
        })
    }
}

/// The names that were given, and those of the machine, each once.
fn all_names(given: &[String], listening: &[Address]) -> Vec<String> {
    let mut all = given.to_vec();
    for name in own_names(listening) {
        if !all.iter().any(|given| given.eq_ignore_ascii_case(&name)) {
            all.push(name);
        }
    }
    all
}

/// A certificate with its chain, and its key, checked: for who shows it as a client.
///
/// # Errors
/// [`LoadError`] names the file.
pub fn certified(certificates: &Path, key: &Path) -> Result<Arc<CertifiedKey>, LoadError> {
    let (certified, ..) = from_files(certificates, key)?;
    Ok(Arc::new(certified))
}

/// The pair, its certificate, and what is odd about the file.
fn from_files(
    certificates: &Path,
    key: &Path,
) -> Result<(CertifiedKey, Certificate, Vec<String>), LoadError> {
    let (file, mut remarks) = pem::certificates(PemKind::Certificate, certificates)?;
    let private = pem::private_key(key)?;
    let mut read = read(&file)
        .map_err(|reason| LoadError::file(PemKind::Certificate, certificates, reason))?;
    let private = any_supported_type(&private).map_err(|_| {
        let reason = "the private key cannot be used: RSA of 2048 to 8192 bits, ECDSA on P-256 or \
                      P-384, and Ed25519 can";
        LoadError::file(PemKind::Key, key, reason)
    })?;
    let public = private.public_key();
    // Not by the library's own comparison, which reads no certificate of version 1.
    let fits = |certificate: &Certificate| {
        let public = public.as_ref();
        public.is_none_or(|public| certificate.has_key(public))
    };
    let leaf = read.iter().position(fits).ok_or_else(|| {
        let reason = format!(
            "the private key is not that of the certificate '{}'",
            certificates.display()
        );
        LoadError::file(PemKind::Key, key, reason)
    })?;
    let chain = Chain::of(&read, leaf);
    remarks.extend(chain.remarks);
    let sent = chain.order.iter().map(|place| file[*place].clone());
    let certified = CertifiedKey::new(sent.collect(), Arc::clone(&private));
    Ok((certified, read.swap_remove(leaf), remarks))
}

fn read(chain: &[CertificateDer<'_>]) -> Result<Vec<Certificate>, String> {
    let read_one = |(place, der)| {
        Certificate::read(der)
            .map_err(|error| format!("certificate {} cannot be read: {error}", place + 1))
    };
    chain.iter().enumerate().map(read_one).collect()
}
