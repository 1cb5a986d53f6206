//! What is in the binary, in the codings that browsers take: [`Packed`].

use std::{io::Read, sync::LazyLock};

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use crate::http::content_coding::Coding;

/// The document.
pub(super) static DOCUMENT: Packed = Packed {
    tag: include_str!("built/document-tag"),
    content_type: "text/html; charset=utf-8",
    brotli: include_bytes!("built/index.html.br"),
    gzip: include_bytes!("built/index.html.gz"),
    plain: LazyLock::new(|| unpack(include_bytes!("built/index.html.gz"))),
};

/// What the document asks for, and nobody else has a reason to.
pub(super) const SCRIPT_NAME: &str = include_str!("built/script-name");

/// The script. Its name tells one state of it from another.
pub(super) static SCRIPT: Packed = Packed {
    tag: SCRIPT_NAME,
    content_type: "text/javascript; charset=utf-8",
    brotli: include_bytes!("built/terminal.js.br"),
    gzip: include_bytes!("built/terminal.js.gz"),
    plain: LazyLock::new(|| unpack(include_bytes!("built/terminal.js.gz"))),
};

/// A file in several codings.
#[derive(Debug)]
pub(super) struct Packed {
    /// What tells one state of it from another.
    pub(super) tag: &'static str,
    pub(super) content_type: &'static str,
    brotli: &'static [u8],
    gzip: &'static [u8],
    /// For whoever takes it in no other way; once, and then for all of these.
    plain: LazyLock<Bytes>,
}

impl Packed {
    /// The file in a coding, if it is there.
    pub(super) fn in_coding(&self, coding: Coding) -> Option<Bytes> {
        match coding {
            Coding::Brotli => Some(Bytes::from_static(self.brotli)),
            Coding::Gzip => Some(Bytes::from_static(self.gzip)),
            Coding::Identity => Some(self.plain.clone()),
            Coding::Zstandard => None,
        }
    }
}

fn unpack(gzip: &'static [u8]) -> Bytes {
    let mut plain = Vec::new();
    let unpacked = GzDecoder::new(gzip).read_to_end(&mut plain);
    unpacked.expect("what is built is whole: a test unpacks it");
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_asks_for_the_script_by_its_name() {
        let document = DOCUMENT.in_coding(Coding::Identity).expect("a document");
        let document = std::str::from_utf8(&document).expect("text");
        let asked = format!("src=\"?{SCRIPT_NAME}\"");
        assert!(document.contains(&asked), "{asked} in {document}");
    }

    #[test]
    fn script_brings_the_notices_of_what_is_in_it() {
        let script = SCRIPT.in_coding(Coding::Identity).expect("a script");
        let notices = include_str!("built/LICENSES");
        assert!(notices.contains("@xterm/xterm 6.0.0") && notices.contains("js-base64"));
        let begins = format!("/*!\n{notices}");
        assert!(script.starts_with(begins.as_bytes()));
    }

    #[test]
    fn page_is_as_small_as_it_is_promised() {
        for (coding, limit) in [(Coding::Gzip, 110_000), (Coding::Brotli, 85_000)] {
            let files = [&DOCUMENT, &SCRIPT].map(|file| file.in_coding(coding).expect("packed"));
            let size: usize = files.iter().map(Bytes::len).sum();
            assert!(size <= limit, "{coding:?}: {size}");
        }
    }
}
