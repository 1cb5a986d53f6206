//! Subjects and channels: the names of rooms at a broker.

use std::{fmt, sync::Arc};

#[cfg(feature = "redis")]
use uuid::Uuid;

/// The first word of all names; two sets of machines on one broker tell theirs apart by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// It is no word.
#[derive(Debug, thiserror::Error)]
#[error("expected 1 to 64 letters, digits or one of _ - ~ @ : =")]
pub struct InvalidPrefix;

/// The longest prefix, as the longest name of a room.
const LONGEST: usize = 64;

impl std::str::FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let is_valid = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain);
        match is_valid {
            true => Ok(Prefix(text.to_owned())),
            false => Err(InvalidPrefix),
        }
    }
}

/// The name of a room at the broker: a NATS subject, or a Redis channel. Clones are cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// The room of a path: `/chat/lobby` is `wsd.chat.lobby`. Each segment is one word, in which a dot is `%2E`, as is
    /// all that has a meaning in subjects, and an empty one is `%`: no room can be named so that another is heard.
    pub(super) fn of(prefix: &Prefix, path: &str) -> Self {
        let mut name = prefix.0.clone();
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            name.push('.');
            if segment.is_empty() {
                name.push('%');
            }
            for byte in segment.bytes() {
                match is_plain(byte) {
                    true => name.push(byte.into()),
                    false => name.push_str(&format!("%{byte:02X}")),
                }
            }
        }
        Name(name.into())
    }

    /// A name that is nobody else's, and that no room can have: theirs have no `!`.
    #[cfg(feature = "redis")]
    pub(super) fn of_no_room(prefix: &Prefix) -> Self {
        let Prefix(prefix) = prefix;
        Name(format!("{prefix}.!{}", Uuid::now_v7()).into())
    }

    /// As the broker has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What stands for itself in every broker's names: the letters of rooms, but for the dot.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-~@:=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_segment_is_one_word() {
        let prefix: Prefix = "wsd".parse().expect("a word");
        for (path, name) in [
            ("/chat/lobby", "wsd.chat.lobby"),
            ("/red", "wsd.red"),
            ("/chat/v1.2", "wsd.chat.v1%2E2"),
            ("/a~b@c:d=e_f-g/H", "wsd.a~b@c:d=e_f-g.H"),
            ("/chat/*", "wsd.chat.%2A"),
            ("/chat/>", "wsd.chat.%3E"),
            ("/a b/c%2Ed", "wsd.a%20b.c%252Ed"),
            ("/é/x", "wsd.%C3%A9.x"),
            ("/a//b", "wsd.a.%.b"),
        ] {
            assert_eq!(Name::of(&prefix, path).as_str(), name);
        }
    }

    #[test]
    fn prefix_is_a_word() {
        for text in ["wsd", "a", "A-b_c~1", &"x".repeat(64)] {
            assert!(text.parse::<Prefix>().is_ok(), "{text}");
        }
        for text in ["", "a.b", "a b", "*", ">", "a\n", "é", &"x".repeat(65)] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
