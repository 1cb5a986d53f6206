//! Who may ask the server, and how many: hosts, proxies, connections, programs.

use std::net::IpAddr;

use ipnet::IpNet;
use tokio::sync::Semaphore;

use super::{cookie_key::cookie_key, flag_error::FlagError, zero::unless_zero};
use crate::{
    args::{AccessArgs, Args, ProgramArgs},
    http::access::{Access, Authority, ConnectionLimits, ProcessLimit, TrustedProxies},
};

/// Hosts that the server answers to, and proxies that it trusts.
pub(super) fn access(args: &Args) -> Result<Access, FlagError> {
    let mut hosts = Vec::new();
    for word in &args.listen.host {
        match word.parse() {
            Ok(Authority { name, port: None }) => hosts.push(name),
            _ => {
                return Err(FlagError::new(
                    "--host",
                    word,
                    "expected a host name without scheme or port",
                ));
            }
        }
    }
    Ok(Access {
        hosts,
        trust: trust(&args.access)?,
        cookie_key: cookie_key(args)?,
    })
}

/// Programs that may run at a time.
pub(super) fn process_limit(program: &ProgramArgs) -> ProcessLimit {
    ProcessLimit::new(unless_zero(program.maxforks).map(|most| most.min(Semaphore::MAX_PERMITS)))
}

/// Connections that may be open at a time.
pub(super) fn connections(args: &AccessArgs) -> ConnectionLimits {
    ConnectionLimits {
        all: unless_zero(args.max_connections),
        per_address: unless_zero(args.max_connections_per_ip),
    }
}

/// Whether the proxies that are trusted are all that there could be.
///
/// # Errors
/// What is no proxy.
pub(super) fn trusts_everybody(args: &AccessArgs) -> Result<bool, FlagError> {
    let all = IpNet::aggregate(&trust(args)?.networks);
    Ok(all.iter().any(|network| network.prefix_len() == 0))
}

/// Whether processes of this machine are trusted by their address.
///
/// # Errors
/// What is no proxy.
pub(super) fn trusts_loopback(args: &AccessArgs) -> Result<bool, FlagError> {
    let networks = trust(args)?.networks;
    let is_near = |network: &IpNet| {
        network.addr().is_loopback()
            || network.contains(&IpAddr::from([127, 0, 0, 1]))
            || network.contains(&IpAddr::from(std::net::Ipv6Addr::LOCALHOST))
    };
    Ok(networks.iter().any(is_near))
}

fn trust(args: &AccessArgs) -> Result<TrustedProxies, FlagError> {
    let mut trust = TrustedProxies {
        prefix: args.trust_prefix,
        ..TrustedProxies::default()
    };
    for word in &args.trust_proxy {
        let address = word.parse().map(IpNet::from as fn(IpAddr) -> IpNet);
        match (word.as_str(), word.parse().or(address)) {
            ("unix", _) => trust.unix = true,
            (_, Ok(network)) => trust.networks.push(network),
            (_, Err(_)) => {
                return Err(FlagError::new(
                    "--trust-proxy",
                    word,
                    "expected an address, a network such as 10.0.0.0/8, or 'unix'",
                ));
            }
        }
    }
    Ok(trust)
}
