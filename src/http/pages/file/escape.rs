//! Percent-encoding and HTML escaping of file names.

use std::fmt::Write;

/// Percent-encodes what may not stand in a path (RFC 3986 §3.3), and the colon, which would make a
/// scheme of a relative link's beginning.
pub(super) fn url(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            // Writing to a String does not fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

/// Makes text of what would be markup, within quotes too; control characters become visible.
pub(super) fn html(text: &str) -> String {
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
    use crate::http::url_path::UrlPath;
    use proptest::prelude::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            html("<a href='x' b=\"&\">\n\u{202E}é😀"),
            "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;\u{FFFD}\u{FFFD}é😀"
        );
    }

    #[test]
    fn name_cannot_become_a_scheme_a_query_or_a_fragment() {
        assert_eq!(
            url("javascript:a?b#c%20 d"),
            "javascript%3Aa%3Fb%23c%2520%20d"
        );
    }

    proptest! {
        #[test]
        fn escaped_name_is_decoded_to_itself(name in "[^/\\\\\0.][^/\\\\\0]{0,20}") {
            let path = UrlPath::decode(&format!("/{}", url(&name))).expect("an honest path");
            prop_assert_eq!(&path.as_str()[1..], &name);
        }
    }
}
