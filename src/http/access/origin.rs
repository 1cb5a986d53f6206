//! Origin header validation: whose pages may open a WebSocket. It keeps a web page from running a program
//! behind its reader's back (cross-site WebSocket hijacking; RFC 6455 §10.2).

use std::str::FromStr;

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use super::{
    host::Authority,
    origin_pattern::{self, HostPattern, PortPattern},
};
use crate::http::refusal::Refusal;

/// The rule of one program.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Origins beside the server's own (`--origin`).
    pub allowed: Vec<AllowedOrigin>,
    /// Whether a client without an Origin is refused (`--sameorigin`).
    pub required: bool,
}

impl Origins {
    /// Whether a page may open a WebSocket.
    ///
    /// # Errors
    /// 403, with the flag that would allow it.
    pub(in crate::http) fn check(
        &self,
        headers: &HeaderMap,
        host: Option<&Authority>,
    ) -> Result<(), Refusal> {
        match headers.contains_key(header::ORIGIN) {
            true => self.check_named(headers, host, WithoutTls::Own),
            false if self.required => Err(Refusal::MissingOrigin),
            false => Ok(()),
        }
    }

    /// The same where browsers send along who their user is: by TLS a page without is another's, since whoever is in
    /// between could have written it.
    ///
    /// # Errors
    /// As [`Origins::check`].
    pub(in crate::http) fn check_with_login(
        &self,
        headers: &HeaderMap,
        host: Option<&Authority>,
        is_https: bool,
    ) -> Result<(), Refusal> {
        let without_tls = match is_https {
            true => WithoutTls::Foreign,
            false => WithoutTls::Own,
        };
        match headers.contains_key(header::ORIGIN) {
            true => self.check_named(headers, host, without_tls),
            false => Ok(()),
        }
    }

    fn check_named(
        &self,
        headers: &HeaderMap,
        host: Option<&Authority>,
        without_tls: WithoutTls,
    ) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else {
            return Ok(());
        };
        let text = value.to_str().unwrap_or_default();
        let origin = Origin::parse(text);
        let is_own = || {
            let pair = origin.as_ref().zip(host);
            pair.is_some_and(|(origin, host)| origin.is_of(host))
                && (without_tls == WithoutTls::Own || !origin.as_ref().is_some_and(Origin::is_http))
        };
        let is_listed = || {
            let mut allowed = self.allowed.iter();
            allowed.any(|allowed| allowed.allows(origin.as_ref()))
        };
        match origin {
            _ if values.next().is_none() && (is_own() || is_listed()) => Ok(()),
            Some(_) => Err(Refusal::ForeignOrigin(text.to_owned())),
            None => Err(Refusal::MalformedOrigin),
        }
    }
}

impl Origins {
    /// Whether an entry names this very origin, and not only a pattern that it fits.
    pub(in crate::http) fn names(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok().and_then(Origin::parse);
        let mut allowed = self.allowed.iter();
        allowed.any(|allowed| allowed.is_literal() && allowed.allows(origin.as_ref()))
    }
}

/// What a page of our own host is that came without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WithoutTls {
    Own,
    Foreign,
}

/// An entry of `--origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every origin.
    Any,
    /// `null`: pages from `file://`, sandboxed frames.
    Null,
    /// `scheme://` and nothing more, as some send it for pages from files.
    Hostless(String),
    /// `[scheme://]host[:port]`: without a scheme any scheme, and without a port any port; with a scheme
    /// and no port, the scheme's default port.
    Site {
        /// The scheme, if it matters.
        scheme: Option<String>,
        /// The host, or which hosts.
        host: HostPattern,
        /// The port, or any.
        port: PortPattern,
    },
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "*" => return Ok(AllowedOrigin::Any),
            "null" => return Ok(AllowedOrigin::Null),
            _ => {}
        }
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, authority)) => (Some(origin_pattern::scheme(scheme)?), authority),
            None => (None, text),
        };
        match scheme {
            Some(scheme) if authority.is_empty() && default_port(&scheme).is_none() => {
                Ok(AllowedOrigin::Hostless(scheme))
            }
            scheme => {
                let (host, port) = origin_pattern::parse(scheme.as_deref(), authority)?;
                Ok(AllowedOrigin::Site { scheme, host, port })
            }
        }
    }
}

impl AllowedOrigin {
    /// Whether anybody can have a page of it.
    pub fn is_of_anybody(&self) -> bool {
        match self {
            AllowedOrigin::Any | AllowedOrigin::Null | AllowedOrigin::Hostless(_) => true,
            AllowedOrigin::Site { host, .. } => *host == HostPattern::Any,
        }
    }

    /// Whether it stands for one host.
    fn is_literal(&self) -> bool {
        matches!(
            self,
            AllowedOrigin::Site {
                host: HostPattern::Exact(_),
                ..
            }
        )
    }

    fn allows(&self, origin: Option<&Origin>) -> bool {
        match (self, origin) {
            (AllowedOrigin::Any, _) => true,
            (AllowedOrigin::Null, Some(Origin::Null)) => true,
            (AllowedOrigin::Hostless(scheme), Some(Origin::Hostless(other))) => scheme == other,
            (AllowedOrigin::Site { scheme, host, port }, Some(Origin::Site(site))) => {
                scheme.as_ref().is_none_or(|scheme| *scheme == site.scheme)
                    && host.matches(&site.authority.name)
                    && port.matches(site.authority.port, default_port(&site.scheme))
            }
            _ => false,
        }
    }
}

/// What an Origin header says (RFC 6454 §7).
enum Origin {
    Null,
    Hostless(String),
    Site(Site),
}

struct Site {
    scheme: String,
    authority: Authority,
}

impl Origin {
    /// `None` if it is malformed.
    fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Origin::Null);
        }
        let (scheme, authority) = text.split_once("://")?;
        let scheme = origin_pattern::scheme(scheme).ok()?;
        if authority.is_empty() && default_port(&scheme).is_none() {
            return Some(Origin::Hostless(scheme));
        }
        let authority = authority.parse().ok()?;
        Some(Origin::Site(Site { scheme, authority }))
    }

    fn is_http(&self) -> bool {
        matches!(self, Origin::Site(site) if site.scheme == "http")
    }

    /// Whether a page of this origin came from `host`. The scheme is not compared, so that a proxy may
    /// terminate TLS before us; its default port may be left out on either side.
    fn is_of(&self, host: &Authority) -> bool {
        let Origin::Site(Site { scheme, authority }) = self else {
            return false;
        };
        let default = default_port(scheme);
        authority.name == host.name && authority.port.or(default) == host.port.or(default)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn authority(text: &str) -> Authority {
        text.parse().expect(text)
    }

    fn check(origins: &Origins, host: &str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        origins.check(&headers, Some(&authority(host))).is_ok()
    }

    fn listed(origins: &[&str]) -> Origins {
        Origins {
            allowed: origins
                .iter()
                .map(|text| text.parse().expect("an origin"))
                .collect(),
            ..Origins::default()
        }
    }

    #[test]
    fn own_origin_passes_with_its_default_port_left_out() {
        let origins = Origins::default();
        for (host, origin) in [
            ("h:8080", "http://h:8080"),
            ("H:8080", "http://h:8080"),
            ("h", "http://h"),
            ("h", "https://h"),
            ("h:443", "https://h"),
            ("h", "https://h:443"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(check(&origins, host, Some(origin)), "{host} {origin}");
        }
    }

    #[test]
    fn foreign_origins_are_refused() {
        let origins = Origins::default();
        for (host, origin) in [
            ("h:8080", "http://h:8081"),
            ("h:8080", "http://h"),
            ("h:80", "https://h"),
            ("h", "http://evil"),
            ("h", "http://h.evil"),
            ("h", "null"),
            ("h", ""),
            ("h", "h"),
            ("h", "http://"),
            ("h", "http://evil@h"),
            ("h", "http://h/"),
        ] {
            assert!(!check(&origins, host, Some(origin)), "{host} {origin}");
        }
    }

    #[test]
    fn listed_origins_pass_beside_the_own() {
        let origins = listed(&["good", "https://exact", "half:81"]);
        for origin in [
            "http://good",
            "https://good:99",
            "https://exact",
            "http://half:81",
            "http://own",
        ] {
            assert!(check(&origins, "own", Some(origin)), "{origin}");
        }
        for origin in [
            "http://exact",
            "https://exact:444",
            "http://half",
            "http://evil",
            "null",
        ] {
            assert!(!check(&origins, "own", Some(origin)), "{origin}");
        }
        assert!(check(&listed(&["null"]), "h", Some("null")));
        assert!(!check(&listed(&["null"]), "h", Some("garbage")));
        assert!(check(&listed(&["*"]), "h", Some("garbage")));
    }

    #[test]
    fn origin_without_a_host_passes_if_that_very_value_is_listed() {
        for entry in ["file://", "FILE://"] {
            assert!(check(&listed(&[entry]), "h", Some("file://")), "{entry}");
        }
        for (entry, origin) in [
            ("file://", "null"),
            ("null", "file://"),
            ("file://", "content://"),
            ("file://", "file://other"),
            ("file://", ""),
        ] {
            assert!(!check(&listed(&[entry]), "h", Some(origin)), "{origin}");
        }
        assert!(check(&listed(&["*"]), "h", Some("file://")));
        assert!(!check(&Origins::default(), "h", Some("file://")));
    }

    #[test]
    fn star_is_one_label_any_port_or_any_host() {
        for (entry, passes, refused) in [
            (
                "*.example.com",
                &["https://a.example.com", "http://A.Example.com:99"][..],
                &[
                    "https://example.com",
                    "https://.example.com",
                    "https://a.b.example.com",
                    "https://aexample.com",
                    "https://a.example.com.evil",
                    "https://a.evil",
                ][..],
            ),
            (
                "https://*.example.com",
                &["https://a.example.com", "https://a.example.com:443"],
                &["http://a.example.com", "https://a.example.com:444"],
            ),
            (
                "https://*.example.com:444",
                &["https://a.example.com:444"],
                &["https://a.example.com"],
            ),
            (
                "*.localhost",
                &["http://a.localhost:5173"],
                &["http://localhost", "http://a.b.localhost"],
            ),
            (
                "http://localhost:*",
                &[
                    "http://localhost",
                    "http://localhost:80",
                    "http://localhost:5173",
                ],
                &[
                    "https://localhost",
                    "http://localhost.evil:1",
                    "http://evil:1",
                ],
            ),
            (
                "http://[::1]:*",
                &["http://[::1]:5173"],
                &["http://[::2]:5173"],
            ),
            (
                "vscode-webview://*",
                &["vscode-webview://01a1fdf9"],
                &["https://01a1fdf9", "vscode-webview://", "null"],
            ),
            (
                "chrome-extension://*",
                &["chrome-extension://abcdefgh"],
                &["moz-extension://abcdefgh"],
            ),
        ] {
            let origins = listed(&[entry]);
            for origin in passes {
                assert!(check(&origins, "own", Some(origin)), "{entry} {origin}");
            }
            for origin in refused {
                assert!(!check(&origins, "own", Some(origin)), "{entry} {origin}");
            }
        }
    }

    #[test]
    fn star_that_means_too_much_is_refused() {
        for entry in [
            "*.com",
            "*.com.",
            "https://*.com",
            "https://*",
            "http://*:80",
            "*:80",
            "*:*",
            "*.",
            "*..com",
            "*.example.com:*",
            "*.*.example.com",
            "a.*.example.com",
            "*a.example.com",
            "a*.example.com",
            "example.*",
            "*.0.0.1",
            "*.1",
            "*://example.com",
            "vscode-webview://*:*",
        ] {
            let error = entry.parse::<AllowedOrigin>().expect_err(entry);
            assert!(error.ends_with("say '*'"), "{entry}: {error}");
        }
        for entry in [
            "", "http://", "https://", "://h", "1://h", "h:80:*", "h:x", "a b",
        ] {
            let error = entry.parse::<AllowedOrigin>().expect_err(entry);
            assert!(error.contains("[scheme://]host[:port]"), "{entry}: {error}");
        }
    }

    #[test]
    fn missing_origin_is_refused_only_by_sameorigin() {
        assert!(check(&Origins::default(), "h", None));
        let strict = Origins {
            required: true,
            ..Origins::default()
        };
        assert!(!check(&strict, "h", None));
        assert!(!check(&strict, "h", Some("")));
    }
}
