//! Origin header validation: whose pages may open a WebSocket. It keeps a web page from running a program
//! behind its reader's back (cross-site WebSocket hijacking; RFC 6455 §10.2).

use std::str::FromStr;

use hyper::{HeaderMap, header};

use super::host::Authority;
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
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else {
            return match self.required {
                true => Err(Refusal::MissingOrigin),
                false => Ok(()),
            };
        };
        let text = value.to_str().unwrap_or_default();
        let origin = Origin::parse(text);
        let is_own = || {
            origin
                .as_ref()
                .zip(host)
                .is_some_and(|(origin, host)| origin.is_of(host))
        };
        let is_listed = || {
            let known = origin.is_some() || text == "null";
            self.allowed.iter().any(|allowed| {
                *allowed == AllowedOrigin::Any || known && allowed.allows(origin.as_ref())
            })
        };
        if values.next().is_none() && (is_own() || is_listed()) {
            return Ok(());
        }
        match origin.is_some() || text == "null" {
            true => Err(Refusal::ForeignOrigin(text.to_owned())),
            false => Err(Refusal::MalformedOrigin),
        }
    }
}

/// An entry of `--origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every origin.
    Any,
    /// `null`: pages from `file://`, sandboxed frames.
    Null,
    /// `[scheme://]host[:port]`: without a scheme any scheme, and without a port any port; with a scheme
    /// and no port, the scheme's default port.
    Site {
        /// The scheme, if it matters.
        scheme: Option<String>,
        /// Host and port.
        authority: Authority,
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
            Some((scheme, authority)) => (Some(scheme.to_ascii_lowercase()), authority),
            None => (None, text),
        };
        let authority = authority.parse().map_err(|()| {
            "an origin is [scheme://]host[:port], 'null' for pages from file://, or '*' for any"
                .to_owned()
        })?;
        Ok(AllowedOrigin::Site { scheme, authority })
    }
}

impl AllowedOrigin {
    fn allows(&self, origin: Option<&Origin>) -> bool {
        match (self, origin) {
            (AllowedOrigin::Any, _) => true,
            (AllowedOrigin::Null, origin) => origin.is_none(),
            (AllowedOrigin::Site { scheme, authority }, Some(origin)) => {
                authority.name == origin.authority.name
                    && scheme
                        .as_ref()
                        .is_none_or(|scheme| *scheme == origin.scheme)
                    && match (authority.port, scheme) {
                        (None, None) => true,
                        (port, _) => port.or(default_port(&origin.scheme)) == origin.port(),
                    }
            }
            (AllowedOrigin::Site { .. }, None) => false,
        }
    }
}

/// An Origin header that is not `null` (RFC 6454 §7).
struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Some(Origin {
            scheme: scheme.to_ascii_lowercase(),
            authority: authority.parse().ok()?,
        })
    }

    fn port(&self) -> Option<u16> {
        self.authority.port.or(default_port(&self.scheme))
    }

    /// Whether a page of this origin came from `host`. The scheme is not compared, so that a proxy may
    /// terminate TLS before us; its default port may be left out on either side.
    fn is_of(&self, host: &Authority) -> bool {
        self.authority.name == host.name && self.port() == host.port.or(default_port(&self.scheme))
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
