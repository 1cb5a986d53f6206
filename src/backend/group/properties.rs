//! What holds for the lines of tagged programs, whatever they and their members say.

use super::{
    grammar::{Address, Instruction, MemberId, parse},
    line_end,
    tagging::Tagging,
};
use crate::{
    framing::Newline,
    message::{Close, Message},
};

/// What a program reads of its lines: the members' numbers and texts.
fn read(lines: &str) -> Vec<(MemberId, String)> {
    let whole = lines.strip_suffix('\n').expect("a line has an end");
    // As the most eager of readers takes them apart.
    let lines = line_end::split(whole).map(|line| {
        let said = parse(line.as_bytes());
        let Some(Instruction::Say { to, not, text }) = said else {
            panic!("{line:?} is no message");
        };
        let Address::Members(ids) = to else {
            panic!("{line:?} is nobody's");
        };
        assert!(ids.len() == 1 && not.is_empty(), "{line:?}");
        (ids[0], String::from_utf8_lossy(text).into_owned())
    });
    lines.collect()
}

/// A member's message: each line that the program reads is the member's, and together they are the message.
pub(crate) fn said(id: MemberId, text: &str) {
    let id = id.max(1);
    let message = Message::Text(text.into());
    for newline in [Newline::Split, Newline::Space, Newline::Reject] {
        let Ok(lines) = Tagging::Lines(newline).message(id, &message) else {
            assert!(newline == Newline::Reject && line_end::find(text).is_some());
            continue;
        };
        let lines = String::from_utf8(lines.to_vec()).expect("text stays text");
        let read = read(&lines);
        assert!(read.iter().all(|(other, _)| *other == id), "{lines:?}");
        let texts: Vec<&str> = read.iter().map(|(_, text)| text.as_str()).collect();
        match newline {
            Newline::Split => assert_eq!(texts, line_end::split(text).collect::<Vec<_>>()),
            _ => assert_eq!(texts, [line_end::split(text).collect::<Vec<_>>().join(" ")]),
        }
    }
    let variables = [("PATH_INFO".to_owned(), text.to_owned())];
    let tagging = Tagging::Lines(Newline::Split);
    event(&tagging.join(id, &variables), b'+');
    event(&tagging.leave(id, &Close::new(4000, text)), b'-');
}

/// An event is one line, and no message of anybody.
fn event(line: &[u8], first: u8) {
    let line = std::str::from_utf8(line).expect("text");
    let whole = line.strip_suffix('\n').expect("a line has an end");
    assert_eq!(line_end::split(whole).count(), 1, "{line:?}");
    assert!(whole.as_bytes()[0] == first && parse(whole.as_bytes()).is_none_or(is_no_message));
}

fn is_no_message(instruction: Instruction<'_>) -> bool {
    !matches!(instruction, Instruction::Say { .. })
}

/// A program's line: what is said stands at its end, behind an address that is as it was written.
pub(crate) fn line(line: &[u8]) {
    match parse(line) {
        Some(Instruction::Say { text, .. }) => {
            let head = &line[..line.len() - text.len()];
            assert!(head.ends_with(b"\t") && line.ends_with(text));
            assert!(head.iter().filter(|byte| **byte == b'\t').count() == 1);
            assert!(matches!(head[0], b'0'..=b'9' | b'*' | b'#'));
        }
        Some(Instruction::Close { close, .. }) => {
            assert!(line[0] == b'!' && close.is_sendable());
            assert!(close.reason.len() <= Close::MAX_REASON);
        }
        Some(Instruction::Enter { room, .. } | Instruction::Exit { room, .. }) => {
            assert!(matches!(line[0], b'+' | b'!') && line.ends_with(room.as_bytes()));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_one_side_writes_the_other_reads(
            id in any::<u64>(),
            text in "(\\PC|[\t\r\n\u{b}\u{c}\u{1c}\u{85}\u{2028}*#!+.0-9,-])*",
        ) {
            super::said(id, &text);
        }

        #[test]
        fn any_line_means_what_stands_in_it(line in "[*#!+0-9,a-b -]{0,12}(\t[#0-9a-c -]{0,9})?") {
            super::line(line.as_bytes());
        }

        #[test]
        fn any_bytes_are_a_line_or_none(line in any::<Vec<u8>>()) {
            super::line(&line);
        }
    }
}
