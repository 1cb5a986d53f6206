//! WebSocket URLs (RFC 6455 §3): `ws:`, `wss:` and `ws+unix:`.

use std::{fmt, path::PathBuf, str::FromStr};

use data_encoding::BASE64;
use hyper::{
    Uri,
    header::HeaderValue,
    http::uri::{Authority, PathAndQuery},
};

use crate::{
    masked::{mask_secrets, mask_tokens},
    percent::unescaped,
};

/// The ports that a URL without one means.
const PLAIN_PORT: u16 = 80;
const TLS_PORT: u16 = 443;

/// A server, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Where it listens.
    pub place: ServerAddress,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// The path and query, as they stand in the request.
    pub target: PathAndQuery,
    /// `Authorization: Basic`, if the URL names a user (RFC 7617).
    pub authorization: Option<HeaderValue>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// A host (a name, or an address without brackets; one of a link with its zone, `fe80::1%eth0`) and a port.
    Host(String, u16),
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl Url {
    /// The Host of requests: the default port is left out, and so is a zone, which says nothing to others (RFC 6874 §3).
    pub fn host(&self) -> String {
        match &self.place {
            ServerAddress::Host(host, port) => self.authority(without_zone(host), *port),
            ServerAddress::Unix(_) => "localhost".to_owned(),
        }
    }

    fn authority(&self, host: &str, port: u16) -> String {
        let default = match self.is_tls {
            true => TLS_PORT,
            false => PLAIN_PORT,
        };
        match port == default {
            true => bracketed(host),
            false => format!("{}:{port}", bracketed(host)),
        }
    }

    fn unix(rest: &str) -> Result<Self, String> {
        let (path, target) = match rest.split_once(':') {
            Some((path, target)) => (path, target),
            None => (rest, "/"),
        };
        if !path.starts_with('/') {
            return Err("the path of the socket has to begin with '/'".to_owned());
        }
        if !target.starts_with('/') {
            return Err("the path behind the socket has to begin with '/'".to_owned());
        }
        let target = escaped(target)
            .parse()
            .map_err(|_| "the path cannot stand in a request")?;
        Ok(Url {
            place: ServerAddress::Unix(path.into()),
            is_tls: false,
            target,
            authorization: None,
        })
    }

    fn tcp(text: &str, is_tls: bool) -> Result<Self, String> {
        let host = text.split(['/', '?']).nth(2).unwrap_or_default();
        if !host.is_ascii() {
            return Err("a host's name is ASCII (RFC 5890 spells others xn--…)".to_owned());
        }
        let uri: Uri = escaped(text)
            .parse()
            .map_err(|error| format!("it is no URL: {error}"))?;
        let authority = uri.authority().ok_or("the host is missing")?;
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            // As RFC 6874 §2 has it; the sign alone is as clear.
            .replacen("%25", "%", 1);
        if host.is_empty() {
            return Err("the host is missing".to_owned());
        }
        let default = match is_tls {
            true => TLS_PORT,
            false => PLAIN_PORT,
        };
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        // `ws://host?query` has no path.
        let target = match target.starts_with('/') {
            true => target.parse(),
            false => format!("/{target}").parse(),
        };
        Ok(Url {
            place: ServerAddress::Host(host, port(authority)?.unwrap_or(default)),
            is_tls,
            target: target.map_err(|_| "the path cannot stand in a request")?,
            authorization: authorization(authority),
        })
    }
}

impl FromStr for Url {
    type Err = String;

    /// # Errors
    /// What is wrong with it.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || match text.contains("://") || text.starts_with("unix:") {
            true => "expected ws://, wss:// or ws+unix:".to_owned(),
            false => format!(
                "expected ws://, wss:// or ws+unix:, such as ws://{}",
                mask_secrets(text)
            ),
        };
        if text.contains('#') {
            return Err("the URL of a WebSocket has no '#' (RFC 6455 §3)".to_owned());
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || *c == ' ') {
            return Err(format!("{character:?} cannot stand in a URL"));
        }
        let (scheme, rest) = text.split_once(':').ok_or_else(expected)?;
        match scheme.to_ascii_lowercase().as_str() {
            "ws+unix" => Self::unix(rest.strip_prefix("//").unwrap_or(rest)),
            "ws" | "http" => Self::tcp(text, false),
            "wss" | "https" => Self::tcp(text, true),
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for Url {
    /// For messages: without user and password, and with tokens masked.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.is_tls {
            true => "wss",
            false => "ws",
        };
        let target = mask_tokens(self.target.as_str());
        match &self.place {
            ServerAddress::Unix(path) => {
                write!(formatter, "ws+unix:{}:{target}", path.display())
            }
            ServerAddress::Host(host, port) => {
                let authority = self.authority(&host.replacen('%', "%25", 1), *port);
                write!(formatter, "{scheme}://{authority}{target}")
            }
        }
    }
}

/// A host without the zone of an address.
pub(super) fn without_zone(host: &str) -> &str {
    host.split_once('%').map_or(host, |(address, _)| address)
}

/// An IPv6 address in the brackets that it needs before a port (RFC 3986 §3.2.2).
pub(super) fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

/// The port of an authority, if it has one.
///
/// # Errors
/// One that is none.
pub(super) fn port(authority: &Authority) -> Result<Option<u16>, String> {
    let host = authority.host().len();
    let behind = authority.as_str().rsplit('@').next().unwrap_or_default();
    match behind.get(host..).unwrap_or_default() {
        "" | ":" => Ok(None),
        port => match port.trim_start_matches(':').parse() {
            // What is none may be the beginning of a password, and is not repeated.
            Ok(0) | Err(_) => Err("expected a port, 1 to 65535, behind the host's ':'".to_owned()),
            Ok(port) => Ok(Some(port)),
        },
    }
}

/// User and password of an authority as `Basic` credentials (RFC 7617 §2).
pub(super) fn authorization(authority: &Authority) -> Option<HeaderValue> {
    let (user, _) = authority.as_str().rsplit_once('@')?;
    let mut credentials = unescaped(user);
    if !user.contains(':') {
        credentials.push(b':');
    }
    let value = format!("Basic {}", BASE64.encode(&credentials));
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What is not ASCII has to be percent-encoded in a request (RFC 3986 §2.1).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii() {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    #[test]
    fn every_scheme_has_its_port() {
        for (text, host, shown) in [
            ("ws://a", "a", "ws://a/"),
            ("ws://a:80/", "a", "ws://a/"),
            ("WS://a:8080/x?y=z", "a:8080", "ws://a:8080/x?y=z"),
            ("wss://a?q", "a", "wss://a/?q"),
            ("https://a:443", "a", "wss://a/"),
            ("http://[::1]:9/", "[::1]:9", "ws://[::1]:9/"),
            ("ws://a:", "a", "ws://a/"),
        ] {
            assert_eq!(
                (url(text).host().as_str(), url(text).to_string().as_str()),
                (host, shown)
            );
        }
    }

    #[test]
    fn zone_is_for_this_machine_alone() {
        for text in ["ws://[fe80::1%25eth0]:9/x", "ws://[fe80::1%eth0]:9/x"] {
            let url = url(text);
            let place = ServerAddress::Host("fe80::1%eth0".to_owned(), 9);
            assert_eq!((&url.place, url.host().as_str()), (&place, "[fe80::1]:9"));
            assert_eq!(url.to_string(), "ws://[fe80::1%25eth0]:9/x");
        }
    }

    #[test]
    fn socket_may_have_a_path_behind_it() {
        let place = ServerAddress::Unix("/run/a.sock".into());
        assert_eq!(url("ws+unix:/run/a.sock").target, "/");
        for text in ["ws+unix:/run/a.sock:/x?y", "ws+unix:///run/a.sock:/x?y"] {
            assert_eq!(
                (url(text).place, url(text).target.as_str()),
                (place.clone(), "/x?y")
            );
        }
    }

    #[test]
    fn user_and_password_become_credentials_and_are_not_shown() {
        let url = url("ws://aladdin:open%20sesame@a:81/");
        assert_eq!(
            url.authorization.as_ref().expect("credentials"),
            "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(url.to_string(), "ws://a:81/");
    }

    #[test]
    fn tokens_are_not_shown() {
        for (text, shown) in [
            ("ws://a/?access_token=abc", "ws://a/?access_token=***"),
            (
                "ws+unix:/a:/?access_token=abc",
                "ws+unix:/a:/?access_token=***",
            ),
        ] {
            assert_eq!(url(text).to_string(), shown);
        }
        for text in [
            "http//u:hunter2@a/",
            "ws://u:hunter2/x@a/",
            "hunter2:hunter2@a",
        ] {
            let reason = text.parse::<Url>().expect_err(text);
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_encoded_in_the_path() {
        assert_eq!(url("ws://a/é").target, "/%C3%A9");
    }

    #[test]
    fn what_is_no_url_is_told_why() {
        for (text, part) in [
            ("localhost", "such as ws://localhost"),
            ("localhost:8080/x", "such as ws://localhost:8080/x"),
            ("ftp://a/", "ws+unix:"),
            ("unix:/a", "ws+unix:"),
            ("ws://", "URL"),
            ("ws:///x", "URL"),
            ("ws://:80/", "host"),
            ("ws://a:0/", "port"),
            ("ws://a:99999/", "port"),
            ("ws://a:b/", "port"),
            ("ws://a/#x", "#"),
            ("ws://a/x y", "' '"),
            ("ws://é/", "xn--"),
            ("ws+unix:a", "begin"),
            ("ws+unix:/a:b", "begin"),
        ] {
            let reason = text.parse::<Url>().expect_err(text);
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
