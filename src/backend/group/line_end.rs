//! Line ends: whatever some language takes for one when it reads its stdin.
//!
//! Tcl, Node and Java end a line at a lone CR, Python's `splitlines` at a dozen characters more. Where the beginning of a
//! line says who speaks, none of them may stand in what a client says.

use std::ops::Range;

/// The first line end in a text.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let (start, end) = text
        .char_indices()
        .find(|(_, character)| is_end(*character))?;
    let length = match text[start..].starts_with("\r\n") {
        true => 2,
        false => end.len_utf8(),
    };
    Some(start..start + length)
}

/// The lines of a text: one more than there are ends in it.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(end) = find(text) else {
            return Some(text);
        };
        rest = Some(&text[end.end..]);
        Some(&text[..end.start])
    })
}

/// LF, VT, FF, CR, FS, GS, RS, NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR.
pub(super) fn is_end(character: char) -> bool {
    matches!(
        character,
        '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_ends_a_line_and_cr_lf_is_one() {
        let text = "a\nb\rc\r\nd\x0be\x0cf\x1cg\x1dh\x1ei\u{85}j\u{2028}k\u{2029}";
        let lines: Vec<_> = split(text).collect();
        let expected = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", ""];
        assert_eq!(lines, expected);
        assert_eq!(split("").collect::<Vec<_>>(), [""]);
        assert_eq!(split("\n\r").collect::<Vec<_>>(), ["", "", ""]);
    }

    #[test]
    fn other_controls_and_letters_are_no_ends() {
        assert_eq!(find("a\tb\0\x1b\x1f\u{a0}é\u{2027}\u{202a}"), None);
    }
}
