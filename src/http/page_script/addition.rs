//! Which answers are pages, and how the script is added to one: [`PageScript`].

use hyper::{
    HeaderMap, Method, Response,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    encoding::PageEncoding,
    followed_body::{Addition, FollowedBody},
};
use crate::http::body::Body;

/// Where the script is.
pub(in crate::http) const SCRIPT_PATH: &str = "/.well-known/wsd-watch.js";
/// Where it is told of changes; the script finds it beside itself.
pub(in crate::http) const STREAM_PATH: &str = "/.well-known/wsd-watch";

/// What tells of the bytes of a page as it was without the script.
const OF_THE_BYTES: [HeaderName; 7] = [
    header::ETAG,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// The script of one page.
#[derive(Debug)]
pub(in crate::http) struct PageScript(String);

impl PageScript {
    /// For a page that a proxy has beneath a path, or at the top, of a state of the site as the script is to say it.
    pub(in crate::http) fn new(prefix: &str, state: &str) -> Self {
        PageScript(format!(
            "\n<script src=\"{prefix}{SCRIPT_PATH}\" data-state=\"{state}\"></script>\n"
        ))
    }

    /// Adds it to an answer, if that is a page, whole and uncompressed. Where its extensions have no [`PageEncoding`], its
    /// first bytes are looked at when they come, and its length is not told before.
    pub(in crate::http) fn add_to(
        self,
        method: &Method,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let Some(content_type) = content_type_of_page(&response) else {
            return response;
        };
        let encoding: Option<PageEncoding> = response.extensions().get().copied();
        let addition = match encoding {
            Some(encoding) => Addition::Bytes(encoding.encode(&self.0).into()),
            None => Addition::Text {
                text: self.0,
                content_type,
                first: Vec::new(),
            },
        };
        describe(response.headers_mut(), &addition);
        match *method {
            Method::HEAD => response,
            _ => response.map(|page| FollowedBody::of(page, addition)),
        }
    }
}

/// The type of an answer that is a page; `None` if it is none that can be added to.
fn content_type_of_page(response: &Response<Body>) -> Option<String> {
    let (status, headers) = (response.status(), response.headers());
    let field = |name| headers.get(name)?.to_str().ok();
    let has_page = (status.is_success() || status.is_client_error() || status.is_server_error())
        && !matches!(status.as_u16(), 204..=206);
    let is_plain = field(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding.trim().eq_ignore_ascii_case("identity"));
    let is_shown = field(header::CONTENT_DISPOSITION).is_none_or(|disposition| {
        !disposition
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("attachment")
    });
    let content_type = field(header::CONTENT_TYPE)?;
    (has_page && is_plain && is_shown && is_html(content_type)).then(|| content_type.to_owned())
}

/// Whether a Content-Type is that of a page.
pub(in crate::http) fn is_html(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/html")
}

/// A page with a script that tells its state is of this moment, and of other bytes than it was.
fn describe(headers: &mut HeaderMap, addition: &Addition) {
    for name in &OF_THE_BYTES {
        headers.remove(name);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let length = headers.remove(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let (Some(length), Addition::Bytes(bytes)) = (length, addition) {
        let length = length + bytes.len() as u64;
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::{body_from, empty};
    use http_body_util::BodyExt;
    use hyper::http::response::Builder;

    fn response(status: u16, fields: &[(&str, &str)]) -> Builder {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        response
    }

    fn script() -> PageScript {
        PageScript::new("/a", "x-1")
    }

    const HTML: (&str, &str) = ("content-type", "text/html");

    #[tokio::test]
    async fn page_ends_with_the_script_of_its_prefix_and_state() {
        let page = response(200, &[HTML])
            .body(body_from("<p>"))
            .expect("a page");
        let (parts, body) = script().add_to(&Method::GET, page).into_parts();
        assert_eq!(parts.headers["cache-control"], "no-store");
        let body = body.collect().await.expect("whole").to_bytes();
        let expected =
            "<p>\n<script src=\"/a/.well-known/wsd-watch.js\" data-state=\"x-1\"></script>\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn what_told_of_other_bytes_is_left_out_and_the_length_follows() {
        let fields = [
            HTML,
            ("etag", "\"1\""),
            ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("accept-ranges", "bytes"),
            ("content-length", "3"),
        ];
        for method in [Method::GET, Method::HEAD] {
            for (encoding, factor) in [(PageEncoding::Ascii, 1), (PageEncoding::Utf16BigEndian, 2)]
            {
                let mut page = response(200, &fields).body(empty()).expect("a page");
                page.extensions_mut().insert(encoding);
                let page = script().add_to(&method, page);
                let length = 3 + factor * script().0.len();
                assert_eq!(page.headers()["content-length"], length.to_string());
                assert_eq!(page.headers().len(), 3, "{:?}", page.headers());
            }
            let page = response(200, &fields).body(empty()).expect("a page");
            let page = script().add_to(&method, page);
            assert!(!page.headers().contains_key("content-length"));
        }
    }

    #[tokio::test]
    async fn what_is_no_whole_page_stays_as_it_is() {
        for (status, fields) in [
            (200, &[("content-type", "text/plain")][..]),
            (200, &[("content-type", "text/htmlx")]),
            (200, &[]),
            (200, &[HTML, ("content-encoding", "gzip")]),
            (
                200,
                &[HTML, ("content-disposition", "Attachment; filename=a.html")],
            ),
            (206, &[HTML, ("content-range", "bytes 0-2/9")]),
            (302, &[HTML, ("location", "/b")]),
        ] {
            let page = response(status, fields).header("etag", "\"1\"");
            let page = page.body(body_from("<p>")).expect("an answer");
            let page = script().add_to(&Method::GET, page);
            assert_eq!(page.headers()["etag"], "\"1\"", "{fields:?}");
            let body = page.into_body().collect().await.expect("whole");
            assert_eq!(body.to_bytes(), "<p>", "{fields:?}");
        }
    }

    #[test]
    fn type_of_a_page_is_told_in_many_ways() {
        for content_type in ["text/html", "TEXT/HTML ; charset=utf-8", "text/html;x"] {
            assert!(is_html(content_type), "{content_type}");
        }
    }
}
