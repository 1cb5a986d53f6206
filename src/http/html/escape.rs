//! HTML escaping: what others have written is text.

/// Makes text of what would be markup, within quotes too; control characters become visible.
pub(in crate::http) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Overrides of the direction make one name look like another.
            character if character.is_control() || is_direction(character) => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            character => escaped.push(character),
        }
    }
    escaped
}

fn is_direction(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<a href='x' b=\"&\">\n\u{202E}é😀"),
            "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;\u{FFFD}\u{FFFD}é😀"
        );
    }
}
