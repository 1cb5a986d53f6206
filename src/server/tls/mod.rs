//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) before HTTP, on rustls with the cryptography of *ring*.
//!
//! [`Terms`] are what was loaded from files and checked; [`Tls`] holds those in force, which change when
//! their files do, or on a reload. A connection keeps the terms that it began with. What a handshake has
//! found out of the client becomes [`environ::Tls`](crate::environ::Tls).

mod certificate;
mod distinguished_name;
mod handshake;
mod identity;
mod pem;
mod resolver;
mod self_signed;
mod stream;
mod terms;
mod watch;

use std::sync::Arc;

use tokio::sync::watch::Sender;

pub use identity::{Source, certified};
pub use pem::{LoadError, Role};
pub use terms::{Clients, Options, Plain, Terms, authorities};

pub(super) use handshake::Refused;
pub(super) use stream::MaybeTls;
pub(super) use watch::watch;

/// The terms in force. Others can take their place at any time: the next connection is on those, while the
/// ones that are open go on.
#[derive(Debug, Clone)]
pub struct Tls(Sender<Arc<Terms>>);

impl Tls {
    /// Puts terms in force.
    pub fn new(terms: Terms) -> Self {
        Tls(Sender::new(Arc::new(terms)))
    }

    /// Those in force now.
    pub fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts others in their place; a certificate that was made at start stays the same.
    pub fn replace(&self, terms: Terms) {
        let terms = terms.keeping(&self.terms());
        self.0.send_replace(Arc::new(terms));
    }
}
