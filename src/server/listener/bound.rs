//! Sockets that listen: how all that is wanted is bound, and how a connection is accepted: [`Listener`].

use std::{fmt, io, net::SocketAddr, os::fd::AsFd};

use socket2::SockRef;
use tokio::net::{TcpListener, UnixListener};

#[cfg(all(target_os = "linux", not(wsd_portable)))]
use super::reuseport;
use super::{
    address::{self, Bindable},
    bind_error::{BindError, BindFailure},
    interface,
    socket_file::SocketFile,
    tcp::{self, Tcp},
    unix::{self, UnixName, UnixSocket},
};
use crate::{
    connection::{ConnectionInfo, Endpoint},
    server::io::{Stream, tcp_stream},
};

/// What a server is told about where to listen.
#[derive(Debug, Clone)]
pub struct Sockets {
    /// IP addresses.
    pub tcp: Option<Tcp>,
    /// Whether they were asked for: those that stand for want of anything else are not bound beside
    /// inherited sockets.
    pub tcp_is_wanted: bool,
    /// Unix sockets.
    pub unix: Vec<UnixSocket>,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    pub(super) handover: Handover,
}

/// Who takes the connections that come when this process stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Handover {
    /// No other socket: they are refused.
    None,
    /// Another process that listens on the same address by a socket of its own (`SO_REUSEPORT`), which
    /// does not get what has come to ours.
    OwnSocket,
    /// The next process that gets the same socket, with all that waits in it.
    SameSocket,
}

#[derive(Debug)]
enum Socket {
    Tcp {
        socket: TcpListener,
        address: SocketAddr,
        /// Whether it is one of two that are `localhost` together.
        is_localhost: bool,
    },
    Unix {
        socket: UnixListener,
        name: UnixName,
        /// What is removed with it.
        _file: Option<SocketFile>,
    },
}

/// How many ports that the system has chosen for one address are tried on the others. Each is free on all of them
/// but for a rare coincidence; more would only delay the error where nearly all are taken.
const PORT_TRIES: usize = 100;

impl Listener {
    /// Binds all that is to be listened on, beside what was inherited. To be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`BindError`] names the first address that cannot be had; what was bound before is closed again.
    pub fn open(sockets: &Sockets, inherited: Vec<Listener>) -> Result<Vec<Self>, BindError> {
        let mut listeners = inherited;
        let tcp = sockets.tcp.as_ref();
        if let Some(tcp) = tcp.filter(|_| sockets.tcp_is_wanted || listeners.is_empty()) {
            listeners.extend(Self::bind_all(tcp)?);
        }
        for wanted in &sockets.unix {
            let listener =
                Self::bind_unix(wanted).map_err(|error| BindError::unix(&wanted.name, error))?;
            listeners.push(listener);
        }
        Ok(listeners)
    }

    /// Binds the sockets of each address, all on one port.
    pub(in crate::server) fn bind_all(tcp: &Tcp) -> Result<Vec<Self>, BindError> {
        // Kept until all are bound, so that each try takes another port.
        let mut taken = Vec::new();
        loop {
            let mut bound = Vec::new();
            match Self::bind_on_one_port(tcp, &mut bound) {
                Ok(()) => return Ok(bound),
                Err(error)
                    if tcp.port == 0
                        && error.failure() == BindFailure::PortInUse
                        && !bound.is_empty()
                        && taken.len() < PORT_TRIES =>
                {
                    taken.push(bound);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn bind_on_one_port(tcp: &Tcp, bound: &mut Vec<Self>) -> Result<(), BindError> {
        let only_v6 = tcp.addresses.iter().any(|address| address.is_ipv4());
        let mut seen = Vec::new();
        let mut port = tcp.port;
        for wanted in tcp.addresses.iter().flat_map(|one| one.bindables()) {
            let Bindable {
                mut address,
                is_localhost,
                is_optional,
            } = wanted;
            if seen.contains(&address) {
                continue;
            }
            seen.push(address);
            address.set_port(port);
            let opened = tcp::bind(address, only_v6, tcp.reuse_port);
            let mut listener = match opened.and_then(|socket| Self::tcp(socket, is_localhost)) {
                Ok(listener) => listener,
                Err(error) if is_optional && has_no_such_address(&error) => continue,
                Err(error) => return Err(BindError::tcp(address, error)),
            };
            if tcp.reuse_port {
                listener.handover = Handover::OwnSocket;
            }
            port = listener.address().map_or(port, |address| address.port());
            bound.push(listener);
        }
        Ok(())
    }

    fn tcp(socket: std::net::TcpListener, is_localhost: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        tcp::tune(&socket)?;
        let socket = TcpListener::from_std(socket)?;
        Ok(Listener {
            socket: Socket::Tcp {
                address: socket.local_addr()?,
                socket,
                is_localhost,
            },
            handover: Handover::None,
        })
    }

    fn bind_unix(wanted: &UnixSocket) -> io::Result<Self> {
        let (socket, file) = unix::bind(wanted)?;
        let mut listener = Listener::try_from(socket)?;
        if let Socket::Unix { _file, .. } = &mut listener.socket {
            *_file = file;
        }
        Ok(listener)
    }

    /// The IP address and the port that it is bound to; `None` for a unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.socket {
            Socket::Tcp { address, .. } => Some(address),
            Socket::Unix { .. } => None,
        }
    }

    /// The URL to open, with a name that a browser on this machine can use; `unix:PATH` for a unix
    /// socket, which no browser opens.
    pub fn url(&self, scheme: &str) -> String {
        let Socket::Tcp {
            address,
            is_localhost,
            ..
        } = self.socket
        else {
            return self.to_string();
        };
        match is_localhost || address.ip().is_unspecified() {
            true => format!("{scheme}://localhost:{}/", address.port()),
            false => format!("{scheme}://{}/", address::with_zone(address, "%25")),
        }
    }

    /// The URLs by which other machines may reach it, if it listens on all interfaces.
    pub fn public_urls(&self, scheme: &str) -> Vec<String> {
        let Socket::Tcp {
            socket, address, ..
        } = &self.socket
        else {
            return Vec::new();
        };
        if !address.ip().is_unspecified() {
            return Vec::new();
        }
        let takes_v4 = address.is_ipv4() || SockRef::from(socket).only_v6().is_ok_and(|is| !is);
        let url = |ip| format!("{scheme}://{}/", SocketAddr::new(ip, address.port()));
        let addresses = interface::public_addresses(takes_v4, address.is_ipv6());
        addresses.into_iter().map(url).collect()
    }

    /// Who takes the connections that come when this process stops.
    pub(in crate::server) fn handover(&self) -> Handover {
        self.handover
    }

    /// Keeps new connections away; those whose handshake is on its way can still be accepted. Best
    /// effort: where the system does not do it, new ones come until the socket is closed.
    ///
    /// Cancel safe: yes; what was done stays until [`Listener::detach_filter`].
    pub(in crate::server) async fn stop_receiving(&self) {
        #[cfg(all(target_os = "linux", not(wsd_portable)))]
        if let Socket::Tcp {
            socket, address, ..
        } = &self.socket
        {
            reuseport::stop_receiving(socket, *address).await;
        }
    }

    /// Undoes what `stop_receiving` did to the sockets beside this one, which is to be closed.
    pub(in crate::server) fn detach_filter(&self) {
        #[cfg(all(target_os = "linux", not(wsd_portable)))]
        if let Socket::Tcp { socket, .. } = &self.socket {
            reuseport::detach_filter(socket);
        }
    }

    /// The next connection.
    ///
    /// Cancel safe: yes.
    ///
    /// # Errors
    /// As accept(2) gives them: `EMFILE` and `ENFILE` pass with time.
    pub(in crate::server) async fn accept(&self) -> io::Result<(Stream, ConnectionInfo)> {
        let (stream, local, remote) = match &self.socket {
            Socket::Tcp {
                socket, address, ..
            } => {
                let (stream, remote) = socket.accept().await?;
                (tcp_stream(stream), (*address).into(), remote.into())
            }
            Socket::Unix { socket, .. } => {
                let (stream, _) = socket.accept().await?;
                let remote = Endpoint::Unix(unix::peer(&stream));
                (Stream::Right(stream), Endpoint::Unix(None), remote)
            }
        };
        Ok((stream, ConnectionInfo::new(local, remote)))
    }
}

impl TryFrom<std::net::TcpListener> for Listener {
    type Error = io::Error;

    /// Takes a socket that is bound and listens already. To be called within a tokio runtime.
    fn try_from(socket: std::net::TcpListener) -> io::Result<Self> {
        Listener::tcp(socket, false)
    }
}

impl TryFrom<std::os::unix::net::UnixListener> for Listener {
    type Error = io::Error;

    /// Takes a socket that is bound and listens already; its file, if it has one, is left alone. To be
    /// called within a tokio runtime.
    fn try_from(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Listener {
            socket: Socket::Unix {
                name: UnixName::of(&socket.local_addr()?),
                socket: UnixListener::from_std(socket)?,
                _file: None,
            },
            handover: Handover::None,
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Socket::Tcp { address, .. } => formatter.write_str(&address::with_zone(*address, "%")),
            Socket::Unix { name, .. } => name.fmt(formatter),
        }
    }
}

/// Whether a machine has no such address, for want of IPv6: none of the kernel's, or none in this namespace, as in
/// many containers.
fn has_no_such_address(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

/// Whether a socket is one that accepts (`SO_ACCEPTCONN`, which Apple's systems do not answer).
pub(in crate::server) fn is_listening(socket: &impl AsFd) -> bool {
    #[cfg(not(target_vendor = "apple"))]
    return rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false);
    #[cfg(target_vendor = "apple")]
    return socket2::SockRef::from(socket).peer_addr().is_err();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(addresses: &[&str], port: u16) -> Sockets {
        let addresses = addresses.iter();
        Sockets {
            tcp: Some(Tcp {
                addresses: addresses
                    .flat_map(|word| super::address::resolve(word).expect("an address"))
                    .collect(),
                port,
                reuse_port: false,
            }),
            tcp_is_wanted: false,
            unix: Vec::new(),
        }
    }

    fn open(addresses: &[&str], port: u16) -> Result<Vec<Listener>, BindError> {
        Listener::open(&loopback(addresses, port), Vec::new())
    }

    #[tokio::test]
    async fn addresses_that_nobody_asked_for_are_not_bound_beside_inherited_sockets() {
        let inherited = || open(&["127.0.0.1"], 0).expect("a free port");
        let mut sockets = loopback(&["127.0.0.1"], 0);
        let opened = Listener::open(&sockets, inherited()).expect("nothing to bind");
        assert_eq!(opened.len(), 1);
        sockets.tcp_is_wanted = true;
        let opened = Listener::open(&sockets, inherited()).expect("a free port");
        assert_eq!(opened.len(), 2);
    }

    #[tokio::test]
    async fn all_addresses_share_the_port_that_was_free() {
        let listeners = open(&["127.0.0.1", "127.0.0.2"], 0).expect("free ports");
        let port = |listener: &Listener| listener.address().expect("an IP address").port();
        assert_eq!(port(&listeners[0]), port(&listeners[1]));
    }

    #[tokio::test]
    async fn accepted_sockets_do_not_wait_for_more() {
        let listeners = open(&["127.0.0.1"], 0).expect("a free port");
        let address = listeners[0].address().expect("an IP address");
        let _client = std::net::TcpStream::connect(address).expect("it listens");
        let (stream, _) = listeners[0].accept().await.expect("a client");
        assert!(matches!(stream, Stream::Left(tcp) if tcp.socket().nodelay().expect("an option")));
    }

    #[tokio::test]
    async fn address_in_use_is_named() {
        let first = open(&["127.0.0.1"], 0).expect("a free port");
        let taken = first[0].address().expect("an IP address");
        let error = open(&["127.0.0.1"], taken.port()).expect_err("taken");
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
