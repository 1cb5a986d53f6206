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
    use std::{
        collections::BTreeMap,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{
        grammar::MemberId,
        options::{MemberOptions, SlowPolicy},
        queue::{Destination, OVERHEAD, Outcome, Queue},
        turns::Turns,
    };
    use crate::{
        backend::stdin::Intake,
        message::{Message, Shared},
    };

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

        #[test]
        fn queue_keeps_order_and_limit_and_what_is_addressed_by_number(
            slow in 0..3_usize,
            limit in 0..2000_usize,
            steps in prop::collection::vec((0..4_u32, 0..300_usize), 0..60),
        ) {
            queue(slow, limit, &steps);
        }

        #[test]
        fn program_is_told_of_each_member_in_its_order(
            steps in prop::collection::vec((0..8_u8, 1..5_u64), 0..200),
        ) {
            turns(&steps);
        }
    }

    /// Each step is a message of so many bytes to an address, 0 being by number, or with 3 one that is taken out.
    fn queue(slow: usize, limit: usize, steps: &[(u32, usize)]) {
        let slow = [SlowPolicy::Close, SlowPolicy::Drop, SlowPolicy::Latest][slow];
        let options = MemberOptions::of(limit, slow);
        let queue = Queue::new(&options);
        let mut context = Context::from_waker(Waker::noop());
        let (mut waiting, mut last) = (Vec::new(), None);
        for (turn, (kind, size)) in steps.iter().enumerate() {
            let to = match kind {
                0 => Destination::Members,
                1 => Destination::All,
                2 => Destination::Room(7),
                _ => {
                    let Poll::Ready(Some(Ok(taken))) = queue.poll_next(&mut context) else {
                        continue;
                    };
                    let place = waiting
                        .iter()
                        .position(|(other, _)| Arc::ptr_eq(other, &taken));
                    let place = place.expect("it was put in, and behind what came out before");
                    // What stood before it was left out.
                    let before = waiting.drain(..=place);
                    let mut left_out = before.rev().skip(1);
                    assert!(left_out.all(|(_, to)| to != Destination::Members));
                    continue;
                }
            };
            let message = Arc::new(Shared::new(Message::Binary(vec![0; *size].into())));
            let pushed = queue.push(turn as u64, &message, to);
            match pushed.outcome {
                Outcome::Taken => waiting.push((message, to)),
                Outcome::LeftOut => assert!(to != Destination::Members),
                Outcome::Evicted | Outcome::Ended => {
                    last.get_or_insert(pushed.outcome);
                    waiting.clear();
                }
            }
            assert!(last.is_none_or(|first| first == Outcome::Evicted));
            let own = waiting.iter().filter(|(_, to)| *to == Destination::Members);
            let own: Vec<usize> = own
                .map(|(shared, _)| shared.message().len() + OVERHEAD)
                .collect();
            assert!(own.len() < 2 || own.iter().sum::<usize>() <= limit);
        }
    }

    /// Each step is something that a member does, that the program reads a line, or that it is started again.
    fn turns(steps: &[(u8, MemberId)]) {
        let mut turns = Turns::default();
        let mut process = 0;
        // What the program knows of each: how many joins and leaves, and the last number that it was told.
        let mut known: BTreeMap<MemberId, (usize, usize, u64)> = BTreeMap::new();
        let (mut next_id, mut numbers) = (1, 0_u64);
        let mut present: Vec<MemberId> = Vec::new();
        for (kind, pick) in steps {
            let member = present.get(*pick as usize % present.len().max(1)).copied();
            match (kind, member) {
                (0, _) => {
                    turns.enter(next_id, Some(line('+', next_id)), Intake::default());
                    present.push(next_id);
                    next_id += 1;
                }
                (1 | 2, Some(id)) => {
                    numbers += 1;
                    turns.push(id, Bytes::from(format!("{id}\t{numbers}")));
                }
                (3, Some(id)) => turns.end(id, Some(line('-', id))),
                (4, Some(id)) => {
                    turns.remove(id, Some(line('-', id)));
                    present.retain(|other| *other != id);
                }
                (5, _) if *pick == 1 => {
                    turns.restart();
                    process += 1;
                    known.clear();
                }
                _ => {
                    if let Some(told) = turns.next() {
                        note(&mut known, &told);
                    }
                }
            }
            let owed = known
                .values()
                .filter(|(joined, left, _)| joined > left)
                .count();
            assert!(owed < next_id as usize, "process {process}");
        }
        while let Some(told) = turns.next() {
            note(&mut known, &told);
        }
        assert!(turns.is_empty());
    }

    fn line(first: char, id: MemberId) -> Bytes {
        Bytes::from(format!("{first}{id}"))
    }

    fn note(known: &mut BTreeMap<MemberId, (usize, usize, u64)>, told: &Bytes) {
        let text = std::str::from_utf8(told).expect("text");
        let (id, number) = match text.split_once('\t') {
            Some((id, number)) => (id, Some(number)),
            None => (&text[1..], None),
        };
        let id = id.parse().expect("a number");
        let (joined, left, last) = known.entry(id).or_default();
        match (text.as_bytes()[0], number) {
            (b'+', _) => *joined += 1,
            (b'-', _) => *left += 1,
            (_, number) => {
                let number = number
                    .and_then(|number| number.parse().ok())
                    .expect("a number");
                assert!(number > *last, "{text}");
                *last = number;
            }
        }
        assert!(
            (*joined, *left) == (1, 0) || (text.starts_with('-') && (*joined, *left) == (1, 1)),
            "{text}"
        );
    }
}
