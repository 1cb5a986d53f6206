//! Proxy selection: which proxy stands before a server, as the environment says it, in the names that curl(1)
//! reads.
//!
//! hyper-util's `Matcher` reads the same, but goes past a proxy that it cannot use, without a word, and past
//! all of them in a CGI script; and it knows neither ports nor `*.example` nor spaces in `no_proxy`.

use std::net::IpAddr;

use hyper::{
    Uri,
    header::HeaderValue,
    http::uri::{Authority, Scheme},
};
use ipnet::IpNet;

use super::url::{self, ServerAddress, Url};

/// The port of a proxy that names none.
const DEFAULT_PORT: u16 = 80;

/// An HTTP proxy that is asked for a tunnel (RFC 9110 §9.3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `Proxy-Authorization`, if its URL names a user.
    pub(super) authorization: Option<HeaderValue>,
}

/// The proxy for a server, of the environment's variables; `None` to go there directly.
///
/// # Errors
/// The variable that names no proxy that can be used, and why.
pub(super) fn proxy_for(
    server: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, String> {
    let ServerAddress::Host(host, port) = &server.place else {
        return Ok(None);
    };
    let names = match server.is_tls {
        true => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    // In a CGI script HTTP_PROXY is a header of whoever asks (httpoxy).
    let is_script = variable("REQUEST_METHOD").is_some();
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let found = names
        .into_iter()
        .filter(|name| !(is_script && *name == "HTTP_PROXY"))
        .find_map(|name| Some((name, given(name)?)));
    let Some((name, value)) = found else {
        return Ok(None);
    };
    let exceptions = given("no_proxy").or_else(|| given("NO_PROXY"));
    if exceptions.is_some_and(|list| is_exempt(host, *port, &list)) {
        return Ok(None);
    }
    let parsed = parse(&value);
    parsed.map(Some).map_err(|reason| {
        format!("the proxy of {name} cannot be used: {reason}; no_proxy={host} goes there directly")
    })
}

fn parse(text: &str) -> Result<Proxy, String> {
    let text = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("it is no URL: {error}"))?;
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err("only http:// proxies can, which are asked for a tunnel".to_owned());
    }
    let authority: &Authority = uri.authority().ok_or("its host is missing")?;
    Ok(Proxy {
        host: authority.host().trim_matches(['[', ']']).to_owned(),
        port: url::port(authority)?.unwrap_or(DEFAULT_PORT),
        authorization: url::authorization(authority),
    })
}

/// Whether a host is in a list: names with all beneath them, addresses, networks, `*`; each perhaps with
/// a port.
fn is_exempt(host: &str, port: u16, list: &str) -> bool {
    let words = list.split([',', ' ']).filter(|word| !word.is_empty());
    words.into_iter().any(|word| matches(host, port, word))
}

fn matches(host: &str, port: u16, word: &str) -> bool {
    if word == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>()
        && let Some(network) = network(word)
    {
        return network.contains(&address);
    }
    let (name, of_port) = match word.rsplit_once(':') {
        Some((name, number)) if !name.contains(':') || name.ends_with(']') => {
            (name, number.parse().ok())
        }
        _ => (word, None),
    };
    let name = name.trim_matches(['[', ']']).trim_start_matches("*.");
    let name = name.trim_matches('.').to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_beneath = host
        .strip_suffix(&name)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.is_empty() && is_beneath && of_port.is_none_or(|of: u16| of == port)
}

fn network(word: &str) -> Option<IpNet> {
    let address = word.trim_matches(['[', ']']).parse::<IpAddr>();
    word.parse().ok().or(address.map(IpNet::from).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, environment: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let found = proxy_for(&url.parse().expect("a URL"), variable)?;
        Ok(found.map(|proxy| format!("{}:{}", proxy.host, proxy.port)))
    }

    #[test]
    fn variable_of_the_scheme_goes_before_that_of_all() {
        let all = ("ALL_PROXY", "all:1");
        for (url, environment, expected) in [
            (
                "ws://a",
                &[("http_proxy", "http://p:3128"), all][..],
                "p:3128",
            ),
            ("ws://a", &[("HTTP_PROXY", "p:3128/"), all], "p:3128"),
            (
                "ws://a",
                &[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET"), all],
                "all:1",
            ),
            ("wss://a", &[("HTTP_PROXY", "p"), all], "all:1"),
            ("wss://a", &[("HTTPS_PROXY", "http://[::1]:9")], "::1:9"),
            (
                "wss://a",
                &[("https_proxy", ""), ("HTTPS_PROXY", "p")],
                "p:80",
            ),
        ] {
            assert_eq!(proxy(url, environment), Ok(Some(expected.to_owned())));
        }
        assert_eq!(proxy("ws://a", &[("HTTPS_PROXY", "p")]), Ok(None));
        assert_eq!(proxy("ws+unix:/a", &[all]), Ok(None));
    }

    #[test]
    fn proxy_of_another_kind_is_an_error_that_names_the_variable() {
        for value in ["socks5://p:1080", "https://p", "http://"] {
            let error = proxy("ws://a", &[("ALL_PROXY", value)]).expect_err(value);
            assert!(error.contains("ALL_PROXY"), "{error}");
            assert!(error.contains("no_proxy=a goes"), "{error}");
        }
    }

    #[test]
    fn exceptions_are_names_networks_or_all() {
        for (host, list, exempt) in [
            ("a.example", "example", true),
            ("a.example", ".example", true),
            ("a.example", "*.example", true),
            ("A.Example", "x, a.example", true),
            ("a.example", "a.example:80", true),
            ("a.example", "a.example:81", false),
            ("ba.example", "a.example", false),
            ("a.example", "b", false),
            ("a.example", "*", true),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("::1", "[::1]", true),
            ("a.example", ",", false),
        ] {
            assert_eq!(is_exempt(host, 80, list), exempt, "{host} in {list}");
        }
    }
}
