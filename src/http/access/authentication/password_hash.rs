//! Hashes of passwords: bcrypt and SHA-crypt, in the words of crypt(5) ([`PasswordHash`]); pure.

use std::str::FromStr;

use sha_crypt::{PasswordHashRef, PasswordVerifier, ShaCrypt};

/// Bytes of the longest password that is hashed. Longer ones would have a client choose how long that takes.
const LONGEST: usize = 512;
/// The same with bcrypt, which looks at no more: what follows could be anything.
const LONGEST_OF_BCRYPT: usize = 72;

/// A hash that a password can be tried on.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PasswordHash {
    Bcrypt(String),
    ShaCrypt(String),
}

impl FromStr for PasswordHash {
    type Err = String;

    /// The reason does not say what stands there: it may be a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let scheme = text.strip_prefix('$').and_then(|rest| rest.split_once('$'));
        let found = match scheme {
            Some(("2a" | "2b" | "2y", _)) if is_bcrypt(text) => {
                return Ok(PasswordHash::Bcrypt(text.to_owned()));
            }
            Some(("5", rest)) if is_sha_crypt(rest, 43) => {
                return Ok(PasswordHash::ShaCrypt(text.to_owned()));
            }
            Some(("6", rest)) if is_sha_crypt(rest, 86) => {
                return Ok(PasswordHash::ShaCrypt(text.to_owned()));
            }
            Some(("2a" | "2b" | "2y", _)) => "a bcrypt hash that is cut off or malformed",
            Some(("5" | "6", _)) => "a SHA-crypt hash that is cut off or malformed",
            Some(("1" | "apr1", _)) => "an MD5 hash, which is guessed in no time",
            Some(("y" | "gy" | "7", _)) => "a yescrypt or scrypt hash, which is not read here",
            Some(_) => "a hash of a kind that is not read here",
            None if text.starts_with("{SHA}") => "a SHA-1 hash, which is guessed in no time",
            None => "no hash, or one that is guessed in no time",
        };
        Err(format!(
            "{found}: expected a bcrypt ($2y$) or SHA-crypt ($5$, $6$) hash, as 'htpasswd -B' makes it"
        ))
    }
}

/// A cost from 4 to 31, and 53 characters of salt and hash, of which not all bits count.
fn is_bcrypt(text: &str) -> bool {
    let cost = text.get(4..6).and_then(|digits| digits.parse().ok());
    let is_whole = text.len() == 60 && text.as_bytes()[6] == b'$';
    is_whole
        && cost.is_some_and(|cost: u32| (4..=31).contains(&cost))
        && text[7..].bytes().all(is_crypt_digit)
}

/// `rounds=N$` or nothing, a salt, and so many characters of hash.
fn is_sha_crypt(rest: &str, length: usize) -> bool {
    let (rounds, rest) = match rest
        .strip_prefix("rounds=")
        .and_then(|rest| rest.split_once('$'))
    {
        Some((rounds, rest)) => (Some(rounds), rest),
        None => (None, rest),
    };
    let rounds = rounds.is_none_or(|rounds| {
        rounds
            .parse()
            .is_ok_and(|rounds: u32| (1000..=999_999_999).contains(&rounds))
    });
    let Some((salt, hash)) = rest.split_once('$') else {
        return false;
    };
    let is_salt = salt.bytes().all(|byte| byte.is_ascii_graphic());
    rounds && is_salt && hash.len() == length && hash.bytes().all(is_crypt_digit)
}

/// The digits of base64 as crypt(3) has it.
fn is_crypt_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

impl PasswordHash {
    /// Whether a password is worth being tried: one that is too long, or could not have been typed (RFC 7617 §2), is
    /// wrong without.
    pub(super) fn may_be(&self, password: &[u8]) -> bool {
        let longest = match self {
            PasswordHash::Bcrypt(_) => LONGEST_OF_BCRYPT,
            PasswordHash::ShaCrypt(_) => LONGEST,
        };
        password.len() <= longest && !password.iter().any(u8::is_ascii_control)
    }

    /// Whether this is the password's. It takes as long as the hash says, and keeps a processor busy.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self {
            PasswordHash::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            PasswordHash::ShaCrypt(hash) => PasswordHashRef::new(hash)
                .is_ok_and(|hash| ShaCrypt::default().verify_password(password, hash).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `secret`, as htpasswd -B -C 4 and mkpasswd -m sha-256, -m sha-512 have it.
    const OF_SECRET: [&str; 4] = [
        "$2y$04$Jk8LnN2vmuIplwJMTxS/duj.jHRDEahYwQgMd20AaBVsjLo5gp8O6",
        "$5$m/bPeqVpRGRNfIce$UUGliNRfTkmxgxDDRAmX81d92CcgWRaRALA44PUssZ7",
        "$6$XbaBBMUyvOSFwDzz$K4iAaMf7WqQIYXtvP922WbUCSnaGqwnahJcTDm1QV/9l6Uebc103O7BUyWuK/dqzl68rZrwc3EGePFeRnSeCh0",
        "$6$rounds=1000$1Is8EhXr05IAb7g4$weUUuEdIqZh8RqaqHpeI./8emIviCd1bPQPYyl7nTMESgwVXfxMyJCtW4d86jav2Kt65/LuUGzcaM42Ho5OmD/",
    ];

    #[test]
    fn hashes_of_htpasswd_and_mkpasswd_are_verified() {
        for text in OF_SECRET {
            let hash: PasswordHash = text.parse().expect(text);
            assert!(hash.verify(b"secret"), "{text}");
            for wrong in ["Secret", "secre", "secret ", ""] {
                assert!(!hash.verify(wrong.as_bytes()), "{text} {wrong:?}");
            }
        }
    }

    #[test]
    fn versions_of_bcrypt_are_the_same() {
        for version in ["$2a$", "$2b$", "$2y$"] {
            let text = format!("{version}{}", &OF_SECRET[0][4..]);
            let hash: PasswordHash = text.parse().expect("a hash");
            assert!(hash.verify(b"secret"), "{text}");
        }
    }

    #[test]
    fn what_is_guessed_in_no_time_is_no_hash_and_is_not_repeated() {
        let cut = &OF_SECRET[0][..59];
        for text in [
            "",
            "hunter2",
            "$1$abc$EnSyuLk.OSkTxA0.DFvjZ1",
            "$apr1$abc$EnSyuLk.OSkTxA0.DFvjZ1",
            "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
            "rqXexS6ZhobKA",
            "$y$j9T$abc$def",
            "$2x$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$2y$03$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$5$rounds=999$salt$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
            "$6$salt$short",
            "$5$salt",
            "$",
            "$5$",
            cut,
        ] {
            let error = text.parse::<PasswordHash>().err().expect(text);
            assert!(error.contains("htpasswd -B"), "{error}");
            assert!(text.len() < 6 || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn password_that_is_too_long_is_wrong_unhashed() {
        let bcrypt: PasswordHash = OF_SECRET[0].parse().expect("a hash");
        let sha: PasswordHash = OF_SECRET[1].parse().expect("a hash");
        assert!(bcrypt.may_be(&[b'x'; 72]) && !bcrypt.may_be(&[b'x'; 73]));
        assert!(sha.may_be(&[b'x'; 512]) && !sha.may_be(&[b'x'; 513]));
        assert!(!sha.may_be(b"a\0b"));
    }
}
