//! The key that signs cookies: [`CookieKey`].

use ring::hmac::{HMAC_SHA256, Key};

/// What signs cookies.
#[derive(Debug, Clone)]
pub struct CookieKey(Key);

impl CookieKey {
    /// Of bytes that nobody knows.
    pub fn new(bytes: &[u8; 32]) -> Self {
        CookieKey(Key::new(HMAC_SHA256, bytes))
    }

    pub(super) fn inner(&self) -> &Key {
        &self.0
    }
}
