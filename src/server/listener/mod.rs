//! Bound sockets, and the byte streams that they accept.

mod tcp;
mod unix;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
};

use tokio::net::{TcpListener, UnixListener};

use super::stream::Stream;
use crate::environ::{Connection, Endpoint};
pub use tcp::resolve;
use unix::UnixName;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener(Socket);

#[derive(Debug)]
enum Socket {
    Tcp {
        socket: TcpListener,
        address: SocketAddr,
    },
    Unix {
        socket: UnixListener,
        name: UnixName,
    },
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    address: String,
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
            let listener = tcp::bind(address, only_v6)
                .and_then(Listener::try_from)
                .map_err(|source| BindError {
                    address: address.to_string(),
                    source,
                })?;
            port = listener.address().map_or(port, |address| address.port());
            listeners.push(listener);
        }
        Ok(listeners)
    }

    /// The IP address and the port that it is bound to; `None` for a unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.0 {
            Socket::Tcp { address, .. } => Some(address),
            Socket::Unix { .. } => None,
        }
    }

    /// The URL to open, with a name that a browser on this machine can use; `unix:PATH` for a unix
    /// socket, which no browser opens.
    pub fn url(&self, scheme: &str) -> String {
        let Some(address) = self.address() else {
            return self.to_string();
        };
        let port = address.port();
        match address.ip() {
            ip if ip.is_unspecified() => format!("{scheme}://localhost:{port}/"),
            ip => format!("{scheme}://{}/", SocketAddr::new(ip, port)),
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// As accept(2) gives them: `EMFILE` and `ENFILE` pass with time.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Connection)> {
        let (stream, local, remote) = match &self.0 {
            Socket::Tcp { socket, address } => {
                let (stream, remote) = socket.accept().await?;
                (Stream::Tcp(stream), (*address).into(), remote.into())
            }
            Socket::Unix { socket, .. } => {
                let (stream, _) = socket.accept().await?;
                let remote = Endpoint::Unix(unix::peer(&stream));
                (Stream::Unix(stream), Endpoint::Unix(None), remote)
            }
        };
        Ok((
            stream,
            Connection {
                local,
                remote,
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
        tcp::inherit(&socket)?;
        let socket = TcpListener::from_std(socket)?;
        Ok(Listener(Socket::Tcp {
            address: socket.local_addr()?,
            socket,
        }))
    }
}

impl TryFrom<std::os::unix::net::UnixListener> for Listener {
    type Error = io::Error;

    /// Takes a socket that is bound and listens already; its file, if it has one, is left alone. To be
    /// called within a tokio runtime.
    fn try_from(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Listener(Socket::Unix {
            name: UnixName::of(&socket.local_addr()?),
            socket: UnixListener::from_std(socket)?,
        }))
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Socket::Tcp { address, .. } => address.fmt(formatter),
            Socket::Unix { name, .. } => name.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_addresses_share_the_port_that_was_free() {
        let addresses = ["127.0.0.1", "127.0.0.2"].map(|word| word.parse().expect(word));
        let listeners = Listener::bind_all(&addresses, 0).expect("free ports");
        let port = |listener: &Listener| listener.address().expect("an IP address").port();
        assert_eq!(port(&listeners[0]), port(&listeners[1]));
    }

    #[tokio::test]
    async fn accepted_sockets_do_not_wait_for_more() {
        let address = ["127.0.0.1".parse().expect("an address")];
        let listeners = Listener::bind_all(&address, 0).expect("a free port");
        let address = listeners[0].address().expect("an IP address");
        let _client = std::net::TcpStream::connect(address).expect("it listens");
        let (stream, _) = listeners[0].accept().await.expect("a client");
        assert!(matches!(stream, Stream::Tcp(stream) if stream.nodelay().expect("an option")));
    }

    #[tokio::test]
    async fn address_in_use_is_named() {
        let address = ["127.0.0.1".parse().expect("an address")];
        let first = Listener::bind_all(&address, 0).expect("a free port");
        let taken = first[0].address().expect("an IP address");
        let error = Listener::bind_all(&address, taken.port()).expect_err("taken");
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
    }

    #[tokio::test]
    async fn client_of_a_unix_socket_is_told_by_its_process() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a free path");
        let listener = Listener::try_from(listener).expect("it listens");
        assert_eq!(listener.url("ws"), format!("unix:{}", path.display()));
        let _client = std::os::unix::net::UnixStream::connect(&path).expect("it listens");
        let (_, connection) = listener.accept().await.expect("a client");
        let Endpoint::Unix(Some(peer)) = connection.remote else {
            panic!("{connection:?}");
        };
        assert!(
            peer.process
                .is_none_or(|id| id == std::process::id() as i32)
        );
    }
}
