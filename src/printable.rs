//! Text of others, safe to print: no terminal obeys it, and it reads in the order in which it was written.

use std::borrow::Cow;

/// Spells out controls (C0 and C1, escape sequences begin with one) and overrides of the writing direction
/// (U+202A to U+202E, U+2066 to U+2069); a tab stays.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_spelt_out) {
        return Cow::Borrowed(text);
    }
    let spell = |character: char| match is_spelt_out(character) {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(spell).collect()
}

fn is_spelt_out(character: char) -> bool {
    let overrides_direction =
        matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    character != '\t' && (character.is_control() || overrides_direction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_overrides_are_spelt_out() {
        for (text, printed) in [
            ("", ""),
            ("plain\tété", "plain\tété"),
            ("\x1b]0;x\x07", "\\u{1b}]0;x\\u{7}"),
            ("a\u{9b}1mb", "a\\u{9b}1mb"),
            ("a\nb\rc", "a\\nb\\rc"),
            ("exe.\u{202e}txt\u{2066}", "exe.\\u{202e}txt\\u{2066}"),
        ] {
            assert_eq!(printable(text), printed);
        }
    }
}
