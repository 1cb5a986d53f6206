//! The parameters of permessage-deflate (RFC 7692 §7.1).

use std::fmt;

use hyper_tungstenite::tungstenite::protocol::Role;

/// How this end compresses, and that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateParams {
    /// zlib's level, 1 (fast) to 9 (small).
    pub level: u8,
    /// Messages of fewer bytes are sent as they are.
    pub threshold: usize,
    /// Whether a message of the server may refer to those before it. Where many are sent the same, it does not, so
    /// that it is compressed once for all.
    pub keeps_context: bool,
}

/// What both ends agreed on. As text it is the extension of the server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiated {
    /// How this end compresses.
    pub params: DeflateParams,
    /// Each message of the server is compressed by itself (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// Each message of the client is (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// How far the server's messages refer back, as a power of two, 9 to 15 (§7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// How far the client's do (§7.1.2.2).
    pub client_max_window_bits: Option<u8>,
}

/// How the messages of one end are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    /// How far a message refers back, as a power of two, 9 to 15.
    pub(super) bits: u8,
    /// Whether it may refer to earlier messages.
    pub(super) keeps_context: bool,
}

/// How far back anything may refer.
const MOST_BITS: u8 = 15;
/// zlib has no smaller window than this.
const LEAST_BITS: u8 = 9;

impl Negotiated {
    /// The name of the extension.
    pub const NAME: &str = "permessage-deflate";

    /// Accepts an offer of no parameters, to be narrowed by `parameter`.
    pub fn new(params: DeflateParams) -> Self {
        Negotiated {
            params,
            server_no_context_takeover: !params.keeps_context,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: None,
        }
    }

    /// What a client offers: its own window may be made smaller, all else is the server's to choose.
    pub const OFFER: &str = "permessage-deflate; client_max_window_bits";

    /// Accepts an offer with its parameters, or declines it: for a parameter that is unknown or comes
    /// twice, a value out of range, and for a window smaller than zlib can do.
    pub fn accept<'a>(
        params: DeflateParams,
        parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Option<Self> {
        Negotiated::read(params, parameters, Negotiated::offered)
    }

    /// Takes a server's answer to [`Negotiated::OFFER`] with its parameters, or refuses it for the same
    /// reasons (§7.1).
    pub fn confirm<'a>(
        params: DeflateParams,
        parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Option<Self> {
        Negotiated::read(params, parameters, Negotiated::answered)
    }

    fn read<'a>(
        params: DeflateParams,
        parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        parameter: impl Fn(&mut Self, &str, Option<&str>) -> Option<()>,
    ) -> Option<Self> {
        let mut negotiated = Negotiated::new(params);
        let mut seen = Vec::new();
        for (name, value) in parameters {
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
            parameter(&mut negotiated, name, value)?;
        }
        Some(negotiated)
    }

    fn offered(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        match (name, value) {
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
            _ => return self.switch(name, value),
        }
        Some(())
    }

    fn answered(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        match (name, value) {
            ("server_max_window_bits", Some(value)) => {
                self.server_max_window_bits = Some(window_bits(value)?);
            }
            ("client_max_window_bits", Some(value)) => {
                let bits = window_bits(value)?;
                self.client_max_window_bits = Some(bits);
                if bits < LEAST_BITS {
                    return None;
                }
            }
            _ => return self.switch(name, value),
        }
        Some(())
    }

    /// A parameter that means the same in an offer and in an answer.
    fn switch(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        match (name, value) {
            ("server_no_context_takeover", None) => self.server_no_context_takeover = true,
            ("client_no_context_takeover", None) => self.client_no_context_takeover = true,
            _ => return None,
        }
        Some(())
    }

    /// What this end sends.
    pub(super) fn outgoing(&self, role: Role) -> Direction {
        let (bits, is_forgetful) = match role {
            Role::Server => (self.server_max_window_bits, self.server_no_context_takeover),
            Role::Client => (self.client_max_window_bits, self.client_no_context_takeover),
        };
        Direction {
            // What is made with the smallest window of the RFC is read with zlib's smallest.
            bits: bits.unwrap_or(MOST_BITS).max(LEAST_BITS),
            keeps_context: !is_forgetful,
        }
    }

    /// What comes from the other.
    pub(super) fn incoming(&self, role: Role) -> Direction {
        match role {
            Role::Server => self.outgoing(Role::Client),
            Role::Client => self.outgoing(Role::Server),
        }
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
