//! Tokens, by which clients name targets without knowing where these are: [`Token`].

use std::str::FromStr;

/// Bytes of the longest token.
const LONGEST: usize = 128;

/// 1 to 128 letters and digits of ASCII, `.`, `_`, `~` and `-`, the first no `.`. It is a secret, and is not shown.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(String);

impl Token {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it may be a byte of a token.
    pub fn has_byte(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_token = (1..=LONGEST).contains(&text.len())
            && !text.starts_with('.')
            && text.bytes().all(Token::has_byte);
        is_token.then(|| Token(text.to_owned())).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_short_and_of_harmless_bytes() {
        let long = "x".repeat(LONGEST);
        for text in ["a", "A-z.0_~", "-", &long] {
            assert!(text.parse::<Token>().is_ok(), "{text}");
        }
        let longer = "x".repeat(LONGEST + 1);
        for text in [
            "", ".", ".a", "a/b", "a b", "a\0", "é", "a:b", "a%", &longer,
        ] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }
}
