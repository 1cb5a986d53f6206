//! Local redirects (RFC 3875 §6.2.2): a script's answer that has another path of this server answer.

use std::borrow::Cow;

use hyper::{Method, header, http::request::Parts};

use crate::http::{refusal::Refusal, request_head::RawTarget, url_path::UrlPath};

/// Local redirects of one request; a script that needs more is in a loop.
pub(in crate::http) const MAX_REDIRECTS: usize = 10;

/// Makes of a request the GET that a script has asked to be answered in its place, without a body. `prefix` is where a
/// proxy has the site: it leads SCRIPT_NAME, and so the paths that scripts make of that.
///
/// # Errors
/// 502 for what is no path of this server.
pub(in crate::http) fn redirect(
    request: &mut Parts,
    target: &str,
    prefix: &str,
) -> Result<(), Refusal> {
    let bad = || Refusal::BadScript("its Location is not a path of this server".to_owned());
    let target = without_prefix(target, prefix).parse().map_err(|_| bad())?;
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

/// The path here of a path that clients know. One that does not begin with the prefix, whole segments, is here already.
fn without_prefix<'a>(target: &'a str, prefix: &str) -> Cow<'a, str> {
    match target.strip_prefix(prefix) {
        Some(rest) if rest.starts_with('/') => rest.into(),
        Some(rest) if rest.is_empty() || rest.starts_with('?') => format!("/{rest}").into(),
        _ => target.into(),
    }
}

/// What becomes of a request that is sent on once too often.
pub(in crate::http) fn too_many() -> Refusal {
    Refusal::BadScript(format!(
        "there were more than {MAX_REDIRECTS} local redirects"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_taken_off_whole_segments() {
        for (target, prefix, here) in [
            ("/x?y", "", "/x?y"),
            ("/app/x?y", "/app", "/x?y"),
            ("/app", "/app", "/"),
            ("/app?y", "/app", "/?y"),
            ("/app/", "/app", "/"),
            ("/apple", "/app", "/apple"),
            ("/x/app/", "/app", "/x/app/"),
            ("/app/app/x", "/app", "/app/x"),
        ] {
            assert_eq!(without_prefix(target, prefix), here, "{target} {prefix}");
        }
    }
}
