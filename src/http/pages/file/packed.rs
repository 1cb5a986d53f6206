//! Files that are packed already and asked for by their own name: `app.js.gz`, `picture.svgz`: [`Packed`].
//!
//! Engines that build for the web (Unity, for one) name such files in their pages, and browsers unpack them only
//! where Content-Encoding says so (RFC 9110 §8.4). An archive, such as `.tar.gz`, is meant to be kept packed.

use memchr::memmem;

use super::content_type::MimeTypes;
use crate::http::content_coding::Coding;

/// What is sent with a coding when it is asked for packed.
const CONTENTS: [&str; 7] = [".js", ".mjs", ".wasm", ".data", ".json", ".css", ".map"];

/// What Unity writes into a comment at the beginning of what it packs with Brotli, which has no mark of its own.
const UNITY_BROTLI: &[u8] = b"UnityWeb Compressed Content (brotli)";

/// How a file with such a name may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed<'a> {
    /// So, and this is the name of what is in it.
    Contents(Coding, &'a str),
    /// An SVG picture.
    Picture,
    /// As its first bytes say, and this is the name of what is in it.
    Unity(&'a str),
}

impl<'a> Packed<'a> {
    /// What the name of a file tells; `None` for one that is sent as it is.
    pub(super) fn named(name: &'a str, types: &MimeTypes) -> Option<Self> {
        let (inner, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let coding = match extension.as_str() {
            "svgz" => return Some(Packed::Picture),
            "unityweb" => return Some(Packed::Unity(inner)),
            "gz" => Coding::Gzip,
            "br" => Coding::Brotli,
            "zst" => Coding::Zstandard,
            _ => return None,
        };
        let ends_with = |end: &&str| {
            let start = inner.len().checked_sub(end.len());
            let tail = start.and_then(|start| inner.get(start..));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        let is_sent_unpacked = CONTENTS.iter().any(ends_with);
        // Who names a type for what is packed wants it as it is.
        (is_sent_unpacked && types.listed(name).is_none())
            .then_some(Packed::Contents(coding, inner))
    }

    /// The coding, by the first bytes where the name does not tell.
    pub(super) fn coding(self, prefix: &[u8]) -> Option<Coding> {
        match self {
            Packed::Contents(coding, _) => Some(coding),
            Packed::Picture | Packed::Unity(_) if prefix.starts_with(b"\x1f\x8b") => {
                Some(Coding::Gzip)
            }
            Packed::Unity(_) if memmem::find(prefix, UNITY_BROTLI).is_some() => {
                Some(Coding::Brotli)
            }
            Packed::Picture | Packed::Unity(_) => None,
        }
    }

    /// The type of what is in the file `name`.
    pub(super) fn content_type(self, name: &str, types: &MimeTypes) -> String {
        match (self, types.listed(name)) {
            (_, Some(listed)) => listed.to_string(),
            (Packed::Picture, None) => "image/svg+xml".to_owned(),
            (Packed::Contents(_, inner) | Packed::Unity(inner), None) => {
                types.content_type(inner, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_tells_what_is_packed_and_how() {
        let types = MimeTypes::default();
        for (name, expected) in [
            ("a.js.gz", Some(Packed::Contents(Coding::Gzip, "a.js"))),
            (
                "a.WASM.BR",
                Some(Packed::Contents(Coding::Brotli, "a.WASM")),
            ),
            (
                "a.data.zst",
                Some(Packed::Contents(Coding::Zstandard, "a.data")),
            ),
            ("a.svgz", Some(Packed::Picture)),
            ("a.data.unityweb", Some(Packed::Unity("a.data"))),
            ("a.tar.gz", None),
            ("a.tgz", None),
            ("a.gz", None),
            ("js.gz", None),
            ("a.html.gz", None),
            ("gz", None),
        ] {
            assert_eq!(Packed::named(name, &types), expected, "{name}");
        }
        let rule = ".gz=application/gzip".parse().expect("a rule");
        let types = MimeTypes::from(vec![rule]);
        assert_eq!(Packed::named("a.js.gz", &types), None);
    }

    #[test]
    fn unity_is_told_by_its_first_bytes() {
        let unity = Packed::Unity("a.js");
        assert_eq!(unity.coding(b"\x1f\x8b\x08"), Some(Coding::Gzip));
        let brotli = [b"k\x8d\0", UNITY_BROTLI].concat();
        assert_eq!(unity.coding(&brotli), Some(Coding::Brotli));
        assert_eq!(unity.coding(b"UnityWebData1.0\0"), None);
        assert_eq!(Packed::Picture.coding(b"<svg>"), None);
    }
}
