//! Percent-encoding (RFC 3986 §2.1), undone.

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

#[cfg(test)]
mod tests {
    use super::*;

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
