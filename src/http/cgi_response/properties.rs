//! What holds for whatever a script prints.

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use memchr::memmem;

use super::{
    header_block::{BadHeader, HeaderBlock, MAX_HEADER},
    response::{Dialect, HOP_BY_HOP, Head, Reply, parse},
};
use crate::pieces;

/// All of it, of a script's output, as a script of either kind.
pub(crate) fn response(output: &[u8]) {
    let whole = block(&[output]);
    for pieces in pieces::ways(output) {
        assert_eq!(block(&pieces), whole, "{pieces:?}");
    }
    let Ok(Some((block, rest))) = whole else {
        return;
    };
    assert!(block.len() <= MAX_HEADER);
    assert_eq!([&block[..], &rest].concat(), output);
    for dialect in [Dialect::Parsed, Dialect::NonParsed] {
        match parse(&block, dialect) {
            Ok(Reply::Document(head)) => check_head(&head, dialect, &block),
            Ok(Reply::LocalRedirect(path)) => check_path(&path, dialect, &block),
            Err(bad) => assert!(!bad.to_string().is_empty()),
        }
    }
}

type Found = Result<Option<(Bytes, Bytes)>, BadHeader>;

/// The block that is found in pieces of the output, and all that is behind it.
fn block(pieces: &[&[u8]]) -> Found {
    let mut block = HeaderBlock::default();
    let mut pieces = pieces.iter();
    while let Some(piece) = pieces.next() {
        if let Some((head, body)) = block.push(piece)? {
            let rest = [&[&body[..]], pieces.as_slice()].concat().concat();
            return Ok(Some((head, rest.into())));
        }
    }
    Ok(None)
}

/// An answer is one answer, of one length, and nothing of it is made up.
fn check_head(head: &Head, dialect: Dialect, block: &[u8]) {
    assert!(!head.status.is_informational(), "{head:?}");
    let headers = &head.headers;
    for name in HOP_BY_HOP {
        assert!(!headers.contains_key(name), "{head:?}");
    }
    if dialect == Dialect::Parsed {
        assert!(!headers.contains_key("status"), "{head:?}");
        assert!(headers.get_all(header::LOCATION).iter().count() <= 1);
    }
    assert!(headers.get_all(header::CONTENT_TYPE).iter().count() <= 1);
    let lengths: Vec<_> = headers.get_all(header::CONTENT_LENGTH).iter().collect();
    let told = head.length.map(HeaderValue::from);
    assert_eq!(lengths, Vec::from_iter(&told), "{head:?}");
    for (name, value) in headers {
        let value = value.as_bytes();
        let is_there = match name == header::LOCATION && dialect == Dialect::Parsed {
            true => is_encoded_in(block, value),
            false => memmem::find(block, value).is_some(),
        };
        assert!(is_there || name == header::CONTENT_LENGTH, "{head:?}");
    }
}

/// A local redirect is a path, which is not one of another server.
fn check_path(path: &str, dialect: Dialect, block: &[u8]) {
    assert_eq!(dialect, Dialect::Parsed);
    assert!(path.starts_with('/') && !path.starts_with("//"), "{path:?}");
    assert!(!path.contains('#'), "{path:?}");
    assert!(is_encoded_in(block, path.as_bytes()), "{path:?}");
}

/// Whether a block has a location, in which all but ASCII is percent-encoded.
fn is_encoded_in(block: &[u8], location: &[u8]) -> bool {
    let encoded = block.iter().flat_map(|byte| match byte.is_ascii() {
        true => vec![*byte],
        false => format!("%{byte:02X}").into_bytes(),
    });
    memmem::find(&Vec::from_iter(encoded), location).is_some()
}
