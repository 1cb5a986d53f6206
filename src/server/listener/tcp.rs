//! TCP sockets: how they are bound.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::fd::AsFd,
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::address::Address;

/// Connections that wait to be accepted. std's 128 makes a storm of 500 clients wait for a second, the
/// time until a SYN that was dropped is sent again; the kernel caps it at `net.core.somaxconn`.
pub const BACKLOG: i32 = 4096;

/// Addresses to be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// The addresses. `::` takes IPv4 too, unless an IPv4 address is listed beside it.
    pub addresses: Vec<Address>,
    /// The port on each; 0 takes one that is free on all of them.
    pub port: u16,
    /// Whether other processes of the same user may listen on the same addresses and port
    /// (`SO_REUSEPORT`).
    pub reuse_port: bool,
}

/// Bytes that wait in the kernel unsent before we wait too. Linux would take megabytes, and a ping
/// behind them would come too late for a client on a slow line to prove that it is alive; much less
/// would cost system calls.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
const UNSENT: u32 = 128 * 1024;

/// Sets the options of a connection. Set on a listening socket, every accepted one inherits them
/// (tcp(7)), which saves calls for each.
pub(in crate::server) fn tune(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    // A message is written when it is whole; waiting for more of them only delays it.
    socket.set_tcp_nodelay(true)?;
    #[cfg(all(target_os = "linux", not(wsd_portable)))]
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
