//! An authority made for the tests, and certificates of it, as PEM files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SerialNumber,
};
use tokio_rustls::rustls::{RootCertStore, pki_types::CertificateDer};

/// An authority, trusted by whoever is told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::signed_by(params, key, &self.0).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn write(&self, directory: &Path, name: &str) -> PathBuf {
        let file = directory.join(name);
        fs::write(&file, self.pem()).expect("a file");
        file
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a root");
        Arc::new(roots)
    }

    /// A server's certificate for some names.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    /// One that has expired yesterday.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |params| {
            params.not_after = (SystemTime::now() - Duration::from_secs(24 * 60 * 60)).into();
        })
    }

    /// A client's certificate: `CN=NAME,O=Ex\, Inc.` with the serial number 0x0a1b.
    pub(crate) fn issue_client(&self, name: &str) -> Issued {
        self.issue_with(&[], |params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Ex, Inc.");
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0x1b]));
        })
    }

    /// One of a client whose subject is empty: `a.example` is its other name.
    pub(crate) fn issue_client_without_subject(&self) -> Issued {
        self.issue_with(&["a.example"], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Issued {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key`, and returns the flags that name them.
    pub(crate) fn write(&self, directory: &Path, name: &str) -> [String; 2] {
        let (certificate, key) = (
            directory.join(format!("{name}.pem")),
            directory.join(format!("{name}.key")),
        );
        fs::write(&certificate, &self.pem).expect("a file");
        fs::write(&key, self.key.serialize_pem()).expect("a file");
        [
            format!("--sslcert={}", certificate.display()),
            format!("--sslkey={}", key.display()),
        ]
    }
}

/// Runs openssl(1) in a directory.
pub(crate) fn openssl(directory: &Path, words: &str) {
    let status = Command::new("openssl")
        .args(words.split_whitespace())
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        status.expect("openssl is there").success(),
        "openssl {words}"
    );
}
