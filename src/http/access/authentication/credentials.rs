//! Credentials as a request carries them: in Authorization (RFC 7617, RFC 6750), as a subprotocol, in its query; pure.

use std::borrow::Cow;

use data_encoding::BASE64;
use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
    http::request::Parts,
};

use crate::{
    http::{fields::list_elements, request_head::rewrite_target},
    percent::unescaped,
};

/// What a token's subprotocol begins with.
const SUBPROTOCOL: &str = "bearer.";
/// The name of a token in a query (RFC 6750 §2.3).
const QUERY_NAME: &[u8] = b"access_token";

/// What Authorization says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    /// Nothing, or something of another scheme.
    Missing,
    Basic {
        name: String,
        password: Vec<u8>,
    },
    Bearer(Vec<u8>),
    /// It is there, and cannot be read, or stands twice.
    Malformed,
}

/// The schemes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schemes {
    pub(super) basic: bool,
    pub(super) bearer: bool,
}

impl Schemes {
    /// Reads the field, where it is of one of these schemes.
    pub(super) fn read(self, headers: &HeaderMap) -> Authorization {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => self.parse(value),
            (None, _) => Authorization::Missing,
            (Some(_), Some(_)) if self.claims(headers) => Authorization::Malformed,
            (Some(_), Some(_)) => Authorization::Missing,
        }
    }

    /// Whether the field is of one of these schemes, and so not for programs to see.
    pub(super) fn claims(self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        values.any(|value| self.parse(value) != Authorization::Missing)
    }

    fn parse(self, value: &HeaderValue) -> Authorization {
        let value = value.as_bytes().trim_ascii();
        let end = value
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        let rest = rest.trim_ascii();
        if self.basic && scheme.eq_ignore_ascii_case(b"basic") {
            return basic(rest).unwrap_or(Authorization::Malformed);
        }
        if self.bearer && scheme.eq_ignore_ascii_case(b"bearer") {
            return match rest {
                [] => Authorization::Malformed,
                token => Authorization::Bearer(token.to_owned()),
            };
        }
        Authorization::Missing
    }
}

fn basic(encoded: &[u8]) -> Option<Authorization> {
    let pair = BASE64.decode(encoded).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(Authorization::Basic {
        // What is not UTF-8 is nobody's name.
        name: String::from_utf8_lossy(&pair[..colon]).into_owned(),
        password: pair[colon + 1..].to_owned(),
    })
}

/// The tokens among the subprotocols that are offered.
pub(super) fn subprotocol_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let offers = list_elements(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    offers.filter_map(|offer| offer.strip_prefix(SUBPROTOCOL))
}

/// Takes the tokens from the subprotocols that are offered: whether there were any.
pub(super) fn remove_subprotocol_tokens(headers: &mut HeaderMap) -> bool {
    if subprotocol_tokens(headers).next().is_none() {
        return false;
    }
    let offers = list_elements(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    let others: Vec<_> = offers
        .filter(|offer| !offer.starts_with(SUBPROTOCOL))
        .collect();
    let others = HeaderValue::try_from(others.join(", ")).ok();
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
    if let Some(others) = others.filter(|others| !others.is_empty()) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, others);
    }
    true
}

/// A token that was in the query of a request, in whose place another has come here.
#[derive(Debug, Clone)]
pub(in crate::http) struct QueryToken(Vec<Vec<u8>>);

/// Keeps the token of a query for the request that is to be answered in its place.
pub(in crate::http) fn keep_query_token(request: &mut Parts) {
    let tokens = in_query(request.uri.query().unwrap_or_default());
    if !tokens.is_empty() {
        request.extensions.insert(QueryToken(tokens));
    }
}

/// The tokens in the query, decoded.
pub(super) fn query_tokens(request: &Parts) -> Vec<Vec<u8>> {
    let own = in_query(request.uri.query().unwrap_or_default());
    match request.extensions.get() {
        Some(QueryToken(tokens)) if own.is_empty() => tokens.clone(),
        _ => own,
    }
}

fn in_query(query: &str) -> Vec<Vec<u8>> {
    let values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        is_token_name(name.as_bytes()).then(|| unescaped(value))
    });
    values.collect()
}

fn is_token_name(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| *unescaped(name) == *QUERY_NAME)
}

/// Path and query without the tokens in the query; the same if there are none.
pub(in crate::http) fn without_query_token(target: &[u8]) -> Cow<'_, [u8]> {
    let Some(mark) = target.iter().position(|byte| *byte == b'?') else {
        return Cow::Borrowed(target);
    };
    let (path, query) = (&target[..mark], &target[mark + 1..]);
    let is_token = |pair: &&[u8]| {
        let end = pair.iter().position(|byte| *byte == b'=');
        is_token_name(&pair[..end.unwrap_or(pair.len())])
    };
    let pairs = || query.split(|byte| *byte == b'&');
    if !pairs().any(|pair| is_token(&pair)) {
        return Cow::Borrowed(target);
    }
    let others: Vec<&[u8]> = pairs().filter(|pair| !is_token(pair)).collect();
    let mut shown = path.to_owned();
    if !others.is_empty() {
        shown.push(b'?');
        shown.extend(others.join(&b'&'));
    }
    Cow::Owned(shown)
}

/// Takes the tokens from a request's target: whether there were any.
pub(super) fn remove_query_tokens(request: &mut Parts) -> bool {
    let target = request.uri.path_and_query();
    let target = target.map_or("", |target| target.as_str());
    if let Cow::Borrowed(_) = without_query_token(target.as_bytes()) {
        return false;
    }
    rewrite_target(request, |target| without_query_token(target).into_owned());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{Request, Uri, header::HeaderName};

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        let value = |value: &&str| HeaderValue::from_str(value).expect("a value");
        values
            .iter()
            .map(|text| (name.clone(), value(text)))
            .collect()
    }

    const BOTH: Schemes = Schemes {
        basic: true,
        bearer: true,
    };

    fn read(values: &[&str]) -> Authorization {
        BOTH.read(&headers(header::AUTHORIZATION, values))
    }

    fn basic_of(name: &str, password: &str) -> Authorization {
        Authorization::Basic {
            name: name.to_owned(),
            password: password.as_bytes().to_owned(),
        }
    }

    #[test]
    fn credentials_are_read_as_the_rfcs_write_them() {
        for value in [
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ== ",
        ] {
            assert_eq!(read(&[value]), basic_of("Aladdin", "open sesame"));
        }
        assert_eq!(read(&["Basic dGVzdDoxMjPCow=="]), basic_of("test", "123£"));
        assert_eq!(read(&["Basic YTpiOmM="]), basic_of("a", "b:c"));
        assert_eq!(
            read(&["bearer a.b-c"]),
            Authorization::Bearer(b"a.b-c".to_vec())
        );
        for other in [&["Digest x"][..], &[], &["Digest x", "Negotiate y"]] {
            assert_eq!(read(other), Authorization::Missing, "{other:?}");
        }
        for malformed in [
            &["Basic"][..],
            &["Basic ???"],
            &["Basic YQ=="],
            &["Bearer"],
            &["Basic YTpi", "Basic YTpi"],
            &["Digest x", "Bearer y"],
        ] {
            assert_eq!(read(malformed), Authorization::Malformed, "{malformed:?}");
        }
        let none = Schemes {
            basic: false,
            bearer: false,
        };
        let basic = headers(header::AUTHORIZATION, &["Basic YTpi"]);
        assert_eq!(none.read(&basic), Authorization::Missing);
    }

    #[test]
    fn tokens_are_taken_out_of_offers() {
        for (values, tokens, left) in [
            (&["bearer.x, chat"][..], &["x"][..], Some("chat")),
            (&["a", "bearer.x,bearer.y", "b"], &["x", "y"], Some("a, b")),
            (&["bearer.x"], &["x"], None),
            (&["chat, Bearer.x"], &[], Some("chat, Bearer.x")),
        ] {
            let mut headers = headers(header::SEC_WEBSOCKET_PROTOCOL, values);
            let found: Vec<_> = subprotocol_tokens(&headers).map(str::to_owned).collect();
            assert_eq!(found, tokens);
            assert_eq!(remove_subprotocol_tokens(&mut headers), !tokens.is_empty());
            let shown = headers.get(header::SEC_WEBSOCKET_PROTOCOL);
            assert_eq!(shown.and_then(|value| value.to_str().ok()), left);
        }
    }

    #[test]
    fn tokens_are_taken_out_of_targets() {
        for (target, tokens, left) in [
            ("/a?access_token=x", &["x"][..], "/a"),
            ("/a?b=c&access_token=x%2By&d", &["x+y"], "/a?b=c&d"),
            ("/?access%5Ftoken=x&access_token", &["x", ""], "/"),
            (
                "/access_token=x?Access_token=y",
                &[],
                "/access_token=x?Access_token=y",
            ),
            ("/a?", &[], "/a?"),
        ] {
            let request = Request::builder().uri(target).body(()).expect(target);
            let (mut parts, ()) = request.into_parts();
            let found = query_tokens(&parts);
            let found: Vec<_> = found
                .iter()
                .map(|token| String::from_utf8_lossy(token))
                .collect();
            assert_eq!(found, tokens);
            assert_eq!(remove_query_tokens(&mut parts), !tokens.is_empty());
            assert_eq!(parts.uri.to_string(), left);
            assert_eq!(*without_query_token(target.as_bytes()), *left.as_bytes());
        }
    }

    #[test]
    fn token_of_a_query_goes_on_with_what_is_answered_in_its_place() {
        let request = Request::builder()
            .uri("/a?access_token=x")
            .body(())
            .expect("a request");
        let (mut parts, ()) = request.into_parts();
        keep_query_token(&mut parts);
        parts.uri = Uri::from_static("/b");
        assert_eq!(query_tokens(&parts), [b"x"]);
        parts.uri = Uri::from_static("/b?access_token=y");
        assert_eq!(query_tokens(&parts), [b"y"]);
    }
}
