//! The path of a URL, decoded once: [`UrlPath`]; pure.
//!
//! It can only be made by its decoder, which refuses what no honest client sends.

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;

use std::path::Path;

/// A path of a URL, decoded once: begins with `/`; no dot segment, backslash, NUL or encoded slash; UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPath(String);

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL's path has {0}")]
pub struct BadPath(&'static str);

impl UrlPath {
    /// Decodes the path of a request's target (RFC 3986 §2.1 and §3.3).
    ///
    /// # Errors
    /// [`BadPath`] names what is refused.
    pub fn decode(raw: &str) -> Result<Self, BadPath> {
        if !raw.starts_with('/') {
            return Err(BadPath("no slash at its beginning"));
        }
        let mut decoded = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            let byte = match byte {
                b'%' => match decode_escape(&mut bytes)? {
                    b'/' => return Err(BadPath("an encoded slash")),
                    byte => byte,
                },
                byte => byte,
            };
            match byte {
                0 => return Err(BadPath("a NUL byte")),
                b'\\' => return Err(BadPath("a backslash")),
                byte => decoded.push(byte),
            }
        }
        let decoded =
            String::from_utf8(decoded).map_err(|_| BadPath("bytes that are not UTF-8"))?;
        if decoded
            .split('/')
            .any(|segment| matches!(segment, "." | ".."))
        {
            return Err(BadPath("a dot segment"));
        }
        Ok(UrlPath(decoded))
    }

    /// `/`.
    pub(in crate::http) fn top() -> Self {
        UrlPath("/".to_owned())
    }

    /// The decoded path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows `prefix`, whole segments that this path begins with; `/` if nothing does.
    pub(in crate::http) fn beneath(&self, prefix: &str) -> Option<Self> {
        match self.0.strip_prefix(prefix)? {
            "" => Some(UrlPath("/".to_owned())),
            rest => rest.starts_with('/').then(|| UrlPath(rest.to_owned())),
        }
    }

    /// This path with something behind it that is known to be harmless: no slash, no dot segment.
    pub(in crate::http) fn followed_by(&self, end: &'static str) -> Self {
        UrlPath(format!("{}{end}", self.0))
    }

    /// Whether a segment begins with a dot: `.git`, `.env`, but not `.well-known` (RFC 8615).
    pub fn is_hidden(&self) -> bool {
        is_hidden(&self.0)
    }

    /// Whether a program may be told of it: no line end, which a file's name may have, but which would let
    /// a client write lines of its own into what prints variables line by line.
    ///
    /// # Errors
    /// [`BadPath`] for a CR or LF.
    pub fn check_for_programs(&self) -> Result<(), BadPath> {
        match self.0.contains(['\r', '\n']) {
            true => Err(BadPath("a line end")),
            false => Ok(()),
        }
    }

    /// The path relative to a root; `None` if it has empty segments, which no file has.
    pub(in crate::http) fn relative(&self) -> Option<&Path> {
        let relative = self.0.trim_start_matches('/');
        let whole = self.0.len() - relative.len() == 1 && !relative.contains("//");
        match relative {
            "" if whole => Some(Path::new(".")),
            _ if whole => Some(Path::new(relative)),
            _ => None,
        }
    }
}

pub(in crate::http) fn is_hidden(path: &str) -> bool {
    path.split('/')
        .any(|segment| segment.starts_with('.') && segment != ".well-known")
}

fn decode_escape(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, BadPath> {
    let mut digit = || {
        let digit = bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        digit.ok_or(BadPath("a broken percent escape"))
    };
    let value = digit()? << 4 | digit()?;
    u8::try_from(value).map_err(|_| BadPath("a broken percent escape"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn honest_paths_are_decoded_once() {
        for (raw, decoded) in [
            ("/", "/"),
            ("/a%20b", "/a b"),
            ("/%C3%A9", "/é"),
            ("/a%2520b", "/a%20b"),
            ("/...", "/..."),
            ("/a//b", "/a//b"),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(UrlPath::decode(raw).expect(raw).as_str(), decoded);
        }
    }

    #[test]
    fn hostile_paths_are_refused() {
        for raw in [
            "",
            "*",
            "a",
            "/..",
            "/../",
            "/a/../b",
            "/./a",
            "/.",
            "/%2e%2e/",
            "/%2E./",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/..%2f",
            "/%5c",
            "/a\\b",
            "/%00",
            "/a%00.html",
            "/%",
            "/%2",
            "/%zz",
            "/%c0%ae",
            "/%c0%af",
            "/%ff",
            "/%e2%82",
            "/%ed%a0%80",
        ] {
            assert!(UrlPath::decode(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn hidden_segments_are_seen_anywhere() {
        let hidden = |raw| UrlPath::decode(raw).expect(raw).is_hidden();
        assert!(hidden("/.git/config") && hidden("/a/.env") && hidden("/.well-knownx"));
        assert!(!hidden("/a.b") && !hidden("/.well-known/acme") && !hidden("/"));
    }

    proptest! {
        #[test]
        fn all_that_holds_for_paths_does(
            raw in "/?(/|%2[eE]|\\.|%[0-9a-fA-F]{2}|%c3%a9|\u{e9}|[a-z%\\\\]){0,12}"
        ) {
            properties::path(&raw);
        }
    }
}
