//! The grammar of a tagged program's lines: whom a line is for, and what it is. `docs/sharing.md` has it on one screen.
//!
//! It is parsed from bytes, since a frame of the `length` framing may hold any behind its address. What is none of
//! it is nothing at all: no part of such a line is ever sent to anybody.

use memchr::memchr;

use super::name::is_room_name;
use crate::message::Close;

/// The number of a member, from 1 in the order in which they joined.
pub type MemberId = u64;

/// What a program says with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instruction<'a> {
    /// A message to these, but not to those.
    Say {
        to: Address<'a>,
        not: Vec<MemberId>,
        text: &'a [u8],
    },
    /// These are in a room from now on.
    Enter { who: Address<'a>, room: &'a str },
    /// These are not any more.
    Exit { who: Address<'a>, room: &'a str },
    /// These are told Close.
    Close { who: Address<'a>, close: Close },
}

/// Several members at once: WHO of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// `*`
    All,
    /// `#ROOM`
    Room(&'a str),
    /// `ID,ID`: each once, in no order.
    Members(Vec<MemberId>),
}

/// What a line says; `None` if it is malformed.
pub(super) fn parse(line: &[u8]) -> Option<Instruction<'_>> {
    let (head, rest) = match memchr(b'\t', line) {
        Some(tab) => (&line[..tab], Some(&line[tab + 1..])),
        None => (line, None),
    };
    match (*head.first()?, rest) {
        (b'0'..=b'9' | b'*' | b'#', Some(text)) => {
            let (to, not) = addressee(head)?;
            Some(Instruction::Say { to, not, text })
        }
        (b'+', Some(room)) => Some(Instruction::Enter {
            who: address(&head[1..])?,
            room: room_reference(room)?,
        }),
        (b'!', Some(room)) if room.starts_with(b"#") => Some(Instruction::Exit {
            who: address(&head[1..])?,
            room: room_reference(room)?,
        }),
        (b'!', rest) => Some(Instruction::Close {
            who: address(&head[1..])?,
            close: close(rest.unwrap_or_default())?,
        }),
        _ => None,
    }
}

/// `WHO` or `WHO!ID,ID`.
fn addressee(head: &[u8]) -> Option<(Address<'_>, Vec<MemberId>)> {
    match memchr(b'!', head) {
        Some(not) => Some((address(&head[..not])?, members(&head[not + 1..])?)),
        None => Some((address(head)?, Vec::new())),
    }
}

fn address(who: &[u8]) -> Option<Address<'_>> {
    match who {
        b"*" => Some(Address::All),
        [b'#', ..] => room_reference(who).map(Address::Room),
        who => members(who).map(Address::Members),
    }
}

/// `#ROOM`.
fn room_reference(word: &[u8]) -> Option<&str> {
    let name = word.strip_prefix(b"#")?;
    match is_room_name(name) {
        true => std::str::from_utf8(name).ok(),
        false => None,
    }
}

/// `ID,ID`; one that is named twice counts once.
fn members(list: &[u8]) -> Option<Vec<MemberId>> {
    let ids = list.split(|byte| *byte == b',').map(member_id);
    let mut ids = ids.collect::<Option<Vec<MemberId>>>()?;
    if ids.len() > 1 {
        ids.sort_unstable();
        ids.dedup();
    }
    Some(ids)
}

/// A number from 1, without leading zeros. One that is too large for a number was never given to anybody, as the
/// largest.
fn member_id(digits: &[u8]) -> Option<MemberId> {
    let is_number =
        matches!(digits, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    Some(text.parse().unwrap_or(MemberId::MAX))
}

/// `CODE`, `CODE REASON` or nothing. A number that may not be sent is 1000.
fn close(text: &[u8]) -> Option<Close> {
    let (code, reason) = match memchr(b' ', text) {
        Some(space) => (&text[..space], &text[space + 1..]),
        None => (text, &b""[..]),
    };
    if text.is_empty() {
        return Some(Close::new(Close::NORMAL, ""));
    }
    if code.is_empty() || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(code).ok()?.parse().unwrap_or_default();
    let mut close = Close::new(number, String::from_utf8_lossy(reason));
    if !close.is_sendable() {
        close.code = Close::NORMAL;
    }
    Some(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[MemberId]) -> Address<'static> {
        Address::Members(ids.to_vec())
    }

    fn say<'a>(to: Address<'a>, not: &[MemberId], text: &'a str) -> Option<Instruction<'a>> {
        Some(Instruction::Say {
            to,
            not: not.to_vec(),
            text: text.as_bytes(),
        })
    }

    #[test]
    fn message_has_an_address_a_tab_and_the_rest() {
        for (line, instruction) in [
            ("*\thello", say(Address::All, &[], "hello")),
            ("*!7\thello", say(Address::All, &[7], "hello")),
            ("7\t", say(ids(&[7]), &[], "")),
            ("4,3,4\ta\tb", say(ids(&[3, 4]), &[], "a\tb")),
            ("3,4!4\tx", say(ids(&[3, 4]), &[4], "x")),
            ("#red\tx", say(Address::Room("red"), &[], "x")),
            ("#red!1,2\tx", say(Address::Room("red"), &[1, 2], "x")),
            (
                "99999999999999999999999\tx",
                say(ids(&[MemberId::MAX]), &[], "x"),
            ),
        ] {
            assert_eq!(parse(line.as_bytes()), instruction, "{line:?}");
        }
    }

    #[test]
    fn rooms_are_entered_and_left() {
        let enter = |who, room| Some(Instruction::Enter { who, room });
        let exit = |who, room| Some(Instruction::Exit { who, room });
        assert_eq!(parse(b"+3,4\t#red"), enter(ids(&[3, 4]), "red"));
        assert_eq!(parse(b"+*\t#red"), enter(Address::All, "red"));
        assert_eq!(parse(b"+#a\t#b"), enter(Address::Room("a"), "b"));
        assert_eq!(parse(b"!3\t#red"), exit(ids(&[3]), "red"));
    }

    #[test]
    fn close_has_a_code_that_may_be_sent_and_a_reason() {
        let long = format!("!7\t4000 {}", "x".repeat(200));
        for (line, code, reason) in [
            ("!7", 1000, ""),
            ("!7\t", 1000, ""),
            ("!7\t4001", 4001, ""),
            ("!7\t4001 go away\tnow", 4001, "go away\tnow"),
            ("!7\t1006 x", 1000, "x"),
            ("!7\t99999999 x", 1000, "x"),
            (&long, 4000, &"x".repeat(Close::MAX_REASON)),
        ] {
            let close = Close::new(code, reason);
            let who = ids(&[7]);
            let instruction = Some(Instruction::Close { who, close });
            assert_eq!(parse(line.as_bytes()), instruction, "{line:?}");
        }
        assert!(matches!(
            parse(b"!*"),
            Some(Instruction::Close {
                who: Address::All,
                ..
            })
        ));
    }

    #[test]
    fn what_is_none_of_it_is_malformed() {
        for line in [
            "",
            "hello",
            "*",
            "7",
            "#red",
            "\tx",
            " 7\tx",
            "7 \tx",
            "07\tx",
            "0\tx",
            "-7\tx",
            ".",
            "-7",
            "*,7\tx",
            "7,\tx",
            ",7\tx",
            "7,,8\tx",
            "*!\tx",
            "*!7!8\tx",
            "7!*\tx",
            "#\tx",
            "#a b\tx",
            "#..\tx",
            "+7",
            "+7\t",
            "+7\tred",
            "+\t#red",
            "+7!8\t#red",
            "+7\t#red x",
            "!",
            "!\t",
            "!7\tx",
            "!7\t-1",
            "!7\t4000\tx",
            "!7\t 4000",
            "!7!8",
            "!7\t#a b",
            "!07",
            "+1\u{e9}\t#red",
            "7\u{fffd}\tx",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(parse(b"7\xff\tx"), None);
    }
}
