//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) before HTTP, on rustls with the cryptography of *ring*.
//!
//! [`TlsConfig`] is what was loaded from files and checked; [`Tls`] holds the one in force, which changes when
//! its files do, or on a reload. A connection keeps the one that it began with. What a handshake has
//! found out of the client becomes [`connection::TlsInfo`](crate::connection::TlsInfo).

mod certificate;
mod config;
mod distinguished_name;
mod handshake;
mod identity;
mod pem;
mod resolver;
mod self_signed;
mod stream;
mod watch;

use std::sync::Arc;

use tokio::sync::watch::Sender;

pub use config::{ClientAuth, TlsConfig, TlsOptions, WithoutTls, authorities};
pub use identity::{IdentitySource, certified};
pub use pem::{LoadError, PemKind};

pub(super) use handshake::HandshakeError;
pub(super) use stream::MaybeTls;
pub(super) use watch::watch;

/// The configuration in force. Another can take its place at any time: the next connection is on that, while
/// the ones that are open go on.
#[derive(Debug, Clone)]
pub struct Tls(Sender<Arc<TlsConfig>>);

impl Tls {
    /// Puts a configuration in force.
    pub fn new(config: TlsConfig) -> Self {
        Tls(Sender::new(Arc::new(config)))
    }

    /// The one in force now.
    pub fn config(&self) -> Arc<TlsConfig> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts another in its place; a certificate that was made at start stays the same.
    pub fn replace(&self, config: TlsConfig) {
        let config = config.keeping(&self.config());
        self.0.send_replace(Arc::new(config));
    }
}
