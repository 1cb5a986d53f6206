//! PEM files (RFC 7468): what they hold, or what they hold in its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls_pemfile::Item;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a PEM file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PemKind {
    /// A certificate and its chain.
    Certificate,
    /// The private key of a certificate.
    Key,
    /// Authorities that issue clients' certificates.
    Authorities,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be used.
    #[error("'{}': {reason}", file.display())]
    File {
        /// What it is for.
        kind: PemKind,
        /// The file.
        file: PathBuf,
        /// What is wrong, and what helps.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("a certificate cannot be made: {0}")]
    SelfSigned(#[from] rcgen::Error),
    /// The library refuses what was loaded.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] tokio_rustls::rustls::Error),
}

impl LoadError {
    pub(super) fn file(kind: PemKind, file: &Path, reason: impl Into<String>) -> Self {
        LoadError::File {
            kind,
            file: file.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The certificates of a file, in its order, at least one; and what is odd about the file, for people.
///
/// # Errors
/// The file cannot be read, is no PEM or has no certificate.
pub(super) fn certificates(
    kind: PemKind,
    file: &Path,
) -> Result<(Vec<CertificateDer<'static>>, Vec<String>), LoadError> {
    let text = read(kind, file)?;
    let items = items(kind, file, without_mark(&text))?;
    let holds_key = items.iter().any(|item| key(item).is_some());
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            Item::X509Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let reason = match holds_key {
            true => "holds a private key and no certificate: expected a certificate",
            false => "holds no certificate: expected PEM with a line -----BEGIN CERTIFICATE-----",
        };
        return Err(LoadError::file(kind, file, reason));
    }
    let remark = text.starts_with(MARK).then(|| {
        "it begins with a byte order mark (U+FEFF), which other programs may stumble over"
            .to_owned()
    });
    Ok((certificates, remark.into_iter().collect()))
}

/// The private key of a file: PKCS #8, PKCS #1 (RSA) or SEC 1 (elliptic curves).
///
/// # Errors
/// The file cannot be read, is no PEM, or has not just one key that can be read without a passphrase.
pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    let fail = |reason: &str| LoadError::file(PemKind::Key, file, reason);
    let text = read(PemKind::Key, file)?;
    if is_encrypted(&text) {
        return Err(fail(
            "the private key is encrypted: decrypt it with 'openssl pkey -in FILE -out NEWFILE'",
        ));
    }
    let items = items(PemKind::Key, file, without_mark(&text))?;
    let mut keys = items.iter().filter_map(key);
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(fail("holds more than one private key: expected one")),
        (None, _) if !items.is_empty() => Err(fail(
            "holds no private key but something else: expected the certificate's private key",
        )),
        (None, _) => Err(fail(
            "holds no private key: expected PEM with a line -----BEGIN PRIVATE KEY-----",
        )),
    }
}

fn key(item: &Item) -> Option<PrivateKeyDer<'static>> {
    match item {
        Item::Pkcs8Key(key) => Some(key.clone_key().into()),
        Item::Pkcs1Key(key) => Some(key.clone_key().into()),
        Item::Sec1Key(key) => Some(key.clone_key().into()),
        _ => None,
    }
}

/// PKCS #8 (RFC 5958) and the older way of OpenSSL (RFC 1421 §4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("-BEGIN ENCRYPTED PRIVATE KEY-") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// What editors of Windows put before UTF-8, so that a file's first line is not the one that PEM wants.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

fn read(kind: PemKind, file: &Path) -> Result<Vec<u8>, LoadError> {
    let fail = |error: io::Error| LoadError::file(kind, file, format!("cannot be read: {error}"));
    // A pipe could be read only once, and certificates are read again.
    if !fs::metadata(file).map_err(fail)?.is_file() {
        return Err(LoadError::file(kind, file, "is not a regular file"));
    }
    let text = fs::read(file).map_err(fail)?;
    match text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        true => {
            let reason = "is UTF-16, as PowerShell's '>' writes it: expected ASCII";
            Err(LoadError::file(kind, file, reason))
        }
        false => Ok(text),
    }
}

fn items(kind: PemKind, file: &Path, mut text: &[u8]) -> Result<Vec<Item>, LoadError> {
    rustls_pemfile::read_all(&mut text)
        .collect::<Result<_, _>>()
        .map_err(|error| LoadError::file(kind, file, format!("is no PEM: {error}")))
}
