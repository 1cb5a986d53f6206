//! GET and HEAD of the console's page.

use hyper::{
    Method, Response,
    header::{self, HeaderValue},
};

use crate::http::{
    body::{Body, body_from},
    refusal::Refusal,
};

/// Files of `page/`, and the style that all pages have, in the order in which a browser reads them.
const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>\n",
    include_str!("../../html/style.css"),
    include_str!("page/console.css"),
    "</style>\n",
    include_str!("page/body.html"),
    "<script type=\"text/plain\" id=\"worker\">\n",
    include_str!("page/worker.js"),
    "</script>\n<script>\n\"use strict\";\n",
    include_str!("page/text.js"),
    include_str!("page/rows.js"),
    include_str!("page/view.js"),
    include_str!("page/save.js"),
    include_str!("page/feed.js"),
    include_str!("page/session.js"),
    include_str!("page/composer.js"),
    include_str!("page/main.js"),
    "</script>\n</body>\n</html>\n",
);

/// The page needs nothing from anywhere, and may do nothing but connect, in a thread that it makes of its own text.
/// `'self'` does not cover ws: in every browser.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self' ws: wss:; img-src data:; worker-src blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The page.
///
/// # Errors
/// 405 for another method than GET and HEAD.
pub(in crate::http) fn page(method: &Method) -> Result<Response<Body>, Refusal> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    let mut response = Response::new(body_from(PAGE));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
