//! Whose pages may open a session without a WebSocket, and read it (Fetch §3.2, RFC 6454 §7).

use std::net::Ipv4Addr;

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use super::session_name::LAST_EVENT_ID;
use crate::http::{
    access::{Authority, Origins, fetch_site, is_loopback_name},
    answer_fields::AnswerFields,
    body::{Body, empty},
    fields::list_elements,
    refusal::Refusal,
    request::ClientRequest,
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

/// The same behind scripts that have not answered, where it is not checked before; and as where browsers send along who
/// their user is, if that was asked.
///
/// # Errors
/// 403.
pub(in crate::http) fn check_origin_behind_scripts(
    origins: &Origins,
    request: ClientRequest<'_>,
) -> Result<(), Refusal> {
    let headers = &request.parts.headers;
    if request.client.is_some() {
        origins.check_with_login(headers, request.host, request.connection.is_https())?;
    }
    check_origin(origins, headers, request.host)
}

/// Whether a request that has passed that check may start something. By plain HTTP to another address a browser tells
/// of a foreign page's GET neither its origin nor that it is foreign (Fetch Metadata §2); a POST always has an Origin.
///
/// # Errors
/// 403.
pub(in crate::http) fn check_start(request: ClientRequest<'_>) -> Result<(), Refusal> {
    let headers = &request.parts.headers;
    let is_own = || headers.contains_key(header::ORIGIN) || fetch_site(headers).is_some();
    let is_local = || request.host.is_some_and(|host| is_loopback(&host.name));
    let is_told = request.parts.method != Method::GET || request.connection.is_https();
    match is_told || is_own() || is_local() {
        true => Ok(()),
        false => Err(Refusal::UnnamedPage),
    }
}

/// Whether browsers take a host for this machine itself, and tell it what they tell by TLS (Secure Contexts §3.1).
fn is_loopback(host: &str) -> bool {
    let is_loopback_address = |address: Ipv4Addr| address.is_loopback();
    is_loopback_name(host) || host.parse().is_ok_and(is_loopback_address)
}

/// Lets the page that asks read the answer, with its cookies if it is one that `--origin` names. To be called for who
/// has passed the check.
pub(in crate::http) fn allow_reading(
    origins: &Origins,
    asked: &HeaderMap,
    fields: &mut AnswerFields,
) {
    fields.extend(header::VARY, Some(HeaderValue::from_static("Origin")));
    for (name, value) in reading(origins, asked) {
        fields.extend(name, Some(value));
    }
}

fn reading(origins: &Origins, asked: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return Vec::new();
    };
    let mut fields = vec![
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After"),
        ),
    ];
    if origins.names(origin) {
        let yes = HeaderValue::from_static("true");
        fields.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes));
    }
    fields
}

/// What a page that may open sessions here is told that asks what it may ask with (Fetch standard, "CORS-preflight
/// request").
pub(in crate::http) fn preflight(origins: &Origins, request: &Parts) -> Response<Body> {
    let asked = &request.headers;
    let is_named = asked
        .get(header::ORIGIN)
        .is_some_and(|origin| origins.names(origin));
    let may_send = |name: &HeaderName| {
        [header::CONTENT_TYPE, LAST_EVENT_ID].contains(name)
            || *name == header::AUTHORIZATION && is_named
    };
    let headers = list_elements(asked, &header::ACCESS_CONTROL_REQUEST_HEADERS)
        .filter_map(|name| name.parse().ok())
        .filter(may_send)
        .map(|name| name.to_string());
    let headers = headers.collect::<Vec<_>>().join(", ");
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    answer.extend(reading(origins, asked));
    let methods = HeaderValue::from_static("GET, POST, PUT");
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let two_hours = HeaderValue::from_static("7200");
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, two_hours);
    let headers = HeaderValue::try_from(headers).ok();
    let headers = headers.filter(|headers| !headers.is_empty());
    answer.extend(headers.map(|headers| (header::ACCESS_CONTROL_ALLOW_HEADERS, headers)));
    response
}
