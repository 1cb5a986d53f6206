//! URLs of brokers: `nats:`, `tls:`, `redis:` and `rediss:`.

use std::{fmt, net::IpAddr, str::FromStr};

use hyper::http::uri::Authority;

use super::credentials::Credentials;
use crate::percent::unescaped;

/// What a broker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// NATS; TLS if the broker asks for it.
    Nats,
    /// NATS, with TLS alone.
    NatsTls,
    /// Redis without TLS.
    Redis,
    /// Redis with TLS.
    RedisTls,
}

const SCHEMES: [(&str, Scheme); 4] = [
    ("nats", Scheme::Nats),
    ("tls", Scheme::NatsTls),
    ("redis", Scheme::Redis),
    ("rediss", Scheme::RedisTls),
];

impl Scheme {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        let found = SCHEMES.into_iter().find(|(_, scheme)| *scheme == self);
        found.map_or("", |(word, _)| word)
    }

    /// Whether nothing is sent without TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Scheme::NatsTls | Scheme::RedisTls)
    }

    /// Whether it is NATS that is spoken.
    pub fn is_nats(self) -> bool {
        matches!(self, Scheme::Nats | Scheme::NatsTls)
    }

    fn default_port(self) -> u16 {
        match self.is_nats() {
            true => 4222,
            false => 6379,
        }
    }
}

/// A broker's URL. It is displayed without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubUrl {
    /// What it speaks.
    pub scheme: Scheme,
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, or token.
    pub credentials: Option<Credentials>,
}

impl HubUrl {
    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Host and port, an IPv6 address in brackets.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = match &self.credentials {
            Some(Credentials::User { .. }) => "***:***@",
            Some(Credentials::Token(_)) => "***@",
            None => "",
        };
        let scheme = self.scheme.as_str();
        write!(formatter, "{scheme}://{hidden}{}", self.authority())
    }
}

impl FromStr for HubUrl {
    type Err = String;

    /// Reasons hold nothing of the credentials.
    fn from_str(text: &str) -> Result<Self, String> {
        let scheme = text.split_once("://").and_then(|(word, rest)| {
            let known = SCHEMES.into_iter();
            let mut known = known.filter(|(name, _)| word.eq_ignore_ascii_case(name));
            known.next().map(|(_, scheme)| (scheme, rest))
        });
        let (scheme, rest) = scheme.ok_or("expected nats://, tls://, redis:// or rediss://")?;
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        check_path(scheme, path)?;
        let authority: Authority = match authority {
            "" => return Err("its host is missing".to_owned()),
            authority => authority
                .parse()
                .map_err(|_| "its host and port are none".to_owned())?,
        };
        Ok(HubUrl {
            scheme,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: port(&authority)?.unwrap_or(scheme.default_port()),
            credentials: credentials.map(parse_credentials).transpose()?,
        })
    }
}

/// Rooms have no database: a number of Redis' is as good as another.
fn check_path(scheme: Scheme, path: &str) -> Result<(), String> {
    let number = path.strip_prefix('/').unwrap_or(path);
    let is_database = !scheme.is_nats() && number.bytes().all(|byte| byte.is_ascii_digit());
    match number.is_empty() || is_database {
        true => Ok(()),
        false => Err("expected nothing behind the host and port".to_owned()),
    }
}

fn port(authority: &Authority) -> Result<Option<u16>, String> {
    let host_end = authority.host().len();
    let Some(port) = authority.as_str()[host_end..].strip_prefix(':') else {
        return Ok(None);
    };
    match port.parse() {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err("its port is no number from 1 to 65535".to_owned()),
    }
}

/// Both parts are decoded after they are divided, so a colon in a name is `%3A`.
fn parse_credentials(text: &str) -> Result<Credentials, String> {
    let decoded = |part: &str| match String::from_utf8(unescaped(part)) {
        Ok(part) if !part.contains(char::is_control) => Ok(part),
        _ => Err("its user or password is no text".to_owned()),
    };
    match text.split_once(':') {
        _ if text.is_empty() || text == ":" => Err("its user or token is missing".to_owned()),
        None => Ok(Credentials::Token(decoded(text)?)),
        Some(("", token)) => Ok(Credentials::Token(decoded(token)?)),
        Some((user, password)) => Ok(Credentials::User {
            user: decoded(user)?,
            password: decoded(password)?,
        }),
    }
}

/// A text that may be a broker's URL, as it may be shown: what stands before the last `@` is `***`.
pub fn without_secrets(text: &str) -> String {
    let Some((before, rest)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    let scheme = before.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some(scheme) => format!("{scheme}://***@{rest}"),
        None => format!("***@{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<HubUrl, String> {
        text.parse()
    }

    #[test]
    fn url_is_shown_without_its_secrets() {
        for (text, shown) in [
            ("nats://broker", "nats://broker:4222"),
            ("NATS://broker:1/", "nats://broker:1"),
            ("tls://[::1]", "tls://[::1]:4222"),
            ("redis://10.0.0.1/3", "redis://10.0.0.1:6379"),
            ("rediss://ann:p%40ss@b:7", "rediss://***:***@b:7"),
            ("nats://s3cret@b", "nats://***@b:4222"),
            ("redis://:s3cret@b", "redis://***@b:6379"),
        ] {
            let url = parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("cret"), "{url:?}");
        }
    }

    #[test]
    fn credentials_are_decoded() {
        let url = parse("redis://a%3Ab:p%40s:s%2F@h").expect("a URL");
        let expected = Credentials::User {
            user: "a:b".to_owned(),
            password: "p@s:s/".to_owned(),
        };
        assert!(url.credentials == Some(expected));
        // What was not encoded, but can be told apart.
        let url = parse("nats://a:p@ss/w@h").expect("a URL");
        assert_eq!(url.host, "h");
    }

    #[test]
    fn what_is_no_url_is_refused_without_a_word_of_its_secrets() {
        for (text, reason) in [
            ("broker:4222", "expected nats://"),
            ("http://ann:s3cret@b", "expected nats://"),
            ("nats://", "host is missing"),
            ("nats://ann:s3cret@", "host is missing"),
            ("nats://b:0", "port"),
            ("nats://b:65536", "port"),
            ("nats://b:x", "port"),
            ("nats://b/3", "nothing behind"),
            ("redis://b/x", "nothing behind"),
            ("redis://b?db=3", "nothing behind"),
            ("nats://@b", "missing"),
            ("nats://:@b", "missing"),
            ("nats://%ff:s3cret@b", "no text"),
            ("nats://a b", "host and port"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(
                error.contains(reason) && !error.contains("s3cret"),
                "{error}"
            );
            assert!(!without_secrets(text).contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (text, is_local) in [
            ("nats://localhost", true),
            ("nats://127.3.2.1", true),
            ("redis://[::1]", true),
            ("redis://10.0.0.1", false),
            ("redis://broker", false),
        ] {
            assert_eq!(parse(text).expect(text).is_local(), is_local, "{text}");
        }
    }
}
