//! TCP sockets: how they are bound, and which words name an address.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
    os::fd::AsFd,
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections that wait to be accepted. std's 128 makes a storm of 500 clients wait for a second, the
/// time until a SYN that was dropped is sent again; the kernel caps it at `net.core.somaxconn`.
pub const BACKLOG: i32 = 4096;

/// Addresses to be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// The addresses. `::` takes IPv4 too, unless an IPv4 address is listed beside it.
    pub addresses: Vec<IpAddr>,
    /// The port on each; 0 takes one that is free on the first.
    pub port: u16,
    /// Whether other processes of the same user may listen on the same addresses and port
    /// (`SO_REUSEPORT`).
    pub reuse_port: bool,
}

/// Bytes that wait in the kernel unsent before we wait too. Linux would take megabytes, and a ping
/// behind them would come too late for a client on a slow line to prove that it is alive; much less
/// would cost system calls.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 * 1024;

/// Sets the options of a connection. Set on a listening socket, every accepted one inherits them
/// (tcp(7)), which saves calls for each.
pub(in crate::server) fn tune(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    // A message is written when it is whole; waiting for more of them only delays it.
    socket.set_tcp_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(UNSENT)?;
    Ok(())
}

/// A socket that listens; `only_v6` keeps `::` from taking IPv4 too.
pub(super) fn bind(
    address: SocketAddr,
    only_v6: bool,
    reuse_port: bool,
) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    // A restart must not wait until the last connections have left TIME_WAIT.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Why a word names no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
}

/// The addresses that a word names: an IPv4 address, an IPv6 address with or without brackets, a host
/// name.
///
/// # Errors
/// What is wrong with the word.
pub fn resolve(word: &str) -> Result<Vec<IpAddr>, AddressError> {
    let bare = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .unwrap_or(word);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    if word.parse::<SocketAddr>().is_ok() {
        return Err(AddressError::WithPort);
    }
    let is_numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':');
    if bare.bytes().all(is_numeric) {
        return Err(AddressError::NotAnAddress);
    }
    match (word, 0).to_socket_addrs() {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(_) => Err(AddressError::Unresolved),
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
                [address.parse::<IpAddr>().expect(address)]
            );
        }
    }

    #[test]
    fn address_with_a_port_is_told_from_other_nonsense() {
        for (word, error) in [
            ("127.0.0.1:80", AddressError::WithPort),
            ("[::1]:80", AddressError::WithPort),
            ("300.0.0.1", AddressError::NotAnAddress),
            ("no such name", AddressError::Unresolved),
        ] {
            assert_eq!(resolve(word), Err(error), "{word}");
        }
    }
}
