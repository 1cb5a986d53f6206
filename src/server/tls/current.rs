//! The TLS configuration in force, which a reload puts another in the place of: [`Tls`].

use std::sync::Arc;

use tokio::sync::watch::Sender;

use super::config::{TlsConfig, WithoutTls};

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

    /// Whether a client that speaks no TLS is only told to.
    pub(in crate::server) fn is_required(&self) -> bool {
        self.0.borrow().options.without_tls == WithoutTls::Refused
    }

    /// Puts another in its place; a certificate that was made at start stays the same.
    pub fn replace(&self, config: TlsConfig) {
        let config = config.keeping(&self.config());
        self.0.send_replace(Arc::new(config));
    }
}
