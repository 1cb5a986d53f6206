//! Values of header fields: lists and tokens (RFC 9110 §5.6); pure.

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};

/// The elements of a comma-separated field, of all its lines (RFC 9110 §5.6.1); what is not ASCII is
/// one element that matches nothing.
pub fn list_elements<'a>(
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

/// How much an element of a list is wanted: tenths of the header's thousandths, 0 is not at all.
pub(super) type Weight = u16;
const ONE: Weight = 10_000;

/// The elements of a list in which each may say how much it is wanted (RFC 9110 §12.4.2), without that. Malformed ones
/// are left out.
pub(super) fn weighted_elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = (&'a str, Weight)> {
    list_elements(headers, name).filter_map(weighted)
}

fn weighted(element: &str) -> Option<(&str, Weight)> {
    let mut pieces = element.split(';').map(str::trim);
    let name = pieces.next().filter(|name| !name.is_empty())?;
    let weight = match pieces.next() {
        None => ONE,
        Some(parameter) => {
            let (q, value) = parameter.split_once('=')?;
            q.eq_ignore_ascii_case("q").then(|| quality(value))??
        }
    };
    Some((name, weight))
}

/// `0`, `1`, and up to three digits between (RFC 9110 §12.4.2).
fn quality(text: &str) -> Option<Weight> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: Weight = format!("{part:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths * 10),
        "1" if thousandths == 0 => Some(ONE),
        _ => None,
    }
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
