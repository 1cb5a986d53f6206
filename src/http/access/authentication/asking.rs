//! A request as authentication sees it: [`Asking`].

use hyper::http::request::Parts;

use super::cookie_key::CookieKey;
use crate::{
    connection::ConnectionInfo,
    http::access::{forwarded::TrustedProxies, guesses::Guesser, host::Authority},
};

/// Who asks, by what.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Asking<'a> {
    /// As it was sent.
    pub(in crate::http) request: &'a Parts,
    pub(in crate::http) host: Option<&'a Authority>,
    pub(in crate::http) connection: &'a ConnectionInfo,
    pub(in crate::http) trust: &'a TrustedProxies,
    /// What signs cookies, where it is not this process's own.
    pub(in crate::http) cookie_key: Option<&'a CookieKey>,
    /// Whether a page of another site has its browser ask, for a part of itself.
    pub(in crate::http) is_embedded: bool,
}

impl Asking<'_> {
    /// By what the client is told from others who guess: its network; `None` where it has no address, or that of a proxy
    /// which others are behind.
    pub(super) fn network(&self) -> Option<Guesser> {
        let network = self.trust.network_of(&self.connection.remote);
        network.map(Guesser::Network)
    }
}
