//! What a server remembers of logins: [`Logins`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{asking::Asking, cookie_key::CookieKey, verifier::Verifier};
use crate::http::{
    access::guesses::{Guesser, Guesses},
    refusal::UNTRUSTED_PROXY,
};

/// Wrong guesses, right passwords, and what signs cookies, for as long as the process lasts.
#[derive(Debug)]
pub(in crate::http) struct Logins {
    pub(super) guesses: Arc<Guesses<Guesser>>,
    pub(super) verifier: Verifier,
    pub(super) cookie_key: CookieKey,
    has_warned: AtomicBool,
}

impl Default for Logins {
    fn default() -> Self {
        let guesses = Arc::default();
        Logins {
            verifier: Verifier::new(Arc::clone(&guesses)),
            guesses,
            cookie_key: CookieKey::new(&rand::random()),
            has_warned: AtomicBool::new(false),
        }
    }
}

impl Logins {
    /// Warns, once, of a client that looks like a proxy which is not trusted: all that come by it would be held for the
    /// guesses of one.
    pub(super) fn warn_of_untrusted_proxy(&self, asking: &Asking<'_>) {
        let remote = &asking.connection.remote;
        let is_private = remote.ip().is_some_and(|ip| match ip {
            std::net::IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
            std::net::IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
        });
        let says_for = asking.request.headers.contains_key("x-forwarded-for");
        let is_proxy = is_private && says_for && asking.connection.forwarded.is_none();
        if is_proxy
            && !asking.trust.includes(remote)
            && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("{remote}: {UNTRUSTED_PROXY}");
        }
    }
}
