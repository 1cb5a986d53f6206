//! Whose pages may open a session without a WebSocket, and read it (Fetch §3.2, RFC 6454 §7).

use hyper::{
    HeaderMap, Response,
    header::{self, HeaderValue},
};

use crate::http::{
    access::{Authority, Origins, fetch_site},
    body::Body,
    refusal::Refusal,
};

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
    match fetch_site(headers) {
        Some(b"same-origin" | b"none") | None => Ok(()),
        Some(_) if headers.contains_key(header::ORIGIN) => Ok(()),
        Some(_) => Err(Refusal::ForeignSite),
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
