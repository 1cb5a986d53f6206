//! A self-signed certificate, generated at the start, for development; nothing of it is written down.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use tokio_rustls::rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

use super::{certificate::Certificate, pem::LoadError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// For clients whose clock is behind.
const BEFORE: Duration = DAY;
/// What browsers allow a certificate; longer ones some refuse for good.
const AFTER: Duration = DAY.saturating_mul(396);

/// Makes a key, and a certificate of it for some DNS names and addresses.
///
/// # Errors
/// The system has no randomness, or a name cannot stand in a certificate.
pub(super) fn make(names: &[String]) -> Result<(CertifiedKey, Certificate), LoadError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "wsd, for development");
    let now = SystemTime::now();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + AFTER).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let der = params.self_signed(&key)?.der().clone();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let private = any_supported_type(&private)?;
    let certificate = Certificate::read(&der).expect("what was made just now can be read");
    Ok((CertifiedKey::new(vec![der], private), certificate))
}
