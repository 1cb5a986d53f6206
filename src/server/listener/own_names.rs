//! Subject names of the machine itself: what others call it who come to what it listens on: [`own_names`].

use std::net::IpAddr;

use nix::unistd;

use super::{address::Address, interface};

/// How many addresses are named. A host of many containers has hundreds, and all of them would be in each handshake;
/// the start tells people fewer.
const MOST: usize = 64;

/// The names by which clients on other machines know this one, where it listens on these addresses: the addresses, for a
/// wildcard those of its interfaces, and its host name. None where it is reached from itself alone.
pub(in crate::server) fn own_names(addresses: &[Address]) -> Vec<String> {
    let mut named = Vec::new();
    for ip in addresses.iter().flat_map(|one| reached_at(*one, addresses)) {
        if !named.contains(&ip) && named.len() < MOST {
            named.push(ip);
        }
    }
    if named.is_empty() {
        return Vec::new();
    }
    let names = named.iter().map(IpAddr::to_string);
    names.chain(host_name()).collect()
}

/// Where other machines reach an address, which is listened on beside others.
fn reached_at(address: Address, beside: &[Address]) -> Vec<IpAddr> {
    match address {
        Address::Localhost => Vec::new(),
        Address::LinkLocal(ip, _) => vec![ip.into()],
        Address::Ip(ip) if ip.is_unspecified() => {
            let takes_v4 = ip.is_ipv4() || !beside.iter().any(|other| other.is_ipv4());
            interface::public_addresses(takes_v4, ip.is_ipv6())
        }
        Address::Ip(ip) if ip.to_canonical().is_loopback() => Vec::new(),
        Address::Ip(ip) => vec![ip],
    }
}

/// The host name (gethostname(2)), where it can be one in a URL.
fn host_name() -> Option<String> {
    let name = unistd::gethostname().ok()?.into_string().ok()?;
    is_host_name(&name).then(|| name.to_ascii_lowercase())
}

/// Whether it is a name (RFC 1123 §2.1), and not that of every machine.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_of_it)
    };
    name.split('.').all(is_label) && name.parse::<IpAddr>().is_err() && name != "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(addresses: &[&str]) -> Vec<String> {
        let ip = |word: &&str| Address::Ip(word.parse().expect("an address"));
        let addresses: Vec<_> = addresses.iter().map(ip).collect();
        let mut names = own_names(&addresses);
        names.retain(|name| name.parse::<IpAddr>().is_ok());
        names
    }

    #[test]
    fn machine_that_is_reached_from_itself_alone_has_no_names() {
        assert!(own_names(&[Address::Localhost]).is_empty());
        assert!(names(&["127.0.0.1", "::1", "127.0.0.2"]).is_empty());
    }

    #[test]
    fn address_that_is_listened_on_is_a_name_once() {
        let found = names(&["192.0.2.7", "127.0.0.1", "2001:db8::7", "192.0.2.7"]);
        assert_eq!(found, ["192.0.2.7", "2001:db8::7"]);
    }

    #[test]
    fn wildcard_stands_for_the_addresses_that_the_start_names() {
        let ips = |v4, v6| {
            let ips = interface::public_addresses(v4, v6).into_iter();
            ips.map(|ip| ip.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["0.0.0.0"]), ips(true, false));
        assert_eq!(names(&["::"]), ips(true, true));
        assert_eq!(names(&["::", "127.0.0.1"]), ips(false, true));
    }

    #[test]
    fn host_name_is_one_that_browsers_take() {
        for name in ["laptop", "Laptop-7.example", "7up"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in [
            "",
            "localhost",
            "my laptop",
            "192.0.2.7",
            "a..b",
            "my_laptop",
            "é",
        ] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
