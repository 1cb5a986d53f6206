//! The parameters of permessage-deflate (RFC 7692 §7.1).

use std::fmt;

/// What a server makes of a client's offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// zlib's level, 1 (fast) to 9 (small).
    pub level: u8,
    /// Messages of fewer bytes are sent as they are.
    pub threshold: usize,
}

/// An offer that was accepted. As text it is the extension of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiated {
    /// How the server compresses.
    pub terms: Terms,
    /// Each message of the server is compressed by itself (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// Each message of the client is (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// How far the server's messages refer back, as a power of two, 9 to 15 (§7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// How far the client's do (§7.1.2.2).
    pub client_max_window_bits: Option<u8>,
}

/// How far back anything may refer.
const MOST_BITS: u8 = 15;
/// zlib compresses with no smaller window than this.
const LEAST_BITS: u8 = 9;

impl Negotiated {
    /// The name of the extension.
    pub const NAME: &str = "permessage-deflate";

    /// Accepts an offer of no parameters, to be narrowed by `parameter`.
    pub fn new(terms: Terms) -> Self {
        Negotiated {
            terms,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: None,
        }
    }

    /// Accepts an offer with its parameters, or declines it: for a parameter that is unknown or comes
    /// twice, a value out of range, and for a window smaller than zlib can do.
    pub fn accept<'a>(
        terms: Terms,
        parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Option<Self> {
        let mut accepted = Negotiated::new(terms);
        let mut seen = Vec::new();
        for (name, value) in parameters {
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
            accepted.parameter(name, value)?;
        }
        Some(accepted)
    }

    fn parameter(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        match (name, value) {
            ("server_no_context_takeover", None) => self.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => self.client_no_context_takeover = true,
            ("server_max_window_bits", Some(value)) => {
                let bits = window_bits(value)?;
                self.server_max_window_bits = Some(bits);
                if bits < LEAST_BITS {
                    return None;
                }
            }
            // It only says that the client could be asked for less, which we do not.
            ("client_max_window_bits", None) => {}
            // The client will not use more, asked or not. For 8, zlib's streams use 9: the client had
            // better not be held to it.
            ("client_max_window_bits", Some(value)) => {
                self.client_max_window_bits =
                    Some(window_bits(value)?).filter(|bits| *bits >= LEAST_BITS);
            }
            _ => return None,
        }
        Some(())
    }

    /// The window that the server compresses with.
    pub(super) fn deflate_bits(&self) -> u8 {
        self.server_max_window_bits.unwrap_or(MOST_BITS)
    }

    /// The window that inflates what the client compresses.
    pub(super) fn inflate_bits(&self) -> u8 {
        self.client_max_window_bits.unwrap_or(MOST_BITS)
    }
}

/// 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

impl fmt::Display for Negotiated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::NAME)?;
        for (name, is_set) in [
            (
                "server_no_context_takeover",
                self.server_no_context_takeover,
            ),
            (
                "client_no_context_takeover",
                self.client_no_context_takeover,
            ),
        ] {
            if is_set {
                write!(formatter, "; {name}")?;
            }
        }
        for (name, bits) in [
            ("server_max_window_bits", self.server_max_window_bits),
            ("client_max_window_bits", self.client_max_window_bits),
        ] {
            if let Some(bits) = bits {
                write!(formatter, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}
