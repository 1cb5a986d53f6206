//! The PROXY header that a target gets before all else
//! (<https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>; sections below are of this text).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connection::{ConnectionInfo, Endpoint};

/// Which form the header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// A line of text (§2.1).
    Version1,
    /// Binary (§2.2).
    Version2,
}

/// What a header of version 2 begins with (§2.2).
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2 with the command LOCAL, or PROXY.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
/// TCP over IPv4, over IPv6, or nothing that is told.
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;

impl ProxyHeader {
    /// The header of a client: its address, and the one that it reached. A client without an address (a unix
    /// socket) is `UNKNOWN`, `LOCAL`; a port that is not known is 0.
    pub(super) fn bytes(self, connection: &ConnectionInfo) -> Vec<u8> {
        let ends = ends(connection);
        match (self, ends) {
            (ProxyHeader::Version1, None) => b"PROXY UNKNOWN\r\n".to_vec(),
            (ProxyHeader::Version1, Some((remote, reached))) => line(remote, reached).into_bytes(),
            (ProxyHeader::Version2, None) => [&SIGNATURE[..], &[LOCAL, UNSPECIFIED, 0, 0]].concat(),
            (ProxyHeader::Version2, Some((remote, reached))) => binary(remote, reached),
        }
    }
}

/// Both ends in one family. Where the client is known but not the address that it reached, as behind a proxy on a
/// unix socket, that is the unspecified one.
fn ends(connection: &ConnectionInfo) -> Option<(SocketAddr, SocketAddr)> {
    let Endpoint::Ip(remote) = connection.remote else {
        return None;
    };
    let reached = match connection.reached {
        Endpoint::Ip(reached) => reached,
        Endpoint::Unix(_) if remote.is_ipv4() => (Ipv4Addr::UNSPECIFIED, 0).into(),
        Endpoint::Unix(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    match remote.is_ipv4() == reached.is_ipv4() {
        true => Some((remote, reached)),
        false => Some((mapped(remote), mapped(reached))),
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddr::new(ip.into(), address.port())
}

fn line(remote: SocketAddr, reached: SocketAddr) -> String {
    let family = if remote.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (text(remote.ip()), text(reached.ip()));
    let ports = format!("{} {}", remote.port(), reached.port());
    format!("PROXY {family} {from} {to} {ports}\r\n")
}

/// Of IPv6 hexadecimal digits alone: a mapped address is not written with dots (§2.1).
fn text(ip: IpAddr) -> String {
    match ip {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            let [.., high, low] = ip.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        ip => ip.to_string(),
    }
}

fn binary(remote: SocketAddr, reached: SocketAddr) -> Vec<u8> {
    let (family, addresses) = match (remote.ip(), reached.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => (TCP4, [from.octets(), to.octets()].concat()),
        (from, to) => (TCP6, [octets(from), octets(to)].concat()),
    };
    let ports = [remote.port(), reached.port()].map(u16::to_be_bytes);
    // 12 or 36.
    let length = (addresses.len() + 4) as u16;
    [
        &SIGNATURE[..],
        &[PROXY, family],
        &length.to_be_bytes(),
        &addresses,
        ports.as_flattened(),
    ]
    .concat()
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(remote: &str, reached: Option<&str>) -> ConnectionInfo {
        let endpoint = |text: &str| Endpoint::Ip(text.parse().expect("an address"));
        let reached = reached.map_or(Endpoint::Unix(None), endpoint);
        ConnectionInfo::new(reached, endpoint(remote))
    }

    #[test]
    fn line_tells_both_ends_in_one_family() {
        for (remote, reached, expected) in [
            (
                "192.0.2.1:5000",
                Some("198.51.100.1:80"),
                "TCP4 192.0.2.1 198.51.100.1 5000 80",
            ),
            (
                "[2001:db8::1]:5000",
                Some("[::1]:80"),
                "TCP6 2001:db8::1 ::1 5000 80",
            ),
            (
                "[2001:db8::1]:0",
                Some("192.0.2.1:80"),
                "TCP6 2001:db8::1 ::ffff:c000:201 0 80",
            ),
            ("192.0.2.1:5000", None, "TCP4 192.0.2.1 0.0.0.0 5000 0"),
            ("[2001:db8::1]:5000", None, "TCP6 2001:db8::1 :: 5000 0"),
        ] {
            let header = ProxyHeader::Version1.bytes(&connection(remote, reached));
            assert_eq!(header, format!("PROXY {expected}\r\n").as_bytes());
        }
    }

    #[test]
    fn client_without_an_address_is_unknown() {
        let unix = Endpoint::Unix(None);
        let connection = ConnectionInfo::new(unix, unix);
        assert_eq!(
            ProxyHeader::Version1.bytes(&connection),
            b"PROXY UNKNOWN\r\n"
        );
        let expected = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
        assert_eq!(ProxyHeader::Version2.bytes(&connection), expected);
    }

    #[test]
    fn binary_header_has_the_bytes_of_the_addresses() {
        let header =
            ProxyHeader::Version2.bytes(&connection("192.0.2.1:5000", Some("10.0.0.1:80")));
        let expected = [192, 0, 2, 1, 10, 0, 0, 1, 0x13, 0x88, 0, 80];
        assert_eq!(
            header,
            [&SIGNATURE[..], &[0x21, 0x11, 0, 12], &expected].concat()
        );
        let header = ProxyHeader::Version2.bytes(&connection("[::1]:1", Some("10.0.0.1:80")));
        assert_eq!(header[12..16], [0x21, 0x21, 0, 36]);
        assert_eq!(header.len(), 16 + 36);
    }
}
