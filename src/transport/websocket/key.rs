//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`, by which the two ends of an opening handshake know
//! each other for WebSocket endpoints.

use hyper_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

/// The answer to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2, item 5.4).
pub fn accept_key(key: &[u8]) -> String {
    derive_accept_key(key)
}

/// A `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455 §4.1, item 7).
pub fn new_key() -> String {
    generate_key()
}
