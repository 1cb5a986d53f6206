//! Logging out: browsers have no way to forget a password but a 401.

use hyper::{Method, Response, header};

use crate::http::{
    access::{clear_cookie, is_embedded},
    body::Body,
    html,
    refusal::{Challenges, Refusal},
    refusal_page::RefusalPage,
    request::ClientRequest,
};

/// Takes the cookie from the browser, and asks for a password anew; not for a part of another site's page, which might
/// log out whoever looks at it.
///
/// # Errors
/// 405 for another method than GET and HEAD.
pub(super) fn answer(request: ClientRequest<'_>) -> Result<Response<Body>, Refusal> {
    let parts = request.parts;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    // With a GET of its own page no browser sends Origin (Fetch standard, "append a request Origin header").
    let is_own = !is_embedded(&parts.headers) && !parts.headers.contains_key(header::ORIGIN);
    let challenges = Challenges {
        basic: is_own,
        bearer: false,
    };
    let page = html::is_wanted(&parts.headers).then(RefusalPage::default);
    let refusal = Refusal::LoggedOut(challenges);
    let mut response = refusal.into_response(parts.version, page.as_ref());
    let cookie = clear_cookie(request.connection, request.host).filter(|_| is_own);
    let headers = response.headers_mut();
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    Ok(response)
}
