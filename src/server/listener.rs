//! Bound sockets, and the byte streams that they accept.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::environ::Connection;

/// Connections that wait to be accepted. std's 128 makes a storm of 500 clients wait for a second, the
/// time until a SYN that was dropped is sent again; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Bytes that wait in the kernel unsent before we wait too. Linux would take megabytes, and a ping
/// behind them would come too late for a client on a slow line to prove that it is alive; much less
/// would cost system calls.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 128 * 1024;

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl Listener {
    /// Binds one socket an address, all on one port: port 0 takes a free one. `::` takes IPv4 too, unless
    /// an IPv4 address is listed beside it. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the first address that cannot be had.
    pub fn bind_all(addresses: &[IpAddr], port: u16) -> Result<Vec<Self>, BindError> {
        let only_v6 = addresses.iter().any(IpAddr::is_ipv4);
        let mut port = port;
        let mut listeners = Vec::new();
        for &ip in addresses {
            let address = SocketAddr::new(ip, port);
            let listener = bind(address, only_v6)
                .and_then(Listener::try_from)
                .map_err(|source| BindError { address, source })?;
            port = listener.address.port();
            listeners.push(listener);
        }
        Ok(listeners)
    }

    /// The address it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to open, with a name that a browser on this machine can use.
    pub fn url(&self, scheme: &str) -> String {
        let port = self.address.port();
        match self.address.ip() {
            ip if ip.is_unspecified() => format!("{scheme}://localhost:{port}/"),
            ip => format!("{scheme}://{}/", SocketAddr::new(ip, port)),
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// As accept(2) gives them: `EMFILE` and `ENFILE` pass with time.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, Connection)> {
        let (stream, remote) = self.socket.accept().await?;
        Ok((
            stream,
            Connection {
                local: self.address,
                // An IPv4 client of a socket for both is told as what it is.
                remote: SocketAddr::new(remote.ip().to_canonical(), remote.port()),
                remote_name: None,
            },
        ))
    }
}

impl TryFrom<std::net::TcpListener> for Listener {
    type Error = io::Error;

    /// Takes a socket that is bound and listens already. To be called within a tokio runtime.
    fn try_from(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        inherit(&socket)?;
        let socket = TcpListener::from_std(socket)?;
        Ok(Listener {
            address: socket.local_addr()?,
            socket,
        })
    }
}

/// Sets the options that every accepted socket inherits (tcp(7)), which saves calls for each of them.
fn inherit(listener: &std::net::TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    // A message is written when it is whole; waiting for more of them only delays it.
    socket.set_tcp_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(UNSENT)?;
    Ok(())
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

fn bind(address: SocketAddr, only_v6: bool) -> io::Result<std::net::TcpListener> {
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
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The addresses that a word names: an IPv4 address, an IPv6 address with or without brackets, a host
/// name.
///
/// # Errors
/// What is wrong with the word.
pub fn resolve(word: &str) -> Result<Vec<IpAddr>, String> {
    let bare = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .unwrap_or(word);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    if word.parse::<SocketAddr>().is_ok() {
        return Err("an address without a port is wanted; the port goes to --port".to_owned());
    }
    let is_numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':');
    if bare.bytes().all(is_numeric) {
        return Err("this is not an IP address".to_owned());
    }
    match (word, 0).to_socket_addrs() {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(_) => {
            Err("this is neither an IP address nor a host name that can be resolved".to_owned())
        }
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
    fn address_with_a_port_says_where_the_port_goes() {
        assert!(
            resolve("127.0.0.1:80")
                .expect_err("a port")
                .contains("--port")
        );
    }

    #[tokio::test]
    async fn all_addresses_share_the_port_that_was_free() {
        let addresses = ["127.0.0.1", "127.0.0.2"].map(|word| word.parse().expect(word));
        let listeners = Listener::bind_all(&addresses, 0).expect("free ports");
        assert_eq!(listeners[0].address().port(), listeners[1].address().port());
    }

    #[tokio::test]
    async fn accepted_sockets_do_not_wait_for_more() {
        let address = ["127.0.0.1".parse().expect("an address")];
        let listeners = Listener::bind_all(&address, 0).expect("a free port");
        let _client = std::net::TcpStream::connect(listeners[0].address()).expect("it listens");
        let (stream, _) = listeners[0].accept().await.expect("a client");
        assert!(stream.nodelay().expect("an option"));
    }

    #[tokio::test]
    async fn address_in_use_is_named() {
        let address = ["127.0.0.1".parse().expect("an address")];
        let first = Listener::bind_all(&address, 0).expect("a free port");
        let error = Listener::bind_all(&address, first[0].address().port()).expect_err("taken");
        assert!(
            error.to_string().contains(&first[0].address().to_string()),
            "{error}"
        );
    }
}
