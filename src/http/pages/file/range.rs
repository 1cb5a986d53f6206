//! Range requests: which bytes a Range header asks for (RFC 9110 §14); pure.
//!
//! The crate `headers` leaves most of it to its caller, and errs in the rest: it takes a suffix that is longer
//! than the file for none, and leaves out what is malformed of several ranges.

use std::ops::Range;

use hyper::{HeaderMap, header};

/// What is sent of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of it.
    Whole,
    /// These bytes; at least one.
    Part(Range<u64>),
    /// Nothing: the file ends before the range begins.
    Unsatisfiable,
}

/// Reads the Range header.
///
/// A server may ignore one (RFC 9110 §14.2), and this does where it is malformed, of another unit, or
/// has several ranges: parts of a page that seeks come one by one, a multipart answer is
/// something that few clients can read, and many ranges in one header are known as an attack (§17.15).
/// To send only the first would leave out what was asked for; the whole file has it all.
pub(super) fn select(headers: &HeaderMap, length: u64) -> Selection {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Selection::Whole;
    };
    let range = value.to_str().ok().and_then(single);
    range.map_or(Selection::Whole, |range| resolve(range, length))
}

/// A range as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// `first-last` or `first-`
    From(u64, Option<u64>),
    /// `-length`
    Suffix(u64),
}

/// The one range of a header; `None` if there are more, or if it is malformed.
fn single(value: &str) -> Option<Written> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut ranges = set
        .split(',')
        .map(|range| range.trim_matches([' ', '\t']))
        .filter(|range| !range.is_empty());
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return None;
    };
    match range.split_once('-')? {
        ("", suffix) => Some(Written::Suffix(number(suffix)?)),
        (first, "") => Some(Written::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Written::From(first, Some(last)))
        }
    }
}

/// Digits; a number beyond all files is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn resolve(range: Written, length: u64) -> Selection {
    match range {
        Written::Suffix(0) => Selection::Unsatisfiable,
        // Satisfiable, but no Content-Range can say "nothing of nothing".
        Written::Suffix(_) if length == 0 => Selection::Whole,
        Written::Suffix(suffix) => Selection::Part(length.saturating_sub(suffix)..length),
        Written::From(first, _) if first >= length => Selection::Unsatisfiable,
        Written::From(first, last) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            Selection::Part(first..end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selected(value: &str, length: u64) -> Selection {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, value.parse().expect("a value"));
        select(&headers, length)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (value, expected) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-4", Part(2..5)),
            ("bytes=2-", Part(2..10)),
            ("bytes=0-", Part(0..10)),
            ("bytes=9-9", Part(9..10)),
            ("bytes=5-99", Part(5..10)),
            ("bytes=5-99999999999999999999999", Part(5..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-99", Part(0..10)),
            ("Bytes=1-2", Part(1..3)),
            ("bytes= 1-2 ,", Part(1..3)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-12", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=4-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1-2-3", Whole),
            ("bytes=--1", Whole),
            ("bytes 1-2", Whole),
            ("lines=1-2", Whole),
            ("", Whole),
        ] {
            assert_eq!(selected(value, 10), expected, "{value}");
        }
    }

    #[test]
    fn nothing_of_an_empty_file_can_be_had() {
        assert_eq!(selected("bytes=0-", 0), Selection::Unsatisfiable);
        assert_eq!(selected("bytes=-1", 0), Selection::Whole);
    }

    #[test]
    fn two_headers_are_several_ranges() {
        let mut headers = HeaderMap::new();
        for value in ["bytes=0-1", "bytes=3-4"] {
            headers.append(header::RANGE, value.parse().expect("a value"));
        }
        assert_eq!(select(&headers, 10), Selection::Whole);
    }

    proptest! {
        #[test]
        fn part_lies_within_the_file(value in "bytes=[0-9]{0,21}-[0-9]{0,21}", length: u64) {
            if let Selection::Part(bytes) = selected(&value, length) {
                prop_assert!(bytes.start < bytes.end && bytes.end <= length);
            }
        }

        #[test]
        fn anything_is_read(value in "[ -~]{0,40}", length: u64) {
            selected(&value, length);
        }
    }
}
