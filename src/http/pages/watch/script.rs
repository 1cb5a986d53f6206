//! GET and HEAD of the script.

use hyper::{
    Method, Response,
    header::{self, HeaderName, HeaderValue},
};

use crate::http::{
    access::Origins,
    body::{Body, body_from},
    plain,
    refusal::Refusal,
    request::ClientRequest,
};

const SCRIPT: &str = include_str!("script.js");

/// The script.
///
/// # Errors
/// Those of [`check`].
pub(in crate::http) fn answer(request: ClientRequest<'_>) -> Result<Response<Body>, Refusal> {
    check(request)?;
    let mut response = Response::new(body_from(SCRIPT));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Whether a page of our own asks, or nobody's.
///
/// # Errors
/// 405 for another method than GET and HEAD, 403 for a page of another origin, whatever others may do here.
pub(super) fn check(request: ClientRequest<'_>) -> Result<(), Refusal> {
    let parts = request.parts;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    let checked = plain::check_origin(&Origins::default(), &parts.headers, request.host);
    // Its own reason names what would let it in elsewhere.
    checked.map_err(|_| Refusal::Forbidden("this is for pages of this server alone".to_owned()))
}
