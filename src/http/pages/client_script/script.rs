//! What is in the binary, by its path: [`ClientScript`].

use std::{io::Write, sync::LazyLock};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use flate2::{Compression, write::GzEncoder};
use ring::digest::{SHA256, digest};

use crate::http::content_coding::Coding;

/// The form of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientScript {
    /// What a `<script>` without a type is; it sets `WsdSocket`.
    Classic,
    /// A module, whose default export is `WsdSocket`.
    Module,
}

/// Bytes of a digest that tell two states of the script apart.
const TAG: usize = 8;

static CLASSIC: LazyLock<Built> = LazyLock::new(|| Built::new(include_str!("built/wsd.js")));
static MODULE: LazyLock<Built> = LazyLock::new(|| Built::new(include_str!("built/wsd.mjs")));

impl ClientScript {
    /// The form that is at a path of the server, if one is.
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/.well-known/wsd.js" => Some(ClientScript::Classic),
            "/.well-known/wsd.mjs" => Some(ClientScript::Module),
            _ => None,
        }
    }

    pub(super) fn built(self) -> &'static Built {
        match self {
            ClientScript::Classic => &CLASSIC,
            ClientScript::Module => &MODULE,
        }
    }
}

/// A script as it is sent.
#[derive(Debug)]
pub(super) struct Built {
    /// What tells one state of it from another.
    pub(super) tag: String,
    plain: &'static str,
    /// Packed once, when it is first asked for.
    gzip: Bytes,
}

impl Built {
    fn new(text: &'static str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(text.as_bytes());
        let packed = packed.and_then(|()| encoder.finish());
        let digest = digest(&SHA256, text.as_bytes());
        Built {
            tag: HEXLOWER.encode(&digest.as_ref()[..TAG]),
            plain: text,
            gzip: packed.expect("memory takes all that is written").into(),
        }
    }

    /// The script in a coding, if it is there.
    pub(super) fn in_coding(&self, coding: Coding) -> Option<Bytes> {
        match coding {
            Coding::Gzip => Some(self.gzip.clone()),
            Coding::Identity => Some(Bytes::from_static(self.plain.as_bytes())),
            Coding::Brotli | Coding::Zstandard => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [ClientScript; 2] = [ClientScript::Classic, ClientScript::Module];

    #[test]
    fn script_is_as_small_as_it_is_promised() {
        for form in FORMS {
            let gzip = form.built().in_coding(Coding::Gzip).expect("packed");
            assert!(gzip.len() <= 4096, "{form:?}: {} bytes", gzip.len());
        }
    }

    #[test]
    fn forms_are_told_apart_by_their_ends_and_tags() {
        let [classic, module] = FORMS.map(ClientScript::built);
        assert_ne!(classic.tag, module.tag);
        assert!(module.plain.contains("export default "), "{}", module.plain);
        assert!(!classic.plain.contains("export"), "{}", classic.plain);
        assert!(classic.plain.contains("globalThis.WsdSocket="));
    }
}
