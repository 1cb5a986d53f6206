//! Secrets in text that people read, masked: tokens in URLs, users and passwords before hosts. Pure.

use std::borrow::Cow;

/// What stands in the place of a secret.
const MASK: &str = "***";
/// The name of a token in a query (RFC 6750 §2.3).
const TOKEN: &[u8] = b"access_token";

/// A URL, or what looks like one, with the values of `access_token` masked: in any case, behind any separator, encoded
/// or not, also within the value of another parameter. A value ends where a server's parameter does, at `&` or `#`.
pub(crate) fn mask_tokens(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut shown, mut done) = (String::new(), 0);
    while let Some(begin) = next_value(bytes, done) {
        shown.push_str(&text[done..begin]);
        done = end_of_parameter(bytes, begin);
        if done > begin {
            shown.push_str(MASK);
        }
    }
    match shown.is_empty() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shown + &text[done..]),
    }
}

/// The same of what was meant to be a URL and may be none: what stands before its host is masked too.
pub(crate) fn mask_secrets(text: &str) -> Cow<'_, str> {
    let shown = mask_tokens(text);
    let Some(end) = shown.rfind('@') else {
        return shown;
    };
    let before = &shown[..end];
    let begin = before.find("//").map_or(0, |slashes| slashes + 2);
    // A name of somebody, and no password.
    if begin == end || !before.contains(':') {
        return shown;
    }
    Cow::Owned([&shown[..begin], MASK, &shown[end..]].concat())
}

/// Where the next value of a token begins, from `at` on. Anybody can have anything logged, so no byte is looked at again and
/// again.
fn next_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    while at < bytes.len() {
        let Some(behind) = behind_name(bytes, at) else {
            at += 1;
            continue;
        };
        let end = end_of_parameter(bytes, behind);
        let begin = behind_equals_sign(bytes, behind, end);
        if begin.is_some() {
            return begin;
        }
        // Nor has any other name in this parameter a value.
        at = end;
    }
    None
}

/// What is behind the name of a token, if one begins at `at`.
fn behind_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    for expected in TOKEN {
        let (byte, next) = decoded(bytes, at)?;
        // As PHP has it, which takes these for the same.
        let is_underscore = *expected == b'_' && b"_ .+-".contains(&byte);
        if !is_underscore && !byte.eq_ignore_ascii_case(expected) {
            return None;
        }
        at = next;
    }
    Some(at)
}

/// What is behind the first `=` of a parameter, which ends at `end`.
fn behind_equals_sign(bytes: &[u8], mut at: usize, end: usize) -> Option<usize> {
    while at < end {
        let (byte, next) = decoded(bytes, at)?;
        at = next;
        if byte == b'=' {
            return Some(at);
        }
    }
    None
}

fn end_of_parameter(bytes: &[u8], begin: usize) -> usize {
    let mut rest = bytes.iter().skip(begin);
    let length = rest.position(|byte| b"&#".contains(byte));
    length.map_or(bytes.len(), |length| begin + length)
}

/// The byte that stands at a place, percent-encoded any number of times, and where the next one is.
pub(crate) fn decoded(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let byte = *bytes.get(at)?;
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let pair = |at: usize| Some((digit(at)? * 16 + digit(at + 1)?) as u8);
    let mut encoded = at + 1;
    if byte != b'%' {
        return Some((byte, encoded));
    }
    while bytes.get(encoded..encoded + 2) == Some(b"25") && pair(encoded + 2).is_some() {
        encoded += 2;
    }
    Some(match pair(encoded) {
        Some(byte) => (byte, encoded + 2),
        None => (byte, at + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look at each byte for each name, and again for each of those, would take days.
    #[test]
    fn names_without_a_value_cost_no_more_than_other_text() {
        for text in ["access_token", "access%5ftoken", "access_token%", "%2525"] {
            let text = text.repeat(100_000);
            assert_eq!(mask_tokens(&text), text);
        }
        let values = "access_token=a&".repeat(100_000);
        assert_eq!(mask_tokens(&values), "access_token=***&".repeat(100_000));
        let chain = format!("%{}", "25".repeat(500_000));
        assert_eq!(mask_tokens(&chain), chain);
    }

    #[test]
    fn tokens_are_masked_wherever_they_stand() {
        for (text, shown) in [
            ("/?access_token=abc", "/?access_token=***"),
            ("/?a=b&access_token=abc&c=d", "/?a=b&access_token=***&c=d"),
            ("/?a=b;access_token=abc;c", "/?a=b;access_token=***"),
            ("/?a?ACCESS_Token=abc#f", "/?a?ACCESS_Token=***#f"),
            ("/?a&amp;access%5ftoken=abc", "/?a&amp;access%5ftoken=***"),
            ("/?%61ccess_token=abc%26d", "/?%61ccess_token=***"),
            ("/?access_token%3dabc", "/?access_token%3d***"),
            (
                "/?n=%2Fa%3Faccess_token%3Dabc",
                "/?n=%2Fa%3Faccess_token%3D***",
            ),
            (
                "/?n=access%255Ftoken%253Dabc&x",
                "/?n=access%255Ftoken%253D***&x",
            ),
            ("/?access_token[]=abc", "/?access_token[]=***"),
            ("/?access+token=abc", "/?access+token=***"),
            ("GET /?access_token= abc", "GET /?access_token=***"),
            (
                "/?access_token=a&access_token=b",
                "/?access_token=***&access_token=***",
            ),
            ("/?é=access_token=é&é", "/?é=access_token=***&é"),
            ("/?access_token=&a=b", "/?access_token=&a=b"),
            ("/access_token/a?b=c&d", "/access_token/a?b=***&d"),
            ("/access_token", "/access_token"),
            ("/?access_token%3", "/?access_token%3"),
            ("/?a=100%&b", "/?a=100%&b"),
            ("", ""),
        ] {
            assert_eq!(mask_tokens(text), shown);
        }
    }

    #[test]
    fn what_stands_before_a_host_is_masked() {
        for (text, shown) in [
            ("http://user:pw@h/", "http://***@h/"),
            ("http://user@h/", "http://***@h/"),
            (
                "http//alice:pw/x@h/?access_token=b c",
                "http//***@h/?access_token=***",
            ),
            ("alice:pw@h", "***@h"),
            ("@name", "@name"),
            ("ssh user@host", "ssh user@host"),
            ("/run/a.sock", "/run/a.sock"),
        ] {
            assert_eq!(mask_secrets(text), shown);
        }
    }
}
