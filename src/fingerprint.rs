//! Fingerprints of certificates: the SHA-256 of their DER, as browsers and openssl-x509(1) show it.

use std::{fmt, str::FromStr};

use data_encoding::HEXUPPER_PERMISSIVE;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// The SHA-256 of a certificate. Written as pairs of hexadecimal digits between colons; read with colons or
/// without, in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    /// That of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, der).as_ref());
        Fingerprint(bytes)
    }

    /// 64 hexadecimal digits in lower case.
    pub fn digits(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    /// # Errors
    /// What was expected.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "expected the SHA-256 of a certificate, 64 hexadecimal digits, with colons or without";
        let pairs: Vec<&str> = text.split(':').collect();
        let digits = match pairs.len() {
            1 => text.to_owned(),
            _ if pairs.iter().all(|pair| pair.len() == 2) => pairs.concat(),
            _ => return Err(EXPECTED),
        };
        let bytes = HEXUPPER_PERMISSIVE
            .decode(digits.as_bytes())
            .map_err(|_| EXPECTED)?;
        match bytes.len() {
            // openssl-x509(1) shows that one unless it is told otherwise.
            20 => Err("that is a SHA-1; the SHA-256 has 64 hexadecimal digits"),
            _ => bytes.try_into().map(Fingerprint).map_err(|_| EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";

    #[test]
    fn fingerprint_is_the_sha256_in_pairs() {
        let fingerprint = Fingerprint::of(b"");
        assert_eq!(fingerprint.to_string(), SHOWN);
        assert_eq!(
            fingerprint.digits(),
            SHOWN.replace(':', "").to_ascii_lowercase()
        );
    }

    #[test]
    fn fingerprint_is_read_in_every_form() {
        let digits = SHOWN.replace(':', "");
        for text in [
            SHOWN.to_owned(),
            SHOWN.to_ascii_lowercase(),
            digits.to_ascii_lowercase(),
            digits,
        ] {
            assert_eq!(text.parse(), Ok(Fingerprint::of(b"")), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_fingerprint() {
        let digits = SHOWN.replace(':', "");
        for text in [
            "",
            ":",
            "x",
            &digits[2..],
            &digits[1..],
            &format!("{digits}00"),
            &format!(":{SHOWN}"),
            &format!("{SHOWN}:"),
            &SHOWN.replace(':', "::"),
            &SHOWN.replace(':', "-"),
            &SHOWN.replace(':', " "),
            &SHOWN.replace('E', "G"),
            &SHOWN.replacen("E3:B0", "E:3B0", 1),
            &SHOWN.replacen('E', "é", 1),
        ] {
            let error = text.parse::<Fingerprint>().expect_err(text);
            assert!(error.contains("64 hexadecimal digits"), "{text}: {error}");
        }
        let error = digits[..40].parse::<Fingerprint>().expect_err("a SHA-1");
        assert!(error.contains("SHA-1"), "{error}");
    }
}
