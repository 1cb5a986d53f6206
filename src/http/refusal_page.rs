//! A refusal as a page, for who looks at it in a browser: [`RefusalPage`].

use hyper::{
    Response, Uri,
    header::{self, HeaderValue},
};

use super::{
    body::{Body, body_from},
    html::{self, escape},
};
use crate::percent::escaped;

/// How a refusal is told as a page.
#[derive(Debug, Default)]
pub(super) struct RefusalPage {
    /// Where to go on, and what is there.
    link: Option<(String, &'static str)>,
}

impl RefusalPage {
    /// The same with a console at the top of the site, which is at `prefix`; there `asked` is asked for anew.
    pub(super) fn beside_console(prefix: &str, asked: &Uri) -> Self {
        let target = asked.path_and_query().map_or("/", |target| target.as_str());
        RefusalPage {
            link: Some((
                format!("{prefix}/#path={}", escaped(&format!("{prefix}{target}"))),
                "Try this address in the console",
            )),
        }
    }

    /// The same with the address by TLS of what was asked for, if that is known.
    pub(super) fn beside_tls(url: Option<&str>) -> Self {
        RefusalPage {
            link: url.map(|url| (url.to_owned(), "Go there by https")),
        }
    }

    /// Makes a page of an answer that has this text.
    pub(super) fn put_into(&self, response: &mut Response<Body>, text: &str) {
        let status = response.status();
        let title = match status.canonical_reason() {
            Some(reason) => format!("{} {reason}", status.as_u16()),
            None => status.as_u16().to_string(),
        };
        let mut content = format!(
            "<h1>{title}</h1>\n<p class=\"reason\">{}</p>\n",
            escape(text)
        );
        if let Some((address, label)) = &self.link {
            let address = escape(address);
            content.push_str(&format!("<p><a href=\"{address}\">{label}</a></p>\n"));
        }
        *response.body_mut() = body_from(html::page(&title, &content));
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, html::POLICY),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn nothing_of_a_request_becomes_markup() {
        let asked = Uri::from_static("/a'b?%3Ci%3E&x");
        let page = RefusalPage::beside_console("/app", &asked);
        let mut response = Response::new(body_from(""));
        page.put_into(&mut response, "the path <script>'\" is none");
        let body = response.into_body().collect().await.expect("a body");
        let text = String::from_utf8(body.to_bytes().into()).expect("text");
        assert!(
            text.contains("<p class=\"reason\">the path &lt;script&gt;&#39;&quot; is none</p>")
        );
        let link = "href=\"/app/#path=/app/a%27b%3F%253Ci%253E%26x\"";
        assert!(text.contains(link), "{text}");
    }
}
