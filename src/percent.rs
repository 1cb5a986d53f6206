//! Percent-encoding (RFC 3986 §2.1), done and undone.

use std::fmt::Write;

use data_encoding::HEXLOWER_PERMISSIVE;

/// The bytes that percent-encoding stands for; what is none stays.
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.first_chunk::<2>().filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| HEXLOWER_PERMISSIVE.decode(digits).ok()?.pop());
        bytes.push(byte.unwrap_or(*first));
        rest = &behind[if byte.is_some() { 2 } else { 0 }..];
    }
    bytes
}

/// Percent-encodes what may not stand in a path (RFC 3986 §3.3), and the colon, which would make a
/// scheme of a relative link's beginning.
pub(crate) fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn name_cannot_become_a_scheme_a_query_or_a_fragment() {
        assert_eq!(
            escaped("javascript:a?b#c%20 d"),
            "javascript%3Aa%3Fb%23c%2520%20d"
        );
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_the_same_when_that_is_undone(text in ".{0,20}") {
            prop_assert_eq!(unescaped(&escaped(&text)), text.as_bytes());
        }
    }

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        for (text, bytes) in [
            ("a%20b", &b"a b"[..]),
            ("%C3%a9", "é".as_bytes()),
            ("100%", b"100%"),
            ("%zz%4%+5", b"%zz%4%+5"),
            ("%é", "%é".as_bytes()),
        ] {
            assert_eq!(unescaped(text), bytes, "{text}");
        }
    }
}
