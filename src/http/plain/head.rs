//! Heads of the answers of sessions: [`dress`].

use hyper::{
    Response,
    header::{self, HeaderName, HeaderValue},
};

use crate::http::{
    body::Body, lasting::Lasting, response_headers::forbid_sniffing, route_options::RouteOptions,
};

/// Keeps a proxy (nginx) from gathering what is said at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Gives an answer of a session, which may last, its head.
pub(super) fn dress(response: &mut Response<Body>, kind: HeaderValue, options: &RouteOptions) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response.extensions_mut().insert(Lasting);
    dress_any(response, options);
}

/// Gives an answer that says nothing its head.
pub(super) fn dress_any(response: &mut Response<Body>, options: &RouteOptions) {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    forbid_sniffing(response.headers_mut());
    options.headers.add_to(response);
}
