//! Network interfaces of this machine: their names, their numbers, and the addresses by which others reach it.

use std::{net::IpAddr, num::NonZeroU32};

use nix::{
    ifaddrs::getifaddrs,
    net::if_::{InterfaceFlags, if_indextoname, if_nameindex, if_nametoindex},
    sys::socket::SockaddrStorage,
};

/// The index of an interface, by its name or the index itself; `None` where there is none.
pub(super) fn index(zone: &str) -> Option<NonZeroU32> {
    let by_name = if_nametoindex(zone).ok();
    let is_number = zone.bytes().all(|byte| byte.is_ascii_digit());
    let by_number = || zone.parse().ok().filter(|_| is_number);
    let existing = |index: &u32| name_of(*index).is_some();
    NonZeroU32::new(by_name.or_else(|| by_number().filter(existing))?)
}

/// The name of an interface; its index where it has gone.
pub(super) fn name(index: u32) -> String {
    name_of(index).unwrap_or_else(|| index.to_string())
}

/// nix takes the null of if_indextoname(3) for a name, an empty one.
fn name_of(index: u32) -> Option<String> {
    let name = if_indextoname(index).ok()?;
    (!name.is_empty()).then(|| name.to_string_lossy().into_owned())
}

/// The names of all interfaces; none where the system does not tell.
pub(super) fn names() -> Vec<String> {
    let Ok(interfaces) = if_nameindex() else {
        return Vec::new();
    };
    let name =
        |interface: &nix::net::if_::Interface| interface.name().to_string_lossy().into_owned();
    interfaces.iter().map(name).collect()
}

/// The addresses of this machine that others may reach it by, of IPv4, of IPv6 or of both, but for IPv6 addresses of one
/// link, which browsers cannot open; none where the system does not tell.
pub(super) fn public_addresses(v4: bool, v6: bool) -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let mut addresses = Vec::new();
    for interface in interfaces {
        let address = interface.address.as_ref().and_then(ip);
        let is_up = interface
            .flags
            .contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
        let is_public = |address: &IpAddr| match address {
            IpAddr::V4(address) => v4 && !address.is_loopback(),
            IpAddr::V6(address) => v6 && !address.is_loopback() && !address.is_unicast_link_local(),
        };
        addresses.extend(address.filter(|address| is_up && is_public(address)));
    }
    addresses
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
