//! A forwarded hop: what one proxy says of the connection before it.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// What one hop has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) client: Option<SocketAddr>,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

/// An address with or without a port; `unknown` and hidden names (RFC 7239 §6) are none. Port 0 stands
/// for one that is not told, or by a hidden name.
pub(super) fn node(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let text = match text.rsplit_once(':') {
        Some((address, port)) if port.starts_with('_') => address,
        _ => text,
    };
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => Ipv6Addr::from_str(bare).ok().map(IpAddr::from),
        None => text.parse().ok(),
    };
    address
        .map(|address| SocketAddr::new(address, 0))
        .or_else(|| text.parse().ok())
}
