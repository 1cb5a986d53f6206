//! IP addresses to listen on, and the words that name them: [`Address`], [`resolve`].

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs},
    num::NonZeroU32,
};

use super::interface;

/// An address to be bound, on a port that stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// This machine, for itself alone: 127.0.0.1 and, where it has IPv6, ::1. To its clients both are `localhost`,
    /// and which of them a program tries first is its own affair.
    Localhost,
    /// One address, or all of a family.
    Ip(IpAddr),
    /// An address of one link, in its zone (RFC 4007 §6): the index of the interface that leads there.
    LinkLocal(Ipv6Addr, NonZeroU32),
}

/// What is bound for an [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bindable {
    pub(super) address: SocketAddr,
    /// Whether it is one of those that are `localhost` together.
    pub(super) is_localhost: bool,
    /// Whether a machine without such an address does without.
    pub(super) is_optional: bool,
}

impl Address {
    /// What is bound for it, on a port that is still to be set.
    pub(super) fn bindables(self) -> Vec<Bindable> {
        let one = |address: SocketAddr| Bindable {
            address,
            is_localhost: false,
            is_optional: false,
        };
        match self {
            Address::Ip(ip) => vec![one(SocketAddr::new(ip, 0))],
            Address::LinkLocal(ip, zone) => {
                vec![one(SocketAddrV6::new(ip, 0, 0, zone.get()).into())]
            }
            Address::Localhost => {
                let loopback = |ip: IpAddr| Bindable {
                    is_localhost: true,
                    is_optional: ip.is_ipv6(),
                    ..one(SocketAddr::new(ip, 0))
                };
                vec![
                    loopback(Ipv4Addr::LOCALHOST.into()),
                    loopback(Ipv6Addr::LOCALHOST.into()),
                ]
            }
        }
    }

    /// Whether it takes clients of IPv4 alone.
    pub(super) fn is_ipv4(self) -> bool {
        matches!(self, Address::Ip(IpAddr::V4(_)))
    }
}

/// Why a word names no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A port stands behind the address.
    #[error("expected an address without a port")]
    WithPort,
    /// Digits, but no address.
    #[error("this is not an IP address")]
    NotAnAddress,
    /// Nor a name.
    #[error("this is neither an IP address nor a host name that can be resolved")]
    Unresolved,
    /// Every link has such addresses.
    #[error("a link-local address needs its interface: {0}%eth0, for example")]
    WithoutZone(Ipv6Addr),
    /// It would be listened on for clients of other interfaces too.
    #[error("an interface belongs to a link-local address (fe80::…) alone")]
    NotOfALink,
    /// None that this machine has.
    #[error("there is no network interface '{zone}'; there is {existing}")]
    NoInterface {
        /// What was given for one.
        zone: String,
        /// Names of those that are there.
        existing: String,
    },
}

/// The addresses that a word names: an IPv4 address, an IPv6 address with or without brackets, with its interface
/// if it is one of a link (`fe80::1%eth0`), a host name.
///
/// # Errors
/// What is wrong with the word.
pub fn resolve(word: &str) -> Result<Vec<Address>, AddressError> {
    if is_localhost(word) {
        return Ok(vec![Address::Localhost]);
    }
    let bare = match word.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((bare, "")) => bare,
            Some((_, rest)) if is_port(rest) => return Err(AddressError::WithPort),
            _ => return Err(AddressError::NotAnAddress),
        },
        None => word,
    };
    if let Some((ip, zone)) = bare.split_once('%') {
        return Ok(vec![link_local(ip, zone)?]);
    }
    match bare.parse() {
        Ok(IpAddr::V6(ip)) if ip.is_unicast_link_local() => {
            return Err(AddressError::WithoutZone(ip));
        }
        Ok(ip) => return Ok(vec![Address::Ip(ip)]),
        Err(_) => {}
    }
    if word.parse::<SocketAddr>().is_ok() {
        return Err(AddressError::WithPort);
    }
    let is_numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':');
    if bare.bytes().all(is_numeric) {
        return Err(AddressError::NotAnAddress);
    }
    match (word, 0).to_socket_addrs() {
        Ok(found) => Ok(found.map(Address::from).collect()),
        Err(_) => Err(AddressError::Unresolved),
    }
}

/// RFC 6761 §6.3: a name that is never looked up.
fn is_localhost(word: &str) -> bool {
    let name = word.strip_suffix('.').unwrap_or(word);
    name.eq_ignore_ascii_case("localhost")
}

fn is_port(rest: &str) -> bool {
    let digits = rest.strip_prefix(':');
    digits.is_some_and(|digits| digits.parse::<u16>().is_ok())
}

/// An interface is named, or counted (RFC 4007 §11).
fn link_local(ip: &str, zone: &str) -> Result<Address, AddressError> {
    let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError::NotAnAddress)?;
    if !ip.is_unicast_link_local() {
        return Err(AddressError::NotOfALink);
    }
    match interface::index(zone) {
        Some(index) => Ok(Address::LinkLocal(ip, index)),
        None => Err(AddressError::NoInterface {
            zone: zone.to_owned(),
            existing: interface::names().join(", "),
        }),
    }
}

impl From<SocketAddr> for Address {
    /// The address as a resolver finds it, whatever its port.
    fn from(found: SocketAddr) -> Self {
        match found {
            SocketAddr::V6(found) => match NonZeroU32::new(found.scope_id()) {
                Some(zone) => Address::LinkLocal(*found.ip(), zone),
                None => Address::Ip(found.ip().to_owned().into()),
            },
            SocketAddr::V4(found) => Address::Ip(found.ip().to_owned().into()),
        }
    }
}

/// An address as people write it, with the name of its interface: `127.0.0.1:80`, `[fe80::1%eth0]:80`. In a URL the
/// percent sign is escaped (RFC 6874 §2).
pub(super) fn with_zone(address: SocketAddr, percent: &str) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let (ip, zone, port) = (v6.ip(), interface::name(v6.scope_id()), v6.port());
            format!("[{ip}{percent}{zone}]:{port}")
        }
        address => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_brackets() {
        for (word, address) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::]", "::")] {
            assert_eq!(
                resolve(word).expect(word),
                [Address::Ip(address.parse().expect(address))]
            );
        }
    }

    #[test]
    fn localhost_is_both_loopback_addresses() {
        for word in ["localhost", "LocalHost", "localhost."] {
            assert_eq!(resolve(word).expect(word), [Address::Localhost]);
        }
    }

    #[test]
    fn address_with_a_port_is_told_from_other_nonsense() {
        for (word, error) in [
            ("127.0.0.1:80", AddressError::WithPort),
            ("[::1]:80", AddressError::WithPort),
            ("[fe80::1%eth0]:80", AddressError::WithPort),
            ("300.0.0.1", AddressError::NotAnAddress),
            ("[::1", AddressError::NotAnAddress),
            ("[::1]x", AddressError::NotAnAddress),
            ("127.0.0.1%lo", AddressError::NotAnAddress),
            ("no such name", AddressError::Unresolved),
            ("::%lo", AddressError::NotOfALink),
            ("::1%lo", AddressError::NotOfALink),
            (
                "fe80::1",
                AddressError::WithoutZone("fe80::1".parse().expect("an address")),
            ),
        ] {
            assert_eq!(resolve(word), Err(error), "{word}");
        }
    }

    #[test]
    fn zone_is_a_name_or_a_number_of_an_interface() {
        let names = interface::names();
        let name = names
            .first()
            .expect("every machine has a loopback interface");
        let index = interface::index(name).expect("it is there");
        let ip = "fe80::1".parse().expect("an address");
        for word in [
            format!("fe80::1%{name}"),
            format!("[fe80::1%{name}]"),
            format!("FE80::1%{index}"),
        ] {
            assert_eq!(
                resolve(&word).expect(&word),
                [Address::LinkLocal(ip, index)]
            );
        }
        for zone in ["", "0", "nope0", "4294967295", "-1", "+1", "nope\0"] {
            let error = resolve(&format!("fe80::1%{zone}")).expect_err(zone);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn zone_is_written_by_its_name() {
        let names = interface::names();
        let name = names
            .first()
            .expect("every machine has a loopback interface");
        let index = interface::index(name).expect("it is there").get();
        let address = SocketAddrV6::new("fe80::1".parse().expect("an address"), 80, 0, index);
        assert_eq!(
            with_zone(address.into(), "%"),
            format!("[fe80::1%{name}]:80")
        );
        let nowhere = SocketAddrV6::new("fe80::1".parse().expect("an address"), 80, 0, u32::MAX);
        assert_eq!(
            with_zone(nowhere.into(), "%25"),
            "[fe80::1%254294967295]:80"
        );
    }
}
