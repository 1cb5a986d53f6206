//! Content types of files: by name, by what the operator says of names, and by a file's first bytes: [`MimeTypes`].
//!
//! The first bytes decide two things that no name tells: whether a file without an extension is text, and
//! whether a text says for itself in which charset it is written. A header goes before what the text says (HTML,
//! "determining the character encoding"; RFC 7303 §3.2), so a wrong one garbles it.

mod charset;

use std::{borrow::Cow, str::FromStr};

use hyper::header::HeaderValue;
use mime_guess::{Mime, mime};

use charset::{declares_charset, is_text};

/// First bytes of a file that are looked at: as many as browsers search for a charset in.
pub(super) const PREFIX: usize = 1024;

/// What `mime_guess` takes for something that the web has no more, or does not know.
const OWN: [(&str, &str); 16] = [
    ("cjs", "text/javascript"),
    ("cts", "text/plain"),
    ("geojson", "application/geo+json"),
    ("jsonl", "application/jsonl"),
    // TypeScript, which web people have; --mime is for those with MPEG transport streams.
    ("mts", "text/plain"),
    ("ts", "text/plain"),
    ("tsx", "text/plain"),
    ("ndjson", "application/jsonl"),
    ("obj", "model/obj"),
    ("rpm", "application/x-rpm"),
    ("stl", "model/stl"),
    // What is packed, sent as it is.
    ("svgz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("topojson", "application/json"),
    ("unityweb", "application/octet-stream"),
    ("zst", "application/zstd"),
];

/// What the operator says of the types of files.
#[derive(Debug, Clone, Default)]
pub struct MimeTypes(Vec<MimeRule>);

/// One of the operator's: `.EXT=TYPE`, or `NAME=TYPE` for the file of that name.
#[derive(Debug, Clone)]
pub struct MimeRule {
    /// With its dot, in lower case; or a whole name.
    name: String,
    mime: Mime,
}

impl FromStr for MimeRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, mime) = text
            .split_once('=')
            .ok_or("expected .EXT=TYPE, as in .wasm=application/wasm")?;
        let is_extension = name.len() > 1 && name.starts_with('.') && !name.ends_with('.');
        let is_name = !name.is_empty() && !name.contains('.');
        if name.contains(['/', '\\', '*']) || !(is_extension || is_name) {
            return Err(format!(
                "expected an extension with its dot, or the name of a file without one, before the '=', not '{name}'"
            ));
        }
        let mime = mime.trim();
        // The crate takes line ends in quotes, which no header may have.
        let parsed = mime.parse::<Mime>().ok();
        let parsed = parsed.filter(|parsed| HeaderValue::from_str(parsed.as_ref()).is_ok());
        let parsed = parsed.filter(|parsed| parsed.type_() != mime::STAR);
        Ok(MimeRule {
            name: match is_extension {
                true => name.to_ascii_lowercase(),
                false => name.to_owned(),
            },
            mime: parsed.ok_or_else(|| {
                format!("'{mime}' is no media type, as text/plain or model/gltf+json is one")
            })?,
        })
    }
}

impl MimeRule {
    fn fits(&self, name: &str) -> bool {
        if !self.name.starts_with('.') {
            return self.name == name;
        }
        let start = name.len().checked_sub(self.name.len()).filter(|at| *at > 0);
        let end = start.and_then(|start| name.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(&self.name))
    }
}

impl From<Vec<MimeRule>> for MimeTypes {
    fn from(rules: Vec<MimeRule>) -> Self {
        MimeTypes(rules)
    }
}

impl MimeTypes {
    /// What the operator says of a name: the longest extension, of two alike the last.
    pub(super) fn listed(&self, name: &str) -> Option<&Mime> {
        let fitting = self.0.iter().filter(|rule| rule.fits(name));
        let longest = fitting.max_by_key(|rule| rule.name.len());
        longest.map(|rule| &rule.mime)
    }

    /// The type of the file with this name; `None` where the name does not tell.
    fn named(&self, name: &str) -> Option<Cow<'_, Mime>> {
        if let Some(listed) = self.listed(name) {
            return Some(Cow::Borrowed(listed));
        }
        let (_, extension) = name.rsplit_once('.')?;
        let own = OWN
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(extension));
        let guess = match own {
            Some((_, own)) => own.parse().ok(),
            None => mime_guess::from_ext(extension).first(),
        };
        Some(Cow::Owned(guess.unwrap_or(mime::APPLICATION_OCTET_STREAM)))
    }

    /// Whether the first bytes have a say in what [`MimeTypes::content_type`] gives.
    pub(super) fn needs_prefix(&self, name: &str) -> bool {
        self.named(name).is_none_or(|mime| lacks_charset(&mime))
    }

    /// The value of Content-Type for the file with this name and these first bytes. Where `prefix` is none, for
    /// what is packed, nothing is known of the text in it.
    pub(super) fn content_type(&self, name: &str, prefix: Option<&[u8]>) -> String {
        let Some(mime) = self.named(name) else {
            return match prefix.is_some_and(is_text) {
                true => with_charset(&mime::TEXT_PLAIN, prefix),
                false => mime::APPLICATION_OCTET_STREAM.to_string(),
            };
        };
        match lacks_charset(&mime) {
            true => with_charset(&mime, prefix),
            false => mime.to_string(),
        }
    }
}

fn with_charset(mime: &Mime, prefix: Option<&[u8]>) -> String {
    match prefix.is_some_and(|prefix| declares_charset(mime, prefix)) {
        true => mime.to_string(),
        false => format!("{mime}; charset=utf-8"),
    }
}

/// Whether a type is text, and does not say in which charset.
fn lacks_charset(mime: &Mime) -> bool {
    const TEXTS: [&str; 6] = [
        "geo+json",
        "javascript",
        "json",
        "jsonl",
        "manifest+json",
        "xml",
    ];
    // A subtype is compared as without its suffix, which the crate keeps apart.
    let essence = mime.essence_str();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let is_text = mime.type_() == mime::TEXT || TEXTS.contains(&subtype);
    is_text && mime.get_param(mime::CHARSET).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(rules: &[&str]) -> MimeTypes {
        let rule = |text: &&str| text.parse::<MimeRule>().expect(text);
        MimeTypes(rules.iter().map(rule).collect())
    }

    #[test]
    fn text_has_a_charset_and_the_rest_does_not() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.CJS", "text/javascript; charset=utf-8"),
            ("app.ts", "text/plain; charset=utf-8"),
            ("map.geojson", "application/geo+json; charset=utf-8"),
            (
                "site.webmanifest",
                "application/manifest+json; charset=utf-8",
            ),
            ("picture.png", "image/png"),
            ("part.stl", "model/stl"),
            ("part.obj", "model/obj"),
            ("a.rpm", "application/x-rpm"),
            ("a.tar.gz", "application/gzip"),
            ("a.tgz", "application/gzip"),
            ("a.unknown", "application/octet-stream"),
            ("Makefile", "text/plain; charset=utf-8"),
        ] {
            let found = types(&[]).content_type(name, Some(b"x"));
            assert_eq!(found, expected, "{name}");
        }
        let binary = types(&[]).content_type("a.out", Some(b"\x7fELF\0"));
        assert_eq!(binary, "application/octet-stream");
        let binary = types(&[]).content_type("program", Some(b"\x7fELF\0"));
        assert_eq!(binary, "application/octet-stream");
    }

    #[test]
    fn operator_has_the_last_word() {
        let types = types(&[
            ".ts=video/mp2t",
            ".js=text/plain",
            ".min.js=text/javascript; charset=iso-8859-1",
            "feed=application/rss+xml",
            ".ts=video/vnd.dlna.mpeg-tts",
        ]);
        for (name, expected) in [
            ("a.TS", "video/vnd.dlna.mpeg-tts"),
            ("a.js", "text/plain; charset=utf-8"),
            ("a.min.js", "text/javascript; charset=iso-8859-1"),
            ("feed", "application/rss+xml"),
            ("Feed", "text/plain; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
        ] {
            let found = types.content_type(name, Some(b"x"));
            let found = found.replace("application/javascript", "text/javascript");
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn nonsense_is_no_rule() {
        for text in [
            "",
            "js",
            ".js",
            "=text/plain",
            ".=text/plain",
            ".js=",
            ".js=text",
            ".js=*/*",
            "a.js=text/plain",
            "a/b=text/plain",
            "*.js=text/plain",
            ".js=text/plain; x=\"\n\"",
        ] {
            assert!(text.parse::<MimeRule>().is_err(), "{text}");
        }
    }
}
