//! In what a page is written, as far as that decides what may be added to it: [`PageEncoding`]; pure.

use mime_guess::{Mime, mime};

/// The encodings of the web are ASCII where they are not UTF-16 (Encoding Standard §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum PageEncoding {
    /// ASCII, and whatever for other characters.
    Ascii,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl PageEncoding {
    /// By the first bytes, which have the last word (HTML, "determining the character encoding"), and the charset of the
    /// Content-Type.
    pub(in crate::http) fn new(first: &[u8], content_type: &str) -> Self {
        match first {
            [0xff, 0xfe, ..] => PageEncoding::Utf16LittleEndian,
            [0xfe, 0xff, ..] => PageEncoding::Utf16BigEndian,
            _ => Self::of_charset(content_type),
        }
    }

    /// By the labels that browsers know (Encoding Standard §4.2).
    fn of_charset(content_type: &str) -> Self {
        let parsed: Option<Mime> = content_type.parse().ok();
        let charset = parsed
            .as_ref()
            .and_then(|parsed| parsed.get_param(mime::CHARSET));
        let charset = charset.map_or("", |charset| charset.as_str());
        let is = |labels: &[&str]| {
            labels
                .iter()
                .any(|label| charset.eq_ignore_ascii_case(label))
        };
        if is(&["utf-16be", "unicodefffe"]) {
            PageEncoding::Utf16BigEndian
        } else if is(&[
            "utf-16",
            "utf-16le",
            "csunicode",
            "iso-10646-ucs-2",
            "ucs-2",
            "unicode",
            "unicodefeff",
        ]) {
            PageEncoding::Utf16LittleEndian
        } else {
            PageEncoding::Ascii
        }
    }

    /// ASCII text in this encoding.
    pub(in crate::http) fn encode(self, text: &str) -> Vec<u8> {
        let units = text.encode_utf16();
        match self {
            PageEncoding::Ascii => text.as_bytes().to_vec(),
            PageEncoding::Utf16LittleEndian => units.flat_map(u16::to_le_bytes).collect(),
            PageEncoding::Utf16BigEndian => units.flat_map(u16::to_be_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_go_before_what_the_type_says() {
        use PageEncoding::{Ascii, Utf16BigEndian, Utf16LittleEndian};
        for (first, content_type, expected) in [
            (&b"<!"[..], "text/html", Ascii),
            (b"", "text/html; charset=iso-2022-jp", Ascii),
            (b"\xef\xbb", "text/html", Ascii),
            (b"\xff\xfe", "text/html; charset=utf-8", Utf16LittleEndian),
            (b"\xfe\xff", "text/html; charset=utf-16le", Utf16BigEndian),
            (b"<\0", "Text/HTML;Charset=\"UTF-16\"", Utf16LittleEndian),
            (b"\0<", "text/html; charset=utf-16be", Utf16BigEndian),
            (b"\xff", "nonsense", Ascii),
        ] {
            let found = PageEncoding::new(first, content_type);
            assert_eq!(found, expected, "{first:?} {content_type}");
        }
    }

    #[test]
    fn text_has_two_bytes_a_character_in_utf_16() {
        assert_eq!(PageEncoding::Ascii.encode("<s"), b"<s");
        assert_eq!(PageEncoding::Utf16LittleEndian.encode("<s"), b"<\0s\0");
        assert_eq!(PageEncoding::Utf16BigEndian.encode("<s"), b"\0<\0s");
    }
}
