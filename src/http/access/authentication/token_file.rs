//! Tokens and whose they are, `NAME:sha256:HEX` lines: [`TokenFile`].

use std::{collections::HashMap, fmt};

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::{
    digest::{SHA256, digest},
    hmac::{self, HMAC_SHA256, Key},
};

use super::watched_file::{WatchedFile, checked_name, lines};

/// A file of tokens.
pub type TokenFile = WatchedFile<Tokens>;

/// Names by token. A token is looked for by the HMAC of its digest: how long that takes says nothing of the tokens that
/// there are.
pub struct Tokens {
    key: Key,
    names: HashMap<[u8; 32], String>,
}

impl fmt::Debug for Tokens {
    /// Without digests.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} tokens", self.names.len())
    }
}

impl TryFrom<&[u8]> for Tokens {
    type Error = String;

    fn try_from(bytes: &[u8]) -> Result<Self, String> {
        let key: [u8; 32] = rand::random();
        let mut tokens = Tokens {
            key: Key::new(HMAC_SHA256, &key),
            names: HashMap::new(),
        };
        for (number, line) in lines(bytes) {
            let added = line.and_then(|line| tokens.add(line));
            added.map_err(|reason| format!("line {number}: {reason}"))?;
        }
        Ok(tokens)
    }
}

impl Tokens {
    fn add(&mut self, line: &str) -> Result<(), String> {
        const EXPECTED: &str =
            "expected NAME:sha256:HEX, the digest of a token, as sha256sum makes it";
        let (name, digest) = line.split_once(":sha256:").ok_or(EXPECTED)?;
        let name = checked_name(name)?;
        let digest = HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).ok();
        let digest = digest.filter(|digest| digest.len() == 32).ok_or(EXPECTED)?;
        match self.names.insert(tag(&self.key, &digest), name.to_owned()) {
            Some(other) if other != name => Err("another name has the same token".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whose a token is, and its digest.
    pub(super) fn find(&self, token: &[u8]) -> Option<(&str, [u8; 32])> {
        let mut of_token = [0; 32];
        of_token.copy_from_slice(digest(&SHA256, token).as_ref());
        Some((self.name_of(&of_token)?, of_token))
    }

    /// Whose the token of a digest is.
    pub(super) fn name_of(&self, digest: &[u8; 32]) -> Option<&str> {
        self.names.get(&tag(&self.key, digest)).map(String::as_str)
    }
}

fn tag(key: &Key, digest: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(key, digest).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn name_has_several_tokens_in_any_case() {
        let upper = OF_ABC.to_uppercase();
        let zeros = "0".repeat(64);
        let text = format!("# tokens\n\nci:sha256:{upper}\r\nci:sha256:{zeros}\n");
        let tokens = Tokens::try_from(text.as_bytes()).expect("tokens");
        let found = tokens.find(b"abc");
        assert_eq!(found.map(|(name, _)| name), Some("ci"));
        assert_eq!(tokens.find(b"abd"), None);
        assert_eq!(tokens.name_of(&[0; 32]), Some("ci"));
    }

    #[test]
    fn line_that_is_wrong_is_named_by_its_number() {
        for (line, word) in [
            ("ci:hunter2".to_owned(), "NAME:sha256:HEX"),
            ("ci:sha256:hunter2".to_owned(), "NAME:sha256:HEX"),
            (format!("ci:sha256:{}", &OF_ABC[1..]), "NAME:sha256:HEX"),
            (format!(":sha256:{OF_ABC}"), "empty"),
            (format!("ci :sha256:{OF_ABC}"), "space"),
            (
                format!("a:sha256:{OF_ABC}\nb:sha256:{OF_ABC}"),
                "another name",
            ),
        ] {
            let error = Tokens::try_from(format!("#\n{line}").as_bytes()).expect_err(&line);
            assert!(
                error.starts_with("line ") && error.contains(word),
                "{error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
