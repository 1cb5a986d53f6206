//! GET and HEAD of the terminal page.

use hyper::{
    HeaderMap, Method, Response,
    header::{self, HeaderName},
    http::request::Parts,
};

use super::packed::{DOCUMENT, Packed, SCRIPT, SCRIPT_NAME};
use crate::http::{body::Body, embedded_file::EmbeddedFile, refusal::Refusal};

/// The page runs its own script and opens its own socket; whoever frames it is of the same origin, for what is
/// clicked there is clicked in a terminal.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      connect-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// What the document is sent with.
const OF_DOCUMENT: [(HeaderName, &str); 4] = [
    // It names the script, so each state of it is asked for; its tag keeps that short.
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // For browsers that do not know frame-ancestors.
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    // What it opens, or was opened by, does not see it.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// What the script is sent with: under its name nothing else will ever be.
const OF_SCRIPT: [(HeaderName, &str); 1] =
    [(header::CACHE_CONTROL, "public, max-age=31536000, immutable")];

/// The document, or the script.
///
/// # Errors
/// 404 for a script of another state, 405 for another method than GET and HEAD, 406 for a client that takes it in no
/// coding, 412 for a precondition that does not hold.
pub(in crate::http) fn answer(parts: &Parts) -> Result<Response<Body>, Refusal> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    match parts.uri.query() {
        Some(SCRIPT_NAME) => represent(&parts.headers, &SCRIPT, &OF_SCRIPT),
        // Of a document that was open when this wsd was put in the place of another.
        Some(query) if is_script_name(query) => Err(Refusal::NoPage),
        _ => represent(&parts.headers, &DOCUMENT, &OF_DOCUMENT),
    }
}

/// Whether a query asks for the script.
pub(in crate::http) fn is_for_script(query: Option<&str>) -> bool {
    query == Some(SCRIPT_NAME)
}

fn is_script_name(query: &str) -> bool {
    query.starts_with("terminal-") && query.ends_with(".js")
}

fn represent(
    asked: &HeaderMap,
    file: &Packed,
    fields: &[(HeaderName, &'static str)],
) -> Result<Response<Body>, Refusal> {
    let embedded = EmbeddedFile {
        tag: file.tag,
        content_type: file.content_type,
        fields,
    };
    embedded.represent(asked, |coding| file.in_coding(coding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{Request, StatusCode};

    fn ask(
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        answer(&parts)
    }

    fn field<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
        response.headers().get(name)?.to_str().ok()
    }

    #[test]
    fn document_is_asked_for_again_and_known_by_its_tag() {
        for accepted in ["br, gzip", "gzip", "identity"] {
            let coding = ("accept-encoding", accepted);
            let response = ask(Method::GET, "/?a=b", &[coding]).expect("a document");
            assert_eq!(field(&response, "cache-control"), Some("no-cache"));
            let etag = field(&response, "etag").expect("a tag").to_owned();
            let again =
                ask(Method::GET, "/", &[coding, ("if-none-match", &etag)]).expect("a document");
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(field(&again, "etag"), Some(etag.as_str()));
            assert_eq!(field(&again, "content-security-policy"), Some(POLICY));
        }
    }

    #[test]
    fn codings_have_tags_of_their_own() {
        let etag = |accepted| {
            let response = ask(Method::GET, "/", &[("accept-encoding", accepted)]);
            let response = response.expect("a document");
            field(&response, "etag").expect("a tag").to_owned()
        };
        let tags = ["br", "gzip", "identity"].map(etag);
        assert!(
            tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2],
            "{tags:?}"
        );
    }

    #[test]
    fn script_may_be_kept_for_ever_under_its_name_alone() {
        let name = format!("/a/b?{SCRIPT_NAME}");
        let response = ask(Method::GET, &name, &[("accept-encoding", "br")]).expect("a script");
        let kept = field(&response, "cache-control").expect("a field");
        assert!(kept.contains("immutable"), "{kept}");
        assert_eq!(field(&response, "content-encoding"), Some("br"));
        let other = ask(Method::GET, "/?terminal-0000.js", &[]);
        assert!(matches!(other, Err(Refusal::NoPage)), "{other:?}");
    }

    #[test]
    fn what_is_not_asked_for_rightly_is_refused() {
        let posted = ask(Method::POST, "/", &[]);
        assert!(
            matches!(posted, Err(Refusal::MethodNotAllowed(_))),
            "{posted:?}"
        );
        let never = ask(
            Method::GET,
            "/",
            &[("accept-encoding", "zstd, identity;q=0")],
        );
        assert!(matches!(never, Err(Refusal::NotAcceptable)), "{never:?}");
        let other = ask(Method::GET, "/", &[("if-match", "\"other\"")]);
        assert!(
            matches!(other, Err(Refusal::PreconditionFailed)),
            "{other:?}"
        );
    }
}
