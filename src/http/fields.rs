//! Values of header fields: lists and tokens (RFC 9110 §5.6); pure.

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};

/// The elements of a comma-separated field, of all its lines (RFC 9110 §5.6.1); what is not ASCII is
/// one element that matches nothing.
pub(super) fn list_elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("\u{fffd}").split(','))
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
}

/// Whether a text is a token (RFC 9110 §5.6.2).
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether a byte may stand in a token (RFC 9110 §5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The values of a cookie (RFC 6265 §4.2.1).
pub(super) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = String> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let pair = String::from_utf8_lossy(pair);
        let (own, value) = pair.split_once('=')?;
        let value = value.trim();
        let quoted = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        (own.trim() == name).then(|| quoted.unwrap_or(value).to_owned())
    })
}
