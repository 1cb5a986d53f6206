//! The frame of a page: it needs nothing from anywhere, and may do nothing.

use super::escape::escape;

/// A page has a style, and nothing to run or to load.
pub(in crate::http) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                                          form-action 'none'; frame-ancestors 'none'";

/// What all pages look alike by.
const STYLE: &str = include_str!("style.css");

const PAGE_STYLE: &str = include_str!("page.css");

/// A page of this title, which is text, and this content, which is markup.
pub(in crate::http) fn page(title: &str, content: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{PAGE_STYLE}</style>\n</head>\n<body>\n<main>\n{content}</main>\n\
         </body>\n</html>\n"
    )
}
