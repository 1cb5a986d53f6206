//! GET and HEAD of the client script.

use hyper::{
    Method, Response,
    header::{self, HeaderName},
    http::request::Parts,
};

use super::script::ClientScript;
use crate::http::{body::Body, embedded_file::EmbeddedFile, refusal::Refusal};

/// What it is sent with.
const FIELDS: [(HeaderName, &str); 3] = [
    // Another wsd may have another; the tag keeps asking short.
    (header::CACHE_CONTROL, "no-cache"),
    // A module of another origin is for its page only if its server says so; a classic script is, unless the page says that
    // its server has to.
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "cross-origin",
    ),
];

/// The script in one of its forms.
///
/// # Errors
/// 405 for another method than GET and HEAD; those of [`EmbeddedFile::represent`].
pub(in crate::http::pages) fn answer(
    parts: &Parts,
    script: ClientScript,
) -> Result<Response<Body>, Refusal> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    let built = script.built();
    let file = EmbeddedFile {
        tag: &built.tag,
        content_type: "text/javascript; charset=utf-8",
        fields: &FIELDS,
    };
    file.represent(&parts.headers, |coding| built.in_coding(coding))
}
