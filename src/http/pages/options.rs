//! OPTIONS: which methods are answered (RFC 9110 §9.3.7). Health checks of load balancers ask so.

use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};

use crate::http::{
    body::{Body, empty},
    refusal::Refusal,
};

/// 204, with these methods.
///
/// # Errors
/// None.
pub(in crate::http) fn answer(methods: &'static str) -> Result<Response<Body>, Refusal> {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    Ok(response)
}
