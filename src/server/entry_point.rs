//! Entry points: listeners, each with what its clients find there: [`EntryPoint`].

use super::{
    listener::{BindError, Listener, Sockets, Tcp},
    tls::Tls,
};
use crate::http::pages::Destination;

/// A listener, and what its clients find there.
#[derive(Debug)]
pub struct EntryPoint {
    /// Where they come in.
    pub listener: Listener,
    /// What they find there.
    pub role: Role,
}

/// What clients of a listener find.
#[derive(Debug, Clone)]
pub enum Role {
    /// The site.
    Plain,
    /// The site, by TLS.
    Tls(Tls),
    /// The way to the site.
    Redirect(Redirect),
    /// What operators ask about the site.
    Admin,
}

/// Where the site is.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Its port.
    pub port: u16,
    /// Its TLS, whose certificates know its names.
    pub tls: Option<Tls>,
}

/// Where clients are only sent on.
#[derive(Debug)]
pub struct RedirectOptions {
    /// Where that is listened on.
    pub at: Tcp,
    /// The port to send them to, where it is another for them than the one that is listened on.
    pub public: Option<u16>,
}

/// All that is to be listened on, for whatever role.
#[derive(Debug)]
pub struct ListenOptions {
    /// Where the site is.
    pub site: Sockets,
    /// Where clients are only sent on to it.
    pub redirect: Option<RedirectOptions>,
    /// Where operators ask about it.
    pub admin: Option<Sockets>,
}

impl ListenOptions {
    /// Binds all of it, beside what was inherited. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the first address that cannot be had.
    pub fn bind(
        &self,
        inherited: Vec<Listener>,
        tls: Option<&Tls>,
    ) -> Result<Vec<EntryPoint>, BindError> {
        let site = Listener::open(&self.site, inherited)?;
        let mut ports = site.iter().filter_map(Listener::address);
        let own = self.site.tcp.as_ref().map(|tcp| tcp.port);
        let public = self.redirect.as_ref().and_then(|redirect| redirect.public);
        let way = Role::Redirect(Redirect {
            scheme: if tls.is_some() { "https" } else { "http" },
            port: public
                .or_else(|| ports.next().map(|address| address.port()))
                .or(own)
                .unwrap_or_default(),
            tls: tls.cloned(),
        });
        let mut entries = entry_points(site, &Role::site(tls));
        if let Some(redirect) = &self.redirect {
            entries.extend(entry_points(Listener::bind_all(&redirect.at)?, &way));
        }
        if let Some(sockets) = &self.admin {
            let listeners = Listener::open(sockets, Vec::new())?;
            entries.extend(entry_points(listeners, &Role::Admin));
        }
        Ok(entries)
    }
}

fn entry_points(listeners: Vec<Listener>, role: &Role) -> Vec<EntryPoint> {
    let entry = |listener| EntryPoint {
        listener,
        role: role.clone(),
    };
    listeners.into_iter().map(entry).collect()
}

impl Role {
    /// The site, by TLS if there is any.
    pub fn site(tls: Option<&Tls>) -> Self {
        tls.map_or(Role::Plain, |tls| Role::Tls(tls.clone()))
    }

    /// The TLS that is spoken there.
    pub(super) fn tls(&self) -> Option<&Tls> {
        match self {
            Role::Tls(tls) => Some(tls),
            Role::Plain | Role::Redirect(_) | Role::Admin => None,
        }
    }
}

impl From<Listener> for EntryPoint {
    fn from(listener: Listener) -> Self {
        EntryPoint {
            listener,
            role: Role::Plain,
        }
    }
}

impl Redirect {
    pub(super) fn destination(&self) -> Destination {
        let config = self.tls.as_ref().map(Tls::config);
        Destination {
            scheme: self.scheme,
            port: self.port,
            names: config
                .iter()
                .flat_map(|config| config.names())
                .map(str::to_owned)
                .collect(),
        }
    }
}
