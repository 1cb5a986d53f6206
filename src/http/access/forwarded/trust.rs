//! Trusted proxies: which are believed, and how far ([`TrustedProxies`]).

use std::{borrow::Cow, net::IpAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

use super::{super::connection_limits::network, custom, hop::Hop, prefix, standard};
use crate::{
    connection::{ConnectionInfo, Endpoint, Forwarded},
    http::refusal::Refusal,
};

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    /// By address.
    pub networks: Vec<IpNet>,
    /// Clients of a unix socket.
    pub unix: bool,
    /// Whether they are believed in which path they have the site.
    pub prefix: bool,
}

impl TrustedProxies {
    /// Whether an end of a connection is a trusted proxy.
    pub fn includes(&self, endpoint: &Endpoint) -> bool {
        match endpoint {
            Endpoint::Unix(_) => self.unix,
            Endpoint::Ip(address) => {
                let mut networks = self.networks.iter();
                networks.any(|network| network.contains(&address.ip()))
            }
        }
    }

    /// The network that a client is told from others by. A proxy stands for many, and who has no address cannot be
    /// told.
    pub(in crate::http) fn network_of(&self, client: &Endpoint) -> Option<IpAddr> {
        let address = client.ip().filter(|_| !self.includes(client));
        address.map(network)
    }

    /// A connection as the headers of a request show it, as far as they are to be believed: with the
    /// client in place of the proxy.
    ///
    /// # Errors
    /// 400 for a `Forwarded` of a trusted proxy that cannot be read, since what it hides may be a client's.
    pub(in crate::http) fn resolve_client<'a>(
        &self,
        headers: &HeaderMap,
        connection: &'a ConnectionInfo,
    ) -> Result<Cow<'a, ConnectionInfo>, Refusal> {
        if !self.includes(&connection.remote) {
            return Ok(Cow::Borrowed(connection));
        }
        let hops = match standard::hops(headers) {
            None => return Err(bad("the Forwarded header is malformed")),
            Some(hops) if hops.is_empty() => custom::hops(headers),
            Some(hops) => hops,
        };
        let mut resolved = match self.nearest_client(&hops, connection.remote) {
            None => Cow::Borrowed(connection),
            Some((remote, forwarded)) => Cow::Owned(ConnectionInfo {
                remote,
                remote_name: None,
                forwarded: Some(forwarded),
                ..connection.clone()
            }),
        };
        let prefix = self.prefix.then(|| prefix::find(headers)).flatten();
        if let Some(prefix) = prefix {
            prefix.clone_into(&mut resolved.to_mut().prefix);
        }
        Ok(resolved)
    }

    /// From the nearest hop on, as far as they are trusted.
    fn nearest_client(&self, hops: &[Hop], peer: Endpoint) -> Option<(Endpoint, Forwarded)> {
        let mut nearest = None;
        let mut remote = peer;
        for hop in hops.iter().rev() {
            remote = hop.client.map_or(remote, Endpoint::from);
            let forwarded = Forwarded {
                is_https: hop.proto.as_deref().map(is_secure),
                host: hop.host.clone(),
            };
            nearest = Some((remote, forwarded));
            if hop.client.is_none() || !self.includes(&remote) {
                break;
            }
        }
        nearest
    }
}

fn bad(reason: &str) -> Refusal {
    Refusal::BadRequest(reason.to_owned())
}

fn is_secure(proto: &str) -> bool {
    proto.eq_ignore_ascii_case("https") || proto.eq_ignore_ascii_case("wss")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};
    use std::net::SocketAddr;

    fn trust(networks: &str) -> TrustedProxies {
        TrustedProxies {
            networks: networks
                .split_whitespace()
                .map(|network| network.parse().expect(network))
                .collect(),
            ..TrustedProxies::default()
        }
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::try_from(*name).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        headers
    }

    fn peer() -> Endpoint {
        "10.0.0.1:999"
            .parse::<SocketAddr>()
            .expect("an address")
            .into()
    }

    fn connection(remote: Endpoint) -> ConnectionInfo {
        ConnectionInfo::new(peer(), remote)
    }

    /// The client, and whether it came by TLS, and its Host, as text.
    fn nearest_client(lines: &[(&str, &str)]) -> String {
        let direct = connection(peer());
        let trust = trust("10.0.0.0/8 fd00::/8");
        let (remote, forwarded) = match trust.resolve_client(&headers(lines), &direct) {
            Err(refusal) => return refusal.to_string(),
            Ok(resolve_client) => (resolve_client.remote, resolve_client.forwarded.clone()),
        };
        let Some(Forwarded { is_https, host }) = forwarded else {
            return "nothing".to_owned();
        };
        let scheme = is_https.map_or("-", |is_https| if is_https { "https" } else { "http" });
        format!(
            "{remote} {scheme} {}",
            host.unwrap_or_else(|| "-".to_owned())
        )
    }

    #[test]
    fn rightmost_hop_that_is_not_trusted_is_the_client() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1 - -"),
            ("1.1.1.1, 192.0.2.1", "192.0.2.1 - -"),
            ("1.1.1.1, 192.0.2.1, 10.0.0.2", "192.0.2.1 - -"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3 - -"),
            ("evil, 192.0.2.1:5000 , 10.0.0.2", "192.0.2.1:5000 - -"),
            ("2001:db8::1, [fd00::1]:80", "2001:db8::1 - -"),
            ("::ffff:192.0.2.1", "192.0.2.1 - -"),
            ("[::ffff:192.0.2.1]:80, ::ffff:10.0.0.2", "192.0.2.1:80 - -"),
            ("192.0.2.1:_hidden", "192.0.2.1 - -"),
            ("[2001:db8::1]:_hidden", "2001:db8::1 - -"),
            ("192.0.2.1:99999", "10.0.0.1:999 - -"),
            // Nobody knows who is behind the nearest proxy that is trusted.
            ("192.0.2.1, unknown", "10.0.0.1:999 - -"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2 - -"),
            ("", "10.0.0.1:999 - -"),
        ] {
            assert_eq!(
                nearest_client(&[("x-forwarded-for", value)]),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn forwarded_tells_scheme_and_host_of_the_same_hop() {
        for (value, expected) in [
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                "192.0.2.60 http -",
            ),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                "[2001:db8:cafe::17]:4711 - -",
            ),
            (
                "for=192.0.2.43;proto=https;host=a.example, for=10.0.0.9;proto=http;host=b.example",
                "192.0.2.43 https a.example",
            ),
            (
                "for=_hidden, for=192.0.2.1;host=\"h:81\"",
                "192.0.2.1 - h:81",
            ),
            ("for=192.0.2.1 ; proto=HTTPS", "192.0.2.1 https -"),
            ("proto=https", "10.0.0.1:999 https -"),
        ] {
            assert_eq!(nearest_client(&[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn lines_are_one_list() {
        let lines = [
            ("forwarded", "for=1.1.1.1"),
            ("forwarded", "for=192.0.2.1, for=10.0.0.2"),
        ];
        assert_eq!(nearest_client(&lines), "192.0.2.1 - -");
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(nearest_client(&lines), "192.0.2.1 - -");
    }

    #[test]
    fn forwarded_that_cannot_be_read_is_refused() {
        let refusal = nearest_client(&[("forwarded", "garbage, for=192.0.2.1")]);
        assert!(refusal.contains("malformed"), "{refusal}");
    }

    #[test]
    fn forwarded_wins_over_the_others() {
        let lines = [
            ("forwarded", "for=\"192.0.2.1:80\""),
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "h"),
        ];
        assert_eq!(nearest_client(&lines), "192.0.2.1:80 - -");
    }

    #[test]
    fn empty_forwarded_says_nothing() {
        let lines = [("forwarded", ""), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(nearest_client(&lines), "192.0.2.1 - -");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nobody() {
        let mut lines = headers(&[]);
        let value = HeaderValue::from_bytes(b"\xe9, 192.0.2.1").expect("a value");
        lines.append("x-forwarded-for", value);
        let direct = connection(peer());
        let seen = trust("10.0.0.0/8")
            .resolve_client(&lines, &direct)
            .expect("well-formed");
        assert_eq!(seen.remote.to_string(), "192.0.2.1");
    }

    #[test]
    fn ten_thousand_hops_are_gone_through() {
        let hops = vec!["10.0.0.1"; 9_999].join(",");
        let value = format!("192.0.2.1,{hops}");
        assert_eq!(
            nearest_client(&[("x-forwarded-for", &value)]),
            "192.0.2.1 - -"
        );
    }

    #[test]
    fn scheme_and_host_may_be_said_once_or_for_each_hop() {
        let clients = ("x-forwarded-for", "192.0.2.1, 10.0.0.2");
        for (proto, expected) in [
            ("https", "192.0.2.1 https h"),
            ("https, http", "192.0.2.1 https h"),
            ("http, https", "192.0.2.1 http h"),
            ("evil, http, https", "192.0.2.1 https h"),
        ] {
            let lines = [
                clients,
                ("x-forwarded-proto", proto),
                ("x-forwarded-host", "h"),
            ];
            assert_eq!(nearest_client(&lines), expected, "{proto}");
        }
        assert_eq!(
            nearest_client(&[("x-forwarded-proto", "https")]),
            "10.0.0.1:999 https -"
        );
    }

    #[test]
    fn nothing_is_believed_of_a_stranger() {
        let lines = headers(&[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")]);
        let is_believed = |trust: TrustedProxies, remote: Endpoint| {
            let direct = connection(remote);
            let seen = trust.resolve_client(&lines, &direct).expect("well-formed");
            seen.forwarded.is_some()
        };
        assert!(!is_believed(trust("172.16.0.0/12"), peer()));
        let unix = Endpoint::Unix(None);
        assert!(!is_believed(trust("0.0.0.0/0"), unix));
        let any = TrustedProxies {
            unix: true,
            ..TrustedProxies::default()
        };
        assert!(is_believed(any, unix));
    }

    #[test]
    fn prefix_of_a_trusted_proxy_counts_where_it_is_wanted() {
        let lines = headers(&[("x-forwarded-prefix", "/app/")]);
        let prefix = |networks, is_wanted| {
            let trust = TrustedProxies {
                prefix: is_wanted,
                ..trust(networks)
            };
            let direct = connection(peer());
            let resolved = trust.resolve_client(&lines, &direct).expect("well-formed");
            assert!(resolved.forwarded.is_none());
            resolved.prefix.clone()
        };
        assert_eq!(prefix("10.0.0.0/8", true), "/app");
        assert_eq!(prefix("10.0.0.0/8", false), "");
        assert_eq!(prefix("172.16.0.0/12", true), "");
    }

    #[test]
    fn proxy_that_says_nothing_is_the_client() {
        assert_eq!(nearest_client(&[]), "nothing");
    }
}
