//! Entity tags in the headers of a request (RFC 9110 §8.8.3); pure.

/// An entity tag as a client sends it (RFC 9110 §8.8.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    is_weak: bool,
    /// With its quotes.
    opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Takes the next tag off a list; commas may stand within its quotes. `None` at the end, and where it
    /// is malformed.
    pub(super) fn next(text: &mut &'a [u8]) -> Option<Self> {
        let start = text
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        let rest = &text[start..];
        let quoted = rest.strip_prefix(b"W/");
        let is_weak = quoted.is_some();
        let quoted = quoted.unwrap_or(rest);
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|byte| *byte == b'"')? + 2;
        let (opaque, rest) = quoted.split_at(end);
        *text = rest;
        Some(Tag { is_weak, opaque })
    }

    /// Strong comparison (RFC 9110 §8.8.3.2): the very same bytes.
    pub(super) fn is_strongly(self, ours: &str) -> bool {
        !self.is_weak && self.is_weakly(ours)
    }

    /// Weak comparison: as good as the same.
    pub(super) fn is_weakly(self, ours: &str) -> bool {
        self.opaque == ours.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_taken_apart_tag_by_tag() {
        let mut text = &b" \"a,b\" ,, W/\"c\"\t,\"\", rest"[..];
        let mut next = || Tag::next(&mut text).map(|tag| (tag.is_weak, tag.opaque));
        assert_eq!(next(), Some((false, &b"\"a,b\""[..])));
        assert_eq!(next(), Some((true, &b"\"c\""[..])));
        assert_eq!(next(), Some((false, &b"\"\""[..])));
        assert_eq!(next(), None);
    }

    #[test]
    fn weak_tag_is_never_strongly_the_same() {
        let tag = |mut text: &'static [u8]| Tag::next(&mut text).expect("a tag");
        assert!(tag(b"\"a\"").is_strongly("\"a\"") && tag(b"\"a\"").is_weakly("\"a\""));
        assert!(!tag(b"W/\"a\"").is_strongly("\"a\"") && tag(b"W/\"a\"").is_weakly("\"a\""));
        assert!(!tag(b"\"b\"").is_weakly("\"a\""));
    }
}
