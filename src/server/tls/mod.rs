//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) before HTTP, on rustls with the cryptography of *ring*.
//!
//! [`TlsConfig`] is what was loaded from files and checked; [`Tls`] holds the one in force, which changes when
//! its files do, or on a reload. A connection keeps the one that it began with. What a handshake has
//! found out of the client becomes [`connection::TlsInfo`](crate::connection::TlsInfo).

mod certificate;
mod chain;
mod config;
mod current;
mod distinguished_name;
mod handshake;
mod identity;
mod pem;
mod resolver;
mod self_signed;
mod watch;

pub use config::{ClientAuth, TlsConfig, TlsOptions, WithoutTls, authorities};
pub use current::Tls;
pub use identity::{IdentitySource, certified};
pub use pem::{LoadError, PemKind};

pub(super) use handshake::HandshakeError;
pub(super) use watch::watch;
