//! `X-Forwarded-Prefix`, and `X-Ingress-Path` of Home Assistant: the path at which a proxy has the site, and which it
//! takes off from the requests that it passes on. No standard describes them.

use hyper::{HeaderMap, header::HeaderValue};

/// What tells of it. The first that can be read counts.
const NAMES: [&str; 2] = ["x-forwarded-prefix", "x-ingress-path"];

/// The prefix, without a slash at its end; `None` if nothing tells of it that can be read, for what is malformed is
/// somebody's else: it would be a path that scripts put into their answers.
pub(super) fn find(headers: &HeaderMap) -> Option<&str> {
    NAMES.iter().find_map(|name| {
        let mut lines = headers.get_all(*name).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => read(line),
            _ => None,
        }
    })
}

/// One path of plain segments; `/` is the top, and so no prefix.
fn read(line: &HeaderValue) -> Option<&str> {
    let path = line.to_str().ok()?.trim();
    if path == "/" {
        return Some("");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.strip_prefix('/')?.split('/');
    segments.all(is_plain).then_some(path)
}

/// Nothing that would be escaped, and so could be read in two ways (RFC 3986 §2.3), and no dot segment.
fn is_plain(segment: &str) -> bool {
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[(&'static str, &'static str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        find(&headers).map(str::to_owned)
    }

    #[test]
    fn prefix_is_one_path_of_plain_segments() {
        for (value, prefix) in [
            ("/app", "/app"),
            ("/app/", "/app"),
            (" /a/b-c/~d.e_f ", "/a/b-c/~d.e_f"),
            ("/", ""),
        ] {
            let read = found(&[("x-forwarded-prefix", value)]);
            assert_eq!(read.as_deref(), Some(prefix), "{value}");
        }
        for value in [
            "",
            "app",
            "//",
            "//app",
            "/app//",
            "/a//b",
            "/a/../b",
            "/.",
            "/a%20b",
            "/a b",
            "/a,/b",
            "/a?b",
            "/a#b",
            "/<x>",
            "http://evil.example/",
            "/a:b",
            "/a;b",
            "/a\\b",
        ] {
            assert_eq!(found(&[("x-forwarded-prefix", value)]), None, "{value}");
        }
    }

    #[test]
    fn first_header_that_can_be_read_counts() {
        let (forwarded, ingress) = ("x-forwarded-prefix", "x-ingress-path");
        for (lines, prefix) in [
            (&[(ingress, "/b"), (forwarded, "/a")][..], Some("/a")),
            (&[(forwarded, "a"), (ingress, "/b")], Some("/b")),
            (
                &[(forwarded, "/a"), (forwarded, "/a"), (ingress, "/b")],
                Some("/b"),
            ),
            (
                &[(ingress, "/api/hassio_ingress/x_y-Z1/")],
                Some("/api/hassio_ingress/x_y-Z1"),
            ),
            (&[], None),
        ] {
            assert_eq!(found(lines).as_deref(), prefix, "{lines:?}");
        }
    }
}
