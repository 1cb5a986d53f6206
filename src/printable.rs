//! Text of others, safe to print: no terminal obeys it, and it reads in the order in which it was written.
//!
//! Whatever goes to a terminal passes here: the log as it is written (`logging.rs`), and what a command says outside
//! of it (`commands/message.rs`).

use std::borrow::Cow;

/// Spells out controls (C0 and C1, escape sequences begin with one) and overrides of the writing direction
/// (U+202A to U+202E, U+2066 to U+2069), as Rust does in its literals: `\n`, `\u{1b}`; a tab stays.
pub fn printable(text: &str) -> Cow<'_, str> {
    spell_out(text, is_spelt_out, |character| {
        character.escape_default().to_string()
    })
}

/// The same of a text of several lines, which stay lines.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let is_spelt_out = |character| character != '\n' && is_spelt_out(character);
    spell_out(text, is_spelt_out, |character| {
        character.escape_default().to_string()
    })
}

/// The same of a JSON text on one line (RFC 8259 §7), in JSON's own escapes: what it says stays the same.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    spell_out(text, is_spelt_out, |character| {
        format!("\\u{:04x}", u32::from(character))
    })
}

fn spell_out(
    text: &str,
    is_spelt_out: impl Fn(char) -> bool,
    spell: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&is_spelt_out) {
        return Cow::Borrowed(text);
    }
    let shown = |character| match is_spelt_out(character) {
        true => spell(character),
        false => character.to_string(),
    };
    text.chars().map(shown).collect()
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
            ("a\u{9b}1mb\x7f", "a\\u{9b}1mb\\u{7f}"),
            ("a\nb\rc", "a\\nb\\rc"),
            ("exe.\u{202e}txt\u{2066}", "exe.\\u{202e}txt\\u{2066}"),
        ] {
            assert_eq!(printable(text), printed);
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(printable_lines("a\n\tb\r\x1b\n"), "a\n\tb\\r\\u{1b}\n");
    }

    #[test]
    fn json_says_the_same() {
        let said = "\x1b \u{9b} \x7f \u{202e} \u{2069} é\t\n";
        let json = serde_json::to_string(said).expect("JSON");
        let printed = printable_json(&json);
        assert!(!printed.contains(is_spelt_out), "{printed}");
        let read: String = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(read, said);
    }
}
