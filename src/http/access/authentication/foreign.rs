//! Pages of others, where there is a login: browsers send passwords and certificates that they know with foreign forms,
//! too (Fetch standard; "cross-site request forgery").

use hyper::{
    Method,
    header::{self, HeaderMap},
};

use super::asking::Asking;
use crate::http::{access::origin::Origins, refusal::Refusal};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum AskedKind {
    WebSocket,
    Plain,
}

/// Whether a page may have its browser ask for something, be it by a WebSocket or by a form.
///
/// # Errors
/// 403 for a page of another origin: what it asks by a method that changes things, whoever answers, or by a WebSocket.
pub(in crate::http) fn check_foreign_page(
    origins: &Origins,
    asking: &Asking<'_>,
    kind: AskedKind,
) -> Result<(), Refusal> {
    let Asking {
        request,
        host,
        connection,
        ..
    } = asking;
    let headers = &request.headers;
    let is_plain = kind == AskedKind::Plain;
    if is_plain && matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if headers.contains_key(header::ORIGIN) {
        return origins.check_with_login(headers, *host, connection.is_https());
    }
    match fetch_site(headers) {
        Some(b"cross-site" | b"same-site") if is_plain => Err(Refusal::ForeignSite),
        _ => Ok(()),
    }
}

/// Whether a page of another site has its browser ask for a part of itself: a picture, a frame, a script. That its user
/// goes to another page is no such thing.
pub(in crate::http) fn is_embedded(headers: &HeaderMap) -> bool {
    let value = |name| headers.get(name).map(|value| value.as_bytes());
    let goes_there = match value("sec-fetch-dest") {
        Some(destination) => destination == b"document",
        None => value("sec-fetch-mode") == Some(b"navigate"),
    };
    fetch_site(headers) == Some(b"cross-site") && !goes_there
}

/// Whether the page that has its browser ask has said which it is, and is none of those that may.
pub(in crate::http) fn is_of_foreign_origin(origins: &Origins, asking: &Asking<'_>) -> bool {
    let is_https = asking.connection.is_https();
    let checked = origins.check_with_login(&asking.request.headers, asking.host, is_https);
    checked.is_err()
}

/// What a browser says of the page that has it ask (Fetch Metadata §2.3).
pub(in crate::http) fn fetch_site(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("sec-fetch-site").map(|value| value.as_bytes())
}
