//! Who may connect: the Host and Origin rules, which keep a web page from running a program behind its
//! reader's back (cross-site WebSocket hijacking, DNS rebinding).

use std::{fmt, str::FromStr};

use hyper::{HeaderMap, Version, header, http::request::Parts};

use super::refusal::Refusal;
use crate::environ::Connection;

/// The rules of one server.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Names that this server answers to beside the loopback ones (`--host`).
    pub hosts: Vec<String>,
    /// Origins beside the server's own (`--origin`).
    pub origins: Vec<AllowedOrigin>,
    /// Whether a client without an Origin is refused (`--sameorigin`).
    pub origin_required: bool,
}

/// A name and a port, as the Host header gives them (RFC 9110 §7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The name in lower case, an IPv6 address in brackets.
    pub name: String,
    /// The port, if it was given.
    pub port: Option<u16>,
}

impl FromStr for Authority {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            // RFC 3986 §3.2.3: an empty port is the default one.
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(drop)?)
            }
            Some(_) => return Err(()),
        };
        let valid = match name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !name.is_empty() && name.bytes().all(is_name_byte),
        };
        if !valid {
            return Err(());
        }
        Ok(Authority {
            name: name.to_ascii_lowercase(),
            port,
        })
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.name),
            None => formatter.write_str(&self.name),
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

/// The names that every machine has for itself.
pub(super) fn is_loopback_name(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl Access {
    /// The host that a request is for, if this server answers to it. `None` only for HTTP/1.0, which no
    /// browser speaks.
    ///
    /// # Errors
    /// As [`Access::authority`]; 403 on a loopback listener for a name that is neither loopback's nor listed.
    pub(super) fn host(
        &self,
        request: &Parts,
        connection: &Connection,
    ) -> Result<Option<Authority>, Refusal> {
        let authority = Self::authority(request)?;
        match authority {
            Some(authority) if !self.answers_to(&authority.name, connection) => {
                Err(Refusal::Forbidden(format!(
                    "this server does not answer to the host '{0}'; --host={0} lets it",
                    authority.name
                )))
            }
            authority => Ok(authority),
        }
    }

    /// The host that a request is for, whoever that is.
    ///
    /// # Errors
    /// 400 for a Host that is missing, doubled or malformed (RFC 9112 §3.2).
    pub(super) fn authority(request: &Parts) -> Result<Option<Authority>, Refusal> {
        let malformed = || Refusal::BadRequest("the Host header is malformed".to_owned());
        let mut values = request.headers.get_all(header::HOST).iter();
        let (value, more) = (values.next(), values.next());
        if more.is_some() {
            return Err(Refusal::BadRequest(
                "there is more than one Host header".to_owned(),
            ));
        }
        let text = match (request.uri.authority(), value) {
            // RFC 9112 §3.2.2: a target with a host of its own overrides the header.
            (Some(target), _) => target.as_str(),
            (None, Some(value)) => value.to_str().map_err(|_| malformed())?,
            (None, None) if request.version < Version::HTTP_11 => return Ok(None),
            (None, None) => {
                return Err(Refusal::BadRequest("the Host header is missing".to_owned()));
            }
        };
        text.parse().map(Some).map_err(|()| malformed())
    }

    /// Whether `--host` lists a name.
    pub(super) fn lists(&self, name: &str) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|host| host.eq_ignore_ascii_case(name))
    }

    fn answers_to(&self, name: &str, connection: &Connection) -> bool {
        let Some(local) = connection.local.ip() else {
            // No page can reach a unix socket, so no name can be rebound to it.
            return true;
        };
        let own = || match local {
            std::net::IpAddr::V4(address) => address.to_string() == name,
            std::net::IpAddr::V6(address) => format!("[{address}]") == name,
        };
        !local.is_loopback() || is_loopback_name(name) || own() || self.lists(name)
    }

    /// Whether a page may open a WebSocket.
    ///
    /// # Errors
    /// 403, with the flag that would allow it.
    pub(super) fn origin(
        &self,
        headers: &HeaderMap,
        host: Option<&Authority>,
    ) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else {
            return match self.origin_required {
                true => Err(Refusal::Forbidden(
                    "a client without an Origin header is refused by --sameorigin".to_owned(),
                )),
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
            self.origins.iter().any(|allowed| {
                *allowed == AllowedOrigin::Any || known && allowed.allows(origin.as_ref())
            })
        };
        if values.next().is_none() && (is_own() || is_listed()) {
            return Ok(());
        }
        Err(Refusal::Forbidden(foreign(
            text,
            origin.is_some() || text == "null",
        )))
    }
}

fn foreign(origin: &str, nameable: bool) -> String {
    match nameable {
        true => {
            format!("pages of the origin '{origin}' may not connect; --origin={origin} lets them")
        }
        false => "the Origin header is malformed; --origin='*' lets any origin connect".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::Endpoint;
    use hyper::{Request, header::HeaderValue};
    use std::net::SocketAddr;

    fn authority(text: &str) -> Authority {
        text.parse().expect(text)
    }

    fn check(access: &Access, host: &str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        access.origin(&headers, Some(&authority(host))).is_ok()
    }

    fn listed(origins: &[&str]) -> Access {
        Access {
            origins: origins
                .iter()
                .map(|text| text.parse().expect("an origin"))
                .collect(),
            ..Access::default()
        }
    }

    #[test]
    fn own_origin_passes_with_its_default_port_left_out() {
        let access = Access::default();
        for (host, origin) in [
            ("h:8080", "http://h:8080"),
            ("H:8080", "http://h:8080"),
            ("h", "http://h"),
            ("h", "https://h"),
            ("h:443", "https://h"),
            ("h", "https://h:443"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(check(&access, host, Some(origin)), "{host} {origin}");
        }
    }

    #[test]
    fn foreign_origins_are_refused() {
        let access = Access::default();
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
            assert!(!check(&access, host, Some(origin)), "{host} {origin}");
        }
    }

    #[test]
    fn listed_origins_pass_beside_the_own() {
        let access = listed(&["good", "https://exact", "half:81"]);
        for origin in [
            "http://good",
            "https://good:99",
            "https://exact",
            "http://half:81",
            "http://own",
        ] {
            assert!(check(&access, "own", Some(origin)), "{origin}");
        }
        for origin in [
            "http://exact",
            "https://exact:444",
            "http://half",
            "http://evil",
            "null",
        ] {
            assert!(!check(&access, "own", Some(origin)), "{origin}");
        }
        assert!(check(&listed(&["null"]), "h", Some("null")));
        assert!(!check(&listed(&["null"]), "h", Some("garbage")));
        assert!(check(&listed(&["*"]), "h", Some("garbage")));
    }

    #[test]
    fn missing_origin_is_refused_only_by_sameorigin() {
        assert!(check(&Access::default(), "h", None));
        let strict = Access {
            origin_required: true,
            ..Access::default()
        };
        assert!(!check(&strict, "h", None));
        assert!(!check(&strict, "h", Some("")));
    }

    fn host_status(access: &Access, listener: &str, hosts: &[&str]) -> Option<u16> {
        let listener: SocketAddr = listener.parse().expect("an address");
        host_status_at(access, listener.into(), hosts)
    }

    fn host_status_at(access: &Access, listener: Endpoint, hosts: &[&str]) -> Option<u16> {
        let mut request = Request::builder().uri("/");
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let connection = Connection {
            local: listener,
            remote: listener,
            remote_name: None,
            tls: None,
        };
        access
            .host(&parts, &connection)
            .err()
            .map(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn loopback_listener_answers_to_its_own_names_only() {
        let access = Access {
            hosts: vec!["Dev.Example".to_owned()],
            ..Access::default()
        };
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "dev.example",
            "127.0.0.2",
        ] {
            assert_eq!(
                host_status(&access, "127.0.0.2:8080", &[host]),
                None,
                "{host}"
            );
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.3"] {
            assert_eq!(
                host_status(&access, "[::ffff:127.0.0.1]:8080", &[host]),
                Some(403),
                "{host}"
            );
            assert_eq!(
                host_status(&access, "127.0.0.1:8080", &[host]),
                Some(403),
                "{host}"
            );
            assert_eq!(
                host_status(&access, "0.0.0.0:8080", &[host]),
                None,
                "{host}"
            );
        }
    }

    #[test]
    fn unix_socket_answers_to_any_name_that_is_one() {
        let status = |host| host_status_at(&Access::default(), Endpoint::Unix(None), &[host]);
        assert_eq!(status("evil.example"), None);
        assert_eq!(status("a b"), Some(400));
    }

    #[test]
    fn malformed_hosts_are_bad_requests() {
        for host in [
            "", ":80", "a b", "h:x", "h:99999", "[::1", "[zz]", "a@h", "h/", "h:80:80",
        ] {
            assert_eq!(
                host_status(&Access::default(), "0.0.0.0:1", &[host]),
                Some(400),
                "{host:?}"
            );
        }
        assert_eq!(host_status(&Access::default(), "0.0.0.0:1", &[]), Some(400));
        assert_eq!(
            host_status(&Access::default(), "0.0.0.0:1", &["h", "h"]),
            Some(400)
        );
    }
}
