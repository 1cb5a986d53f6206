//! A target's address, as it is written: [`SocketAddress`].

use std::{fmt, net::Ipv6Addr, path::PathBuf, str::FromStr};

use crate::printable::printable;

/// Bytes of the longest path or abstract name (unix(7): `sun_path` has 108, one of which is NUL).
const LONGEST_PATH: usize = 107;

/// Where a target listens. What is written is parsed, and nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SocketAddress {
    /// `HOST:PORT` or `tcp:HOST:PORT`.
    Tcp(HostPort),
    /// `tls:HOST:PORT`: TLS over TCP.
    Tls(HostPort),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `unix:@NAME`: one of Linux's abstract names (unix(7)), without the `@`.
    Abstract(String),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an IP address, one of IPv6 without its brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

/// Why that is no target's address; a sentence for who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has no form that is known.
    #[error("expected HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT, unix:PATH or unix:@NAME")]
    Form,
    /// The port is none.
    #[error("expected a port from 1 to 65535 behind the last ':'")]
    Port,
    /// The host is none.
    #[error(
        "expected a host name, an IPv4 address, or an IPv6 address in brackets, before the port"
    )]
    Host,
    /// The path or name is too long, or has a NUL byte.
    #[error("expected a path or a name of 1 to {LONGEST_PATH} bytes, none of which is NUL")]
    Path,
}

impl SocketAddress {
    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        matches!(self, SocketAddress::Tls(_))
    }
}

impl FromStr for SocketAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if let Some(rest) = text.strip_prefix("tls:") {
            return host_port(rest).map(SocketAddress::Tls);
        }
        let rest = text.strip_prefix("tcp:").unwrap_or(text);
        host_port(rest).map(SocketAddress::Tcp)
    }
}

fn unix(path: &str) -> Result<SocketAddress, AddressError> {
    let name = path.strip_prefix('@');
    let length = name.unwrap_or(path).len();
    match name {
        _ if length == 0 || length > LONGEST_PATH || path.contains('\0') => Err(AddressError::Path),
        Some(name) => Ok(SocketAddress::Abstract(name.to_owned())),
        None => Ok(SocketAddress::Unix(path.into())),
    }
}

fn host_port(text: &str) -> Result<HostPort, AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::Form)?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_number && *port > 0);
    let port = port.ok_or(AddressError::Port)?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(address) if is_ipv6(address) => address,
        None if is_name(host) => host,
        _ => return Err(AddressError::Host),
    };
    Ok(HostPort {
        host: host.to_owned(),
        port,
    })
}

/// Whether it is an address, perhaps with a zone (RFC 4007 §11).
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.bytes().all(is_name_byte)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostPort { host, port } = self;
        match host.contains(':') {
            true => write!(formatter, "[{host}]:{port}"),
            false => write!(formatter, "{host}:{port}"),
        }
    }
}

impl fmt::Display for SocketAddress {
    /// With its scheme always: `tcp:localhost:5901`; safe to print.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketAddress::Tcp(address) => write!(formatter, "tcp:{address}"),
            SocketAddress::Tls(address) => write!(formatter, "tls:{address}"),
            SocketAddress::Unix(path) => {
                let path = path.display().to_string();
                write!(formatter, "unix:{}", printable(&path))
            }
            SocketAddress::Abstract(name) => write!(formatter, "unix:@{}", printable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown_with_its_scheme() {
        for (text, shown) in [
            ("localhost:5901", "tcp:localhost:5901"),
            ("tcp:localhost:5901", "tcp:localhost:5901"),
            ("10.0.0.1:1", "tcp:10.0.0.1:1"),
            ("[::1]:65535", "tcp:[::1]:65535"),
            ("tcp:[fe80::1%eth0]:80", "tcp:[fe80::1%eth0]:80"),
            ("tls:db.example:5433", "tls:db.example:5433"),
            ("unix:/run/x=y.sock", "unix:/run/x=y.sock"),
            ("unix:relative", "unix:relative"),
            ("unix:@name with space", "unix:@name with space"),
        ] {
            let address: SocketAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let long = format!("unix:{}", "x".repeat(LONGEST_PATH + 1));
        for (text, error) in [
            ("", AddressError::Form),
            ("localhost", AddressError::Form),
            ("tcp:", AddressError::Form),
            ("tls:5900", AddressError::Form),
            ("localhost:", AddressError::Port),
            ("localhost:0", AddressError::Port),
            ("localhost:65536", AddressError::Port),
            ("localhost:+80", AddressError::Port),
            ("localhost:http", AddressError::Port),
            (":80", AddressError::Host),
            ("::1:80", AddressError::Host),
            ("[::1:80", AddressError::Host),
            ("[localhost]:80", AddressError::Host),
            ("[::1%]:80", AddressError::Host),
            ("http://localhost:80", AddressError::Host),
            ("ssl:localhost:80", AddressError::Host),
            ("a b:80", AddressError::Host),
            ("unix:", AddressError::Path),
            ("unix:@", AddressError::Path),
            ("unix:a\0b", AddressError::Path),
            (&long, AddressError::Path),
        ] {
            assert_eq!(text.parse::<SocketAddress>(), Err(error), "{text:?}");
        }
    }
}
