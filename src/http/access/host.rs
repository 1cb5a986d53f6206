//! Host header validation: which names a server answers to. It keeps a page from reaching the server under a
//! name of the page's own (DNS rebinding).

use std::{fmt, str::FromStr};

use hyper::{Version, header, http::request::Parts};

use super::{authentication::CookieKey, forwarded::TrustedProxies};
use crate::{connection::ConnectionInfo, http::refusal::Refusal};

/// The rules of one server.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Names that this server answers to beside the loopback ones (`--host`).
    pub hosts: Vec<String>,
    /// Proxies that are believed what they say of clients (`--trust-proxy`).
    pub trust: TrustedProxies,
    /// What signs cookies, if other processes are to know them (`--cookie-key`).
    pub cookie_key: Option<CookieKey>,
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
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        if let Some(address) = bare {
            let address = without_zone(address).ok_or(())?;
            address.parse::<std::net::Ipv6Addr>().map_err(drop)?;
            let name = format!("[{}]", address.to_ascii_lowercase());
            return Ok(Authority { name, port });
        }
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_name_byte) {
            return Err(());
        }
        // A trailing dot says that a name is whole already (RFC 1034 §3.1).
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() || name.ends_with('.') {
            return Err(());
        }
        Ok(Authority {
            name: name.to_ascii_lowercase(),
            port,
        })
    }
}

/// The address alone of `fe80::1%25eth0`. Which of its interfaces a client has taken says nothing to a server: clients
/// have to leave that out, and some do not (RFC 6874 §3).
fn without_zone(address: &str) -> Option<&str> {
    match address.split_once('%') {
        None => Some(address),
        Some((address, zone)) => {
            let is_zone = |byte: u8| is_name_byte(byte) || byte == b'%';
            (!zone.is_empty() && zone.bytes().all(is_zone)).then_some(address)
        }
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

fn malformed_host() -> Refusal {
    Refusal::BadRequest("the Host header is malformed".to_owned())
}

fn is_loopback(connection: &ConnectionInfo) -> bool {
    connection
        .local
        .ip()
        .is_some_and(|local| local.is_loopback())
}

fn missing_host() -> Refusal {
    Refusal::BadRequest("the Host header is missing".to_owned())
}

/// The names that every machine has for itself.
pub(in crate::http) fn is_loopback_name(name: &str) -> bool {
    // RFC 6761 §6.3: all names beneath localhost are loopback's; no page can have one of its own.
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

impl Access {
    /// The same for OPTIONS, which health checks send without a host in any version.
    ///
    /// # Errors
    /// As [`Access::host`], if a host is named.
    pub(in crate::http) fn host_of_options(
        &self,
        request: &Parts,
        connection: &ConnectionInfo,
    ) -> Result<Option<Authority>, Refusal> {
        let names_host =
            request.headers.contains_key(header::HOST) || request.uri.authority().is_some();
        match names_host {
            true => self.host(request, connection),
            false => Ok(None),
        }
    }

    /// The host that a request is for, if this server answers to it. `None` only for HTTP/1.0, which no
    /// browser speaks, and not on a loopback listener.
    ///
    /// # Errors
    /// As [`Access::authority`], on a loopback listener for HTTP/1.0 too; 403 on a loopback listener for a name that is neither loopback's nor listed.
    pub(in crate::http) fn host(
        &self,
        request: &Parts,
        connection: &ConnectionInfo,
    ) -> Result<Option<Authority>, Refusal> {
        let forwarded = connection.forwarded.as_ref();
        let authority = match forwarded.and_then(|forwarded| forwarded.host.as_ref()) {
            Some(host) => Some(host.parse().map_err(|()| malformed_host())?),
            None => Self::authority(request)?,
        };
        match authority {
            // What is there for this machine alone is asked for by name.
            None if is_loopback(connection) => Err(missing_host()),
            Some(authority) if !self.answers_to(&authority.name, connection) => {
                Err(Refusal::UnknownHost(authority.name))
            }
            authority => Ok(authority),
        }
    }

    /// The host that a request is for, whichever that is.
    ///
    /// # Errors
    /// 400 for a Host that is missing, doubled or malformed (RFC 9112 §3.2).
    pub(in crate::http) fn authority(request: &Parts) -> Result<Option<Authority>, Refusal> {
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
            (None, Some(value)) => value.to_str().map_err(|_| malformed_host())?,
            (None, None) if request.version < Version::HTTP_11 => return Ok(None),
            (None, None) => {
                return Err(missing_host());
            }
        };
        text.parse().map(Some).map_err(|()| malformed_host())
    }

    /// Whether `--host` lists a name.
    pub(in crate::http) fn lists(&self, name: &str) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|host| host.eq_ignore_ascii_case(name))
    }

    fn answers_to(&self, name: &str, connection: &ConnectionInfo) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Endpoint;
    use hyper::Request;
    use std::net::SocketAddr;

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
        let connection = ConnectionInfo::new(listener, listener);
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
    fn zone_of_a_client_is_left_out() {
        for (text, name) in [
            ("[FE80::1]:80", "[fe80::1]"),
            ("[fe80::1%25eth0]:80", "[fe80::1]"),
            ("[fe80::1%eth0.5]", "[fe80::1]"),
        ] {
            let authority: Authority = text.parse().expect(text);
            assert_eq!(authority.name, name);
        }
        for text in ["[fe80::1%]", "[fe80::1%a b]", "[%eth0]", "[::1%a]b]"] {
            assert!(text.parse::<Authority>().is_err(), "{text}");
        }
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
