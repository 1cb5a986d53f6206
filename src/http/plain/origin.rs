//! Whose pages may open a session without a WebSocket, and read it (Fetch §3.2, RFC 6454 §7).

use hyper::{
    HeaderMap, Response,
    header::{self, HeaderName, HeaderValue},
};

use crate::http::{
    access::{Authority, Origins},
    body::Body,
    refusal::Refusal,
};

/// Which pages a browser sends a request for, where it says so (Fetch Metadata §2.3).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page may open a session: as for a WebSocket; and who names no origin must not be a page of another site,
/// of which a browser tells all the same.
///
/// # Errors
/// 403.
pub(in crate::http) fn check_origin(
    origins: &Origins,
    headers: &HeaderMap,
    host: Option<&Authority>,
) -> Result<(), Refusal> {
    origins.check(headers, host)?;
    let is_nameless = !headers.contains_key(header::ORIGIN);
    match headers.get(SEC_FETCH_SITE).filter(|_| is_nameless) {
        Some(site) if site != "same-origin" && site != "none" => Err(Refusal::ForeignPage),
        _ => Ok(()),
    }
}

/// Lets the page that asks read the answer, with its cookies if it is one that `--origin` names. To be called for who
/// has passed the check.
pub(in crate::http) fn allow_reading(
    origins: &Origins,
    asked: &HeaderMap,
    response: &mut Response<Body>,
) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if origins.names(origin) {
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
}
