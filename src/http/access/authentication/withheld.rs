//! What of a request is not for programs to see: credentials that wsd has checked, and its own cookie.

use std::borrow::Cow;

use hyper::{
    header::{self, HeaderMap, HeaderValue},
    http::request::Parts,
};

use super::{
    cookie::is_own_name,
    credentials::{remove_query_tokens, remove_subprotocol_tokens},
    rule::Authentication,
};
use crate::masked::mask_tokens;

/// A request without what programs are not to see; `None` if there is nothing of it.
pub(in crate::http) fn withhold(
    request: &Parts,
    authentication: Option<&Authentication>,
    has_cookies: bool,
) -> Option<Withheld> {
    let schemes = authentication.map(Authentication::schemes);
    let has_authorization = schemes.is_some_and(|schemes| schemes.claims(&request.headers));
    let has_tokens = schemes.is_some_and(|schemes| schemes.bearer);
    let cookies = has_cookies
        .then(|| other_cookies(&request.headers))
        .flatten();
    if !has_authorization && !has_tokens && cookies.is_none() {
        return None;
    }
    let mut shown = Box::new(request.clone());
    let headers = &mut shown.headers;
    if has_authorization {
        headers.remove(header::AUTHORIZATION);
    }
    if let Some(cookies) = cookies {
        headers.remove(header::COOKIE);
        for value in cookies {
            headers.append(header::COOKIE, value);
        }
    }
    let has_offered = has_tokens && remove_subprotocol_tokens(headers);
    if has_tokens {
        mask_referer(headers);
    }
    let had_in_url = has_tokens && remove_query_tokens(&mut shown);
    Some(Withheld {
        shown,
        has_offered,
        had_in_url,
    })
}

/// Masks tokens in the URL of the page that has led here.
fn mask_referer(headers: &mut HeaderMap) {
    let masked = headers.get(header::REFERER).and_then(|referer| {
        let text = String::from_utf8_lossy(referer.as_bytes());
        match mask_tokens(&text) {
            Cow::Borrowed(_) => None,
            // What was a header's value still is.
            Cow::Owned(masked) => HeaderValue::try_from(masked).ok(),
        }
    });
    if let Some(masked) = masked {
        headers.insert(header::REFERER, masked);
    }
}

/// A request as programs see it.
#[derive(Debug)]
pub(in crate::http) struct Withheld {
    pub(in crate::http) shown: Box<Parts>,
    /// Whether a token was offered as a subprotocol.
    pub(in crate::http) has_offered: bool,
    /// Whether a token was in the URL.
    pub(in crate::http) had_in_url: bool,
}

/// The lines of Cookie without our own; `None` if none is ours.
fn other_cookies(headers: &HeaderMap) -> Option<Vec<HeaderValue>> {
    let is_own = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        str::from_utf8(name.trim_ascii()).is_ok_and(is_own_name)
    };
    let lines = || headers.get_all(header::COOKIE).iter();
    let pairs = |line: &HeaderValue| -> Vec<Vec<u8>> {
        let pairs = line.as_bytes().split(|byte| *byte == b';');
        pairs.map(|pair| pair.trim_ascii().to_owned()).collect()
    };
    if !lines().flat_map(pairs).any(|pair| is_own(&pair)) {
        return None;
    }
    let left = lines().filter_map(|line| {
        let left: Vec<_> = pairs(line)
            .into_iter()
            .filter(|pair| !is_own(pair))
            .collect();
        HeaderValue::from_bytes(&left.join(&b"; "[..])).ok()
    });
    Some(left.filter(|line| !line.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn cookies_shown(cookies: &[&str]) -> Option<Vec<String>> {
        let mut request = Request::builder();
        for cookie in cookies {
            request = request.header(header::COOKIE, *cookie);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let shown = withhold(&parts, None, true)?.shown;
        let values = shown.headers.get_all(header::COOKIE).iter();
        Some(
            values
                .map(|value| value.to_str().expect("text").to_owned())
                .collect(),
        )
    }

    #[test]
    fn own_cookie_of_any_port_is_taken_out_and_no_other() {
        let shown = |values: &[&str]| Some(values.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(
            cookies_shown(&["a=b; wsd-8080=x; c=d"]),
            shown(&["a=b; c=d"])
        );
        assert_eq!(cookies_shown(&["__Host-wsd-443=x"]), shown(&[]));
        assert_eq!(cookies_shown(&["wsd-1=x", "a=b"]), shown(&["a=b"]));
        for others in ["a=b", "wsd-=x", "wsd-x=y", "xwsd-1=y", "a=wsd-1=x"] {
            assert_eq!(cookies_shown(&[others]), None, "{others}");
        }
    }
}
