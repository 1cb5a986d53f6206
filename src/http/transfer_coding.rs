//! Transfer codings of a request's body (RFC 9112 §7): chunked alone, once. Whoever passes a request on may read a
//! list of them in another way than we do, and take what follows for another request.

use hyper::header::{self, HeaderMap};

use super::refusal::Refusal;

/// Whether the body is coded in a way that was taken off.
///
/// # Errors
/// 501 for another coding than chunked, and for more than one.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_right = match (values.next(), values.next()) {
        (None, _) => true,
        (Some(value), None) => value.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    match is_right {
        true => Ok(()),
        false => Err(Refusal::TransferCoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_alone_is_taken_and_once() {
        for (values, expected) in [
            (&[][..], true),
            (&["chunked"], true),
            (&["Chunked"], true),
            (&["gzip, chunked"], false),
            (&["chunked, chunked"], false),
            (&["chunked", "chunked"], false),
            (&["gzip"], false),
            (&["identity, chunked"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::TRANSFER_ENCODING, value.parse().expect("a value"));
            }
            assert_eq!(check(&headers).is_ok(), expected, "{values:?}");
        }
    }
}
