//! Redirects of the listener that does nothing else (`--redirport`): to the canonical port, at a name that is the
//! server's own; and the address by TLS of what a client without has asked for.
//!
//! A redirect only follows what the Host header says if the server is known to be there: else a cache in between
//! could be made to send everybody to another site.

use std::net::IpAddr;

use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
    http::request::Parts,
};

use crate::{
    connection::{ConnectionInfo, certificate_covers},
    http::{
        access::{Access, Authority, is_loopback_name},
        body::{Body, body_from},
        refusal::Refusal,
    },
};

/// Where clients are sent.
#[derive(Debug, Clone)]
pub struct Destination {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The port there.
    pub port: u16,
    /// What the certificates there are for: DNS names, perhaps with a wildcard, and addresses.
    pub names: Vec<String>,
}

/// Sends a client on.
///
/// # Errors
/// 400 for a Host that is missing or malformed, and for a target that cannot be sent back.
pub(in crate::http) fn answer(
    access: &Access,
    request: &Parts,
    connection: &ConnectionInfo,
    to: &Destination,
) -> Result<Response<Body>, Refusal> {
    let host = Access::authority(request)?;
    let host = host_there(host.as_ref(), access, connection, to)
        .ok_or_else(|| Refusal::BadRequest("the Host header is missing".to_owned()))?;
    let target = request.uri.path_and_query().map(|target| target.as_str());
    permanent_redirect(&location(to, &host, target.unwrap_or("/")))
}

/// The address that a client without TLS has asked for, as it is by TLS at the same port; `None` if its Host is none that
/// this server answers to, or names no port where that is not this one.
pub(in crate::http) fn url_by_tls(
    access: &Access,
    request: &Parts,
    connection: &ConnectionInfo,
) -> Option<String> {
    let host = access.host(request, connection).ok()??;
    // Where none is named it is that of http (RFC 9110 §4.2.1), or somebody's in between.
    let of_http = || connection.local.port().filter(|port| *port == 80);
    let to = Destination {
        scheme: "https",
        port: host.port.or_else(of_http)?,
        names: Vec::new(),
    };
    let target = request.uri.path_and_query().map(|target| target.as_str());
    Some(location(&to, &host.name, target.unwrap_or("/")))
}

/// The name to send a client to: the one that it asked for, if that is ours; else the first that is.
fn host_there(
    asked: Option<&Authority>,
    access: &Access,
    connection: &ConnectionInfo,
    to: &Destination,
) -> Option<String> {
    let own = connection.local.ip().map(|ip| ip.to_canonical());
    let is_ours = |name: &str| {
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        access.lists(name)
            || to.names.iter().any(|own| certificate_covers(own, name))
            || address.is_some_and(|address| {
                let is_certified = to.names.iter().any(|own| own.parse() == Ok(address));
                Some(address.to_canonical()) == own || is_certified
            })
            || own.is_some_and(|own| own.is_loopback()) && is_loopback_name(name)
    };
    let asked = asked.map(|asked| asked.name.clone());
    let certified = to.names.iter().find(|name| !name.starts_with("*."));
    asked
        .filter(|name| is_ours(name))
        .or_else(|| access.hosts.first().cloned())
        .or_else(|| certified.map(|name| in_url(name)))
        .or_else(|| own.map(|own| in_url(&own.to_string())))
}

/// An IPv6 address stands in brackets (RFC 3986 §3.2.2).
fn in_url(name: &str) -> String {
    match name.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => name.to_owned(),
    }
}

fn location(to: &Destination, host: &str, target: &str) -> String {
    let scheme = to.scheme;
    // `*` (RFC 9110 §7.1) and CONNECT have no path.
    let target = if target.starts_with('/') { target } else { "/" };
    match (scheme, to.port) {
        ("https", 443) | ("http", 80) => format!("{scheme}://{host}{target}"),
        (_, port) => format!("{scheme}://{host}:{port}{target}"),
    }
}

/// RFC 9110 §15.4.9: method and body are kept.
fn permanent_redirect(location: &str) -> Result<Response<Body>, Refusal> {
    let value = HeaderValue::from_str(location)
        .map_err(|_| Refusal::BadRequest("the URL holds bytes that no URL has".to_owned()))?;
    let mut response = Response::new(body_from(format!("{location}\n")));
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, value);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn host(asked: &str, listener: &str, hosts: &[&str], names: &[&str]) -> String {
        let listener: SocketAddr = listener.parse().expect("an address");
        let connection = ConnectionInfo::new(listener.into(), listener.into());
        let access = Access {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            ..Access::default()
        };
        let to = Destination {
            scheme: "https",
            port: 8443,
            names: names.iter().map(ToString::to_string).collect(),
        };
        let asked: Authority = asked.parse().expect("a host");
        host_there(Some(&asked), &access, &connection, &to).expect("a host")
    }

    #[test]
    fn name_that_is_ours_is_kept() {
        let names = ["example.org", "*.example.org", "192.0.2.7", "2001:db8::7"];
        for (asked, listener, kept) in [
            ("Example.org:80", "192.0.2.1:80", "example.org"),
            ("www.example.org", "192.0.2.1:80", "www.example.org"),
            ("listed.example", "192.0.2.1:80", "listed.example"),
            ("192.0.2.1:80", "192.0.2.1:80", "192.0.2.1"),
            ("192.0.2.7", "192.0.2.1:80", "192.0.2.7"),
            ("[2001:db8::7]", "192.0.2.1:80", "[2001:db8::7]"),
            ("localhost:80", "127.0.0.1:80", "localhost"),
            ("[::1]:80", "127.0.0.1:80", "[::1]"),
        ] {
            let found = host(asked, listener, &["listed.example"], &names);
            assert_eq!(found, kept, "{asked}");
        }
    }

    #[test]
    fn other_names_become_the_first_of_ours() {
        for (hosts, names, first) in [
            (
                &["listed.example"][..],
                &["example.org"][..],
                "listed.example",
            ),
            (&[], &["*.example.org", "example.org"], "example.org"),
            (&[], &["2001:db8::7"], "[2001:db8::7]"),
            (&[], &[], "192.0.2.1"),
        ] {
            for asked in ["evil.example", "localhost", "a.b.example.org", "10.0.0.1"] {
                assert_eq!(host(asked, "192.0.2.1:80", hosts, names), first, "{asked}");
            }
        }
    }

    #[test]
    fn default_port_is_left_out() {
        let to = |scheme, port| Destination {
            scheme,
            port,
            names: Vec::new(),
        };
        for (to, url) in [
            (to("https", 443), "https://h/a?b=%20"),
            (to("https", 80), "https://h:80/a?b=%20"),
            (to("http", 80), "http://h/a?b=%20"),
        ] {
            assert_eq!(location(&to, "h", "/a?b=%20"), url);
        }
        assert_eq!(location(&to("https", 443), "h", "*"), "https://h/");
    }
}
