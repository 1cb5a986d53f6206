//! Digests of secrets, by which the log tells them apart and nobody can find them: [`DigestKey`].

use data_encoding::HEXLOWER;
use ring::hmac::{HMAC_SHA256, Key, sign};

/// Bytes of a digest that are shown.
const SHOWN: usize = 4;

/// The key of this process, which nobody knows: without it whoever reads the log could try tokens until one has the
/// digest.
#[derive(Debug, Clone)]
pub(in crate::http) struct DigestKey(Key);

impl Default for DigestKey {
    fn default() -> Self {
        let bytes: [u8; 32] = rand::random();
        DigestKey(Key::new(HMAC_SHA256, &bytes))
    }
}

impl DigestKey {
    /// Eight hexadecimal digits.
    pub(in crate::http) fn digest(&self, secret: &[u8]) -> String {
        HEXLOWER.encode(&sign(&self.0, secret).as_ref()[..SHOWN])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_same_within_a_process_and_another_in_the_next() {
        let (one, two) = (DigestKey::default(), DigestKey::default());
        assert_eq!(one.digest(b"secret"), one.digest(b"secret"));
        assert_eq!(one.digest(b"secret").len(), 8);
        assert_ne!(one.digest(b"secret"), one.digest(b"Secret"));
        assert_ne!(one.digest(b"secret"), two.digest(b"secret"));
    }
}
