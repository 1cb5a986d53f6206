//! Local redirects (RFC 3875 §6.2.2): a script's answer that has another path of this server answer.

use hyper::{Method, header, http::request::Parts};

use crate::http::{refusal::Refusal, request_head::RawTarget, url_path::UrlPath};

/// Local redirects of one request; a script that needs more is in a loop.
pub(in crate::http) const MAX_REDIRECTS: usize = 10;

/// Makes of a request the GET that a script has asked to be answered in its place, without a body.
///
/// # Errors
/// 502 for what is no path of this server.
pub(in crate::http) fn redirect(request: &mut Parts, target: &str) -> Result<(), Refusal> {
    let bad = || Refusal::BadScript("its Location is not a path of this server".to_owned());
    let target = target.parse().map_err(|_| bad())?;
    let earlier = std::mem::replace(&mut request.uri, target);
    request.extensions.remove::<RawTarget>();
    UrlPath::decode(request.uri.path()).map_err(|_| bad())?;
    let authority = earlier.authority().map(|authority| authority.as_str());
    if let Some(Ok(host)) = authority.map(header::HeaderValue::from_str) {
        // A target with a host of its own overrides the header (RFC 9112 §3.2.2), also for what answers now.
        request.headers.insert(header::HOST, host);
    }
    if request.method != Method::HEAD {
        request.method = Method::GET;
    }
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::TRANSFER_ENCODING,
    ] {
        request.headers.remove(name);
    }
    Ok(())
}

/// What becomes of a request that is sent on once too often.
pub(in crate::http) fn too_many() -> Refusal {
    Refusal::BadScript(format!(
        "there were more than {MAX_REDIRECTS} local redirects"
    ))
}
