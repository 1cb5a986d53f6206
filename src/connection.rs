//! Who the client of a connection is: addresses, the process behind a unix socket, TLS, and what trusted
//! proxies say: [`ConnectionInfo`].
//!
//! Plain values, filled in by `server` as a connection comes to be, and by `http` for what a request says of
//! its proxies; they are read by checks of who may ask, by the log and by the environment of programs.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// Who is connected to what, and how.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// Where the client came in: the listener's address.
    pub local: Endpoint,
    /// The address that the client has reached: that of the listener, or of a listener for all addresses the one
    /// that it was.
    pub reached: Endpoint,
    /// The client's address.
    pub remote: Endpoint,
    /// The client's name, if it was looked up and has one.
    pub remote_name: Option<String>,
    /// The connection's TLS, if it has any.
    pub tls: Option<TlsInfo>,
    /// Whether it had TLS up to a load balancer, which passes on what was in it.
    pub tls_before: bool,
    /// What a trusted proxy in between says of the client, whose address then is the remote one.
    pub forwarded: Option<Forwarded>,
    /// The path at which a trusted proxy has the site, which it takes off from requests: `/app`; empty where it is
    /// the top, or not said.
    pub prefix: String,
}

/// How a client reached the proxy that speaks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Whether by TLS, if that is said.
    pub is_https: Option<bool>,
    /// By which Host, if that is said.
    pub host: Option<String>,
}

impl ConnectionInfo {
    /// A connection of which nothing is known but its ends.
    pub fn new(local: Endpoint, remote: Endpoint) -> Self {
        ConnectionInfo {
            local,
            reached: local,
            remote,
            remote_name: None,
            tls: None,
            tls_before: false,
            forwarded: None,
            prefix: String::new(),
        }
    }

    /// Whether the client came by TLS, to us or to a proxy in between.
    pub fn is_https(&self) -> bool {
        let forwarded = self.forwarded.as_ref();
        let said = forwarded.and_then(|forwarded| forwarded.is_https);
        said.unwrap_or(self.tls.is_some() || self.tls_before)
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// An IP address and a port; an IPv4 address as such, not mapped into an IPv6 one.
    Ip(SocketAddr),
    /// A unix socket, which has neither; of a client the process that connected, where the system tells.
    Unix(Option<PeerCredentials>),
}

/// The process at the other end of a unix socket, as it was when it connected (unix(7), `SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Its effective user.
    pub user: u32,
    /// Its process id; some systems do not tell it.
    pub process: Option<i32>,
}

impl Endpoint {
    /// The IP address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Endpoint::Ip(address) => Some(address.ip()),
            Endpoint::Unix(_) => None,
        }
    }

    /// The port, if there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            // 0 where a proxy tells the address alone.
            Endpoint::Ip(address) => Some(address.port()).filter(|port| *port != 0),
            Endpoint::Unix(_) => None,
        }
    }
}

impl From<SocketAddr> for Endpoint {
    /// An IPv4 client of a socket for both families is told as what it is.
    fn from(address: SocketAddr) -> Self {
        Endpoint::Ip(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }
}

impl fmt::Display for Endpoint {
    /// For the log: `127.0.0.1:5000`, `127.0.0.1` where no port is told, `unix:uid=1000,pid=4711`, `unix:`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = match self {
            Endpoint::Ip(address) if address.port() == 0 => return address.ip().fmt(formatter),
            Endpoint::Ip(address) => return address.fmt(formatter),
            Endpoint::Unix(peer) => peer,
        };
        formatter.write_str("unix:")?;
        if let Some(PeerCredentials { user, process }) = peer {
            write!(formatter, "uid={user}")?;
            if let Some(process) = process {
                write!(formatter, ",pid={process}")?;
            }
        }
        Ok(())
    }
}

/// The TLS of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite, by OpenSSL's name.
    pub cipher: &'static str,
    /// The name that the client asked for (SNI, RFC 6066 §3), if it asked for one.
    pub server_name: Option<String>,
    /// The client's certificate, if it showed one; it was issued by an authority that the server trusts.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The subject, as RFC 2253 writes it.
    pub subject: String,
    /// The subject's common name.
    pub subject_common_name: Option<String>,
    /// The issuer, as RFC 2253 writes it.
    pub issuer: String,
    /// The issuer's common name.
    pub issuer_common_name: Option<String>,
    /// The serial number in hexadecimal digits.
    pub serial: String,
    /// When it began to be valid, as OpenSSL writes it: `Nov  1 12:00:00 2026 GMT`.
    pub not_before: String,
    /// When it ceases to be, in the same form.
    pub not_after: String,
    /// The SHA-256 of its DER in hexadecimal digits.
    pub fingerprint: String,
}

/// Whether a certificate's name is that of a host, for which it may be written with a wildcard: `*` stands for
/// the whole first label and for nothing more (RFC 9525 §6.3).
pub fn certificate_covers(own: &str, host: &str) -> bool {
    let wildcard = || {
        let (label, rest) = host.split_once('.')?;
        let parent = own.strip_prefix("*.")?;
        Some(!label.is_empty() && parent.eq_ignore_ascii_case(rest))
    };
    own.eq_ignore_ascii_case(host) || wildcard().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_tells_what_is_known_of_a_client() {
        let unix = |user, process| Endpoint::Unix(Some(PeerCredentials { user, process }));
        for (endpoint, text) in [
            (
                Endpoint::from(SocketAddr::from((
                    std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped(),
                    5,
                ))),
                "127.0.0.1:5",
            ),
            (unix(1000, Some(7)), "unix:uid=1000,pid=7"),
            (unix(1000, None), "unix:uid=1000"),
            (Endpoint::Unix(None), "unix:"),
        ] {
            assert_eq!(endpoint.to_string(), text);
        }
    }
}
