//! `localhost`: this machine, whatever name servers say (RFC 6761 §6.3).

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// What a look-up has found for a host; or the loopback addresses, if it is called `localhost` and nobody knows that
/// name: a root that debootstrap(8) has made has no `/etc/hosts`, nor has an image with nothing in it.
///
/// # Errors
/// The look-up's, for any other name.
pub(crate) fn or_loopback(
    host: &str,
    port: u16,
    found: io::Result<Vec<SocketAddr>>,
) -> io::Result<Vec<SocketAddr>> {
    let is_found = found.as_ref().is_ok_and(|found| !found.is_empty());
    match is_found || !is_localhost(host) {
        true => found,
        false => Ok(vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]),
    }
}

/// `localhost`, and every name beneath it.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::NotFound.into())
    }

    #[test]
    fn localhost_is_this_machine_where_nobody_knows_it() {
        for host in ["localhost", "LocalHost", "localhost.", "a.localhost"] {
            for found in [unknown(), Ok(Vec::new())] {
                let found = or_loopback(host, 80, found).expect("addresses");
                let text: Vec<_> = found.iter().map(ToString::to_string).collect();
                assert_eq!(text, ["127.0.0.1:80", "[::1]:80"], "{host}");
            }
        }
    }

    #[test]
    fn what_is_found_counts_and_other_names_are_nobodys() {
        let other: Vec<SocketAddr> = vec!["192.0.2.1:80".parse().expect("an address")];
        let found = or_loopback("localhost", 80, Ok(other.clone()));
        assert_eq!(found.expect("as found"), other);
        for host in ["host", "notlocalhost", "localhost.example", ""] {
            assert!(or_loopback(host, 80, unknown()).is_err(), "{host}");
        }
    }
}
