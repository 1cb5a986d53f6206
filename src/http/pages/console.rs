//! The developer console: one page, embedded in the binary, that connects to the server it came from.

use hyper::{
    Method, Response,
    header::{self, HeaderValue},
};

use crate::http::{
    body::{Body, body_from},
    refusal::Refusal,
};

const PAGE: &str = include_str!("console.html");

/// The page needs nothing from anywhere, and may do nothing but connect. `'self'` does not cover ws:
/// in every browser.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self' ws: wss:; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The page.
///
/// # Errors
/// 405 for another method than GET and HEAD.
pub(in crate::http) fn page(method: &Method) -> Result<Response<Body>, Refusal> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    let mut response = Response::new(body_from(PAGE));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
