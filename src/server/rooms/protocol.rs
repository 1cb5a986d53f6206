//! What is said on the rooms' socket.
//!
//! Who connects says a line, `pub PATH` or `sub PATH`, and is answered by one: `none`, or `text LIMIT` or `binary LIMIT`
//! for what the room carries and the longest message, 0 if there is no limit. Then messages go one way, in the `length`
//! framing. Behind the last of `pub` its end of the connection is shut, and once all were taken it is answered `taken`.

use std::fmt;

/// The longest first line: a path of 8 KiB.
pub(super) const LONGEST_LINE: u64 = 8 * 1024 + 5;
/// What says that there is no such room.
pub(super) const NONE: &str = "none";
/// What says that all was taken.
pub(super) const TAKEN: &str = "taken\n";

/// What somebody connects for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To say something.
    Publish,
    /// To listen.
    Subscribe,
}

/// What a room carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Bytes rather than text.
    pub is_binary: bool,
    /// The longest message in bytes; `None` has no limit.
    pub max_message: Option<usize>,
}

impl Purpose {
    /// The first line, for the room of a path.
    pub(super) fn line(self, room: &str) -> String {
        match self {
            Purpose::Publish => format!("pub {room}\n"),
            Purpose::Subscribe => format!("sub {room}\n"),
        }
    }

    /// The purpose and the path of a first line.
    pub(super) fn parse(line: &str) -> Option<(Self, &str)> {
        match line.strip_suffix('\n')?.split_once(' ')? {
            ("pub", room) => Some((Purpose::Publish, room)),
            ("sub", room) => Some((Purpose::Subscribe, room)),
            _ => None,
        }
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_binary { "binary" } else { "text" };
        write!(formatter, "{kind} {}", self.max_message.unwrap_or_default())
    }
}

impl Terms {
    /// What an answer says, if it says that.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (kind, limit) = line.split_once(' ')?;
        let limit: usize = limit.parse().ok()?;
        Some(Terms {
            is_binary: match kind {
                "binary" => true,
                "text" => false,
                _ => return None,
            },
            max_message: (limit > 0).then_some(limit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_says_what_for_and_where() {
        for purpose in [Purpose::Publish, Purpose::Subscribe] {
            let line = purpose.line("/chat/lobby");
            assert_eq!(Purpose::parse(&line), Some((purpose, "/chat/lobby")));
        }
        for line in ["", "pub", "pub /x", "say /x\n", "\n"] {
            assert_eq!(Purpose::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn answer_says_what_the_room_carries() {
        for (is_binary, max_message) in [(true, None), (false, Some(7))] {
            let terms = Terms {
                is_binary,
                max_message,
            };
            assert_eq!(Terms::parse(&terms.to_string()), Some(terms));
        }
        for line in ["none", "text", "text x", "bytes 1"] {
            assert_eq!(Terms::parse(line), None, "{line}");
        }
    }
}
