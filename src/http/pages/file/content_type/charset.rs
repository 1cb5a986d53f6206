//! What a file's first bytes say of its charset, and whether they are text at all; pure.

use memchr::memmem;
use mime_guess::Mime;

/// The byte order marks that name a charset (RFC 3629 §6, RFC 2781 §3.2).
const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];

/// Whether the first bytes of a text of this type say in which charset it is.
pub(super) fn declares_charset(mime: &Mime, prefix: &[u8]) -> bool {
    let essence = mime.essence_str();
    MARKS.iter().any(|mark| prefix.starts_with(mark))
        || essence.ends_with("xml") && has_xml_declaration(prefix)
        || essence == "text/html" && (has_xml_declaration(prefix) || has_meta(prefix))
}

/// Whether the first bytes of a file are those of a text: UTF-8, which may break off at their end, without
/// controls but those that terminals and printers know; or what a byte order mark calls UTF-16.
pub(super) fn is_text(prefix: &[u8]) -> bool {
    if MARKS.iter().any(|mark| prefix.starts_with(mark)) {
        return true;
    }
    let is_utf8 = match std::str::from_utf8(prefix) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| {
        byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b'\x1b')
    };
    is_utf8 && !prefix.iter().any(is_control)
}

/// `<?xml … encoding=…?>` (XML 1.0 §2.8, §4.3.3).
fn has_xml_declaration(prefix: &[u8]) -> bool {
    let declaration = prefix.strip_prefix(b"<?xml");
    let end = declaration.and_then(|text| memmem::find(text, b"?>"));
    let declaration = declaration.zip(end).map(|(text, end)| &text[..end]);
    declaration.is_some_and(|text| memmem::find(text, b"encoding").is_some())
}

/// A `<meta>` with a charset, outside comments (HTML, "prescan a byte stream to determine its encoding").
fn has_meta(prefix: &[u8]) -> bool {
    let text = prefix.to_ascii_lowercase();
    let mut rest = &text[..];
    while let Some(start) = memchr::memchr(b'<', rest) {
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix(b"<!--") {
            let Some(end) = memmem::find(comment, b"-->") else {
                return false;
            };
            rest = &comment[end..];
        } else if let Some(tag) = rest.strip_prefix(b"<meta")
            && tag
                .first()
                .is_some_and(|byte| is_space(*byte) || *byte == b'/')
        {
            let (attributes, behind) = attributes(tag);
            if names_charset(&attributes) {
                return true;
            }
            rest = behind;
        } else {
            rest = &rest[1..];
        }
    }
    false
}

type Attribute<'a> = (&'a [u8], &'a [u8]);

fn names_charset(attributes: &[Attribute<'_>]) -> bool {
    let value = |name: &[u8]| {
        let found = attributes.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value.trim_ascii())
    };
    let in_content =
        || value(b"content").is_some_and(|text| memmem::find(text, b"charset").is_some());
    value(b"charset").is_some_and(|charset| !charset.is_empty())
        || value(b"http-equiv") == Some(b"content-type") && in_content()
}

/// The attributes of a tag, and what follows it.
fn attributes(mut text: &[u8]) -> (Vec<Attribute<'_>>, &[u8]) {
    let mut found = Vec::new();
    loop {
        text = skip(text, |byte| is_space(byte) || byte == b'/');
        if matches!(text.first(), None | Some(b'>')) {
            return (found, text);
        }
        let name;
        (name, text) = take(text, |byte| {
            is_space(byte) || matches!(byte, b'=' | b'>' | b'/')
        });
        let Some(after) = skip(text, is_space).strip_prefix(b"=") else {
            found.push((name, &[][..]));
            continue;
        };
        let value;
        (value, text) = attribute_value(skip(after, is_space));
        found.push((name, value));
    }
}

fn attribute_value(text: &[u8]) -> (&[u8], &[u8]) {
    match text.split_first() {
        Some((quote @ (b'"' | b'\''), inside)) => {
            let (value, rest) = take(inside, |byte| byte == *quote);
            (value, rest.get(1..).unwrap_or_default())
        }
        _ => take(text, |byte| is_space(byte) || byte == b'>'),
    }
}

fn skip(text: &[u8], is: impl Fn(u8) -> bool) -> &[u8] {
    take(text, |byte| !is(byte)).1
}

/// What comes before the first such byte, and the rest.
fn take(text: &[u8], is_end: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| is_end(*byte));
    text.split_at(end.unwrap_or(text.len()))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn declares(mime: &str, text: &[u8]) -> bool {
        declares_charset(&mime.parse().expect("a type"), text)
    }

    #[test]
    fn charset_of_a_page_is_found() {
        for text in [
            "<meta charset=iso-8859-1>",
            "<!doctype html><META\nCharSet = 'windows-1252' >",
            "<!-- <x> --><meta name=a content=b><meta charset=\"x\"/>",
            "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=big5\">",
            "<meta content='text/html;charset=big5' http-equiv=content-type />",
            "<?xml version=\"1.0\" encoding='ISO-8859-1'?><html>",
            "\u{feff}<p>",
        ] {
            assert!(declares("text/html", text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "<p>charset=x",
            "<!-- <meta charset=x> -->",
            "<!-- <meta charset=x>",
            "<metadata charset=x>",
            "<meta name=charset content=x>",
            "<meta name=description content='charset=x'>",
            "<meta charset=''>",
            "<meta charset",
            "<meta = = =",
            "<?xml version=\"1.0\"?>",
        ] {
            assert!(!declares("text/html", text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn declaration_counts_where_it_has_a_meaning() {
        let xml = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>";
        for mime in ["text/xml", "application/xml", "application/rss+xml"] {
            assert!(declares(mime, xml), "{mime}");
        }
        assert!(!declares("text/plain", xml));
        assert!(!declares("text/css", b"<meta charset=x>"));
        assert!(declares("text/plain", b"\xff\xfea\0"));
    }

    #[test]
    fn text_is_told_from_other_bytes() {
        for text in [
            &b""[..],
            b"a\tb\r\n",
            "\u{e9}".as_bytes(),
            b"caf\xc3",
            b"\xff\xfea\0",
        ] {
            assert!(is_text(text), "{text:?}");
        }
        for bytes in [&b"\0"[..], b"\x7fELF", b"caf\xe9 x", b"\x1f\x8b"] {
            assert!(!is_text(bytes), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_looked_at(text in "(<meta|<!--|-->|charset|=|\"|'|[ >/a]){0,20}") {
            declares("text/html", text.as_bytes());
        }
    }
}
