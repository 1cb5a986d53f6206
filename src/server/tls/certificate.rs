//! What an X.509 certificate says (RFC 5280 §4.1), as far as a server cares.

use std::{
    fmt::Write,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate as Parsed, Version,
    der::{DateTime, Decode, Encode},
    ext::pkix::{AuthorityKeyIdentifier, SubjectAltName, SubjectKeyIdentifier, name::GeneralName},
    time::Time,
};

use super::distinguished_name;
use crate::{connection::ClientCertificate, fingerprint::Fingerprint};

/// A certificate, read.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    parsed: Parsed,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// Reads a certificate's DER.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, String> {
        let parsed = Parsed::from_der(der).map_err(|error| error.to_string())?;
        Ok(Certificate {
            parsed,
            fingerprint: Fingerprint::of(der),
        })
    }

    /// Whether it is the same, byte for byte.
    pub(super) fn is_same(&self, other: &Certificate) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Whether it has no extensions, as X.509 was at first (RFC 5280 §4.1.2.1).
    pub(super) fn is_version_1(&self) -> bool {
        self.parsed.tbs_certificate().version() == Version::V1
    }

    /// Whether it is for a public key (SubjectPublicKeyInfo, RFC 5280 §4.1.2.7, in DER).
    pub(super) fn has_key(&self, public: &[u8]) -> bool {
        let own = self.parsed.tbs_certificate().subject_public_key_info();
        own.to_der().is_ok_and(|own| own == public)
    }

    /// The names that it is for: the DNS names and addresses of its subjectAltName, in lower case. A name in
    /// the subject alone is none (RFC 9525 §2).
    pub(super) fn names(&self) -> Vec<String> {
        let names = self
            .parsed
            .tbs_certificate()
            .get_extension::<SubjectAltName>();
        let Ok(Some((_, names))) = names else {
            return Vec::new();
        };
        let text = |name: &GeneralName| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
            GeneralName::IpAddress(bytes) => Some(address(bytes.as_bytes())?.to_string()),
            _ => None,
        };
        names.0.iter().filter_map(text).collect()
    }

    /// The subject, as RFC 2253 writes it.
    pub(super) fn subject(&self) -> String {
        distinguished_name::text(self.parsed.tbs_certificate().subject())
    }

    /// The issuer, as RFC 2253 writes it.
    pub(super) fn issuer(&self) -> String {
        distinguished_name::text(self.parsed.tbs_certificate().issuer())
    }

    /// Whether `issuer` may have issued this one: the names fit, and the keys where both name them
    /// (RFC 5280 §4.2.1.1).
    pub(super) fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let (tbs, above) = (
            self.parsed.tbs_certificate(),
            issuer.parsed.tbs_certificate(),
        );
        let wanted = tbs.get_extension::<AuthorityKeyIdentifier>().ok().flatten();
        let wanted = wanted.and_then(|(_, wanted)| wanted.key_identifier);
        let found = above.get_extension::<SubjectKeyIdentifier>().ok().flatten();
        let keys_fit = match (wanted, found) {
            (Some(wanted), Some((_, found))) => wanted == found.0,
            _ => true,
        };
        tbs.issuer() == above.subject() && keys_fit
    }

    /// Why it is not valid at a time, if it is not.
    pub(super) fn is_invalid_at(&self, now: SystemTime) -> Option<String> {
        let validity = self.parsed.tbs_certificate().validity();
        let (start, end) = (validity.not_before, validity.not_after);
        if now < start.to_system_time() {
            return Some(format!("is not valid before {start}"));
        }
        // A certificate is valid through the last second that it names.
        (now >= end.to_system_time() + Duration::from_secs(1))
            .then(|| format!("has expired at {end}"))
    }

    /// The SHA-256 of its DER.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What programs are told of a client's certificate.
    pub(super) fn facts(&self) -> ClientCertificate {
        let tbs = self.parsed.tbs_certificate();
        ClientCertificate {
            subject: self.subject(),
            subject_common_name: distinguished_name::common_name(tbs.subject()),
            issuer: self.issuer(),
            issuer_common_name: distinguished_name::common_name(tbs.issuer()),
            serial: serial(tbs.serial_number().as_bytes()),
            not_before: openssl_time(tbs.validity().not_before),
            not_after: openssl_time(tbs.validity().not_after),
            fingerprint: self.fingerprint.digits(),
        }
    }
}

/// RFC 5280 §4.2.1.6: four or sixteen bytes.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

/// As OpenSSL writes a serial number, and so mod_ssl: pairs of digits, no zeros in front.
fn serial(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match &bytes[zeros..] {
        [] => "00".to_owned(),
        rest => hex(rest),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// As OpenSSL's ASN1_TIME_print(3) writes a time, and so mod_ssl: `Nov  1 12:00:00 2026 GMT`.
fn openssl_time(time: Time) -> String {
    let time: DateTime = time.to_date_time();
    let month = MONTHS
        .get(usize::from(time.month()).wrapping_sub(1))
        .unwrap_or(&"???");
    format!(
        "{month} {:>2} {:02}:{:02}:{:02} {} GMT",
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds(),
        time.year()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_is_written_as_openssl_writes_it() {
        for (bytes, text) in [(&[0][..], "00"), (&[0, 0xab], "AB"), (&[1, 0x0f], "010F")] {
            assert_eq!(serial(bytes), text);
        }
    }

    #[test]
    fn time_is_written_as_openssl_writes_it() {
        let time: Time = "2026-11-01T02:03:04Z".parse().expect("a time");
        assert_eq!(openssl_time(time), "Nov  1 02:03:04 2026 GMT");
    }
}
