//! Accept: whether a client wants a page, as browsers do whose user looks at it (RFC 9110 §12.5.1); pure.

use hyper::{HeaderMap, header};

use crate::http::fields::weighted_elements;

/// Whether HTML is named, and wanted no less than plain text. `*/*`, which curl and scripts of pages send, names
/// nothing.
pub(in crate::http) fn is_wanted(headers: &HeaderMap) -> bool {
    let weight = |kind: &str| {
        let mut ranges = weighted_elements(headers, &header::ACCEPT);
        ranges.find_map(|(range, weight)| range.eq_ignore_ascii_case(kind).then_some(weight))
    };
    let html = weight("text/html").unwrap_or(0);
    html > 0 && html >= weight("text/plain").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_for_who_names_it() {
        for (accept, expected) in [
            (None, false),
            (Some("*/*"), false),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
            (Some("TEXT/HTML;q=0.1"), true),
            (Some("text/html;q=0, */*"), false),
            (Some("text/plain, text/html;q=0.9"), false),
            (Some("text/plain;q=0.5, text/html;q=0.5"), true),
            (Some("text/event-stream"), false),
            (Some("application/json, text/plain, */*"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().expect("a value"));
            }
            assert_eq!(is_wanted(&headers), expected, "{accept:?}");
        }
    }
}
