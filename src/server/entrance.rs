//! What happens to a connection between accept(2) and HTTP: [`Entrance`].

use tracing::{debug, info};

use super::{
    connection::{self, Service},
    listener::{BindError, Listener, Sockets, Tcp},
    stream::Stream,
    tls::{MaybeTls, Refused, Tls},
};
use crate::{
    environ::{Connection, Endpoint},
    http::{Current, redirect::Destination},
};

/// A listener, and what its clients find there.
#[derive(Debug)]
pub struct Entrance {
    /// Where they come in.
    pub listener: Listener,
    /// What they find.
    pub purpose: Purpose,
}

/// What clients find.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// The site.
    Plain,
    /// The site, by TLS.
    Tls(Tls),
    /// The way to the site.
    Redirect(Redirect),
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

impl Entrance {
    /// Binds all that is to be listened on, beside what was inherited, and the port that sends on to it.
    /// To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the first address that cannot be had.
    pub fn open(
        sockets: &Sockets,
        redirect: Option<Tcp>,
        inherited: Vec<Listener>,
        tls: Option<&Tls>,
    ) -> Result<Vec<Self>, BindError> {
        let site = Listener::open(sockets, inherited)?;
        let port = site
            .iter()
            .find_map(|listener| Some(listener.address()?.port()));
        let way = Purpose::Redirect(Redirect {
            scheme: if tls.is_some() { "https" } else { "http" },
            port: port
                .or(sockets.tcp.as_ref().map(|tcp| tcp.port))
                .unwrap_or_default(),
            tls: tls.cloned(),
        });
        let with = |purpose: Purpose| {
            move |listener| Entrance {
                listener,
                purpose: purpose.clone(),
            }
        };
        let mut entrances: Vec<_> = site.into_iter().map(with(Purpose::site(tls))).collect();
        if let Some(tcp) = &redirect {
            entrances.extend(Listener::bind_all(tcp)?.into_iter().map(with(way)));
        }
        Ok(entrances)
    }
}

impl Purpose {
    /// The site, by TLS if there is any.
    pub fn site(tls: Option<&Tls>) -> Self {
        tls.map_or(Purpose::Plain, |tls| Purpose::Tls(tls.clone()))
    }

    /// The TLS that is spoken there.
    pub(super) fn tls(&self) -> Option<&Tls> {
        match self {
            Purpose::Tls(tls) => Some(tls),
            Purpose::Plain | Purpose::Redirect(_) => None,
        }
    }
}

impl From<Listener> for Entrance {
    fn from(listener: Listener) -> Self {
        Entrance {
            listener,
            purpose: Purpose::Plain,
        }
    }
}

/// Serves a connection; the server awaits it through the handler's tasks.
pub(super) async fn serve(
    stream: Stream,
    mut connection: Connection,
    purpose: Purpose,
    current: Current,
) {
    match purpose {
        Purpose::Plain => {
            connection::serve(MaybeTls::Plain(stream), connection, Service::Site, current).await;
        }
        Purpose::Tls(tls) => {
            let drain = current.get().drain().clone();
            let accepted = tokio::select! {
                accepted = tls.accept(stream) => accepted,
                () = drain.cancelled() => return,
            };
            match accepted {
                Ok((stream, facts)) => {
                    connection.tls = facts;
                    connection::serve(stream, connection, Service::Site, current).await;
                }
                Err(refused) => log(&connection.remote, &refused),
            }
        }
        Purpose::Redirect(redirect) => {
            // Of a listener for all addresses the client knows the one that it has reached.
            if let Stream::Tcp(socket) = &stream
                && let Ok(address) = socket.local_addr()
            {
                connection.local = address.into();
            }
            let service = Service::Redirect(redirect.destination());
            connection::serve(MaybeTls::Plain(stream), connection, service, current).await;
        }
    }
}

/// A client's affair, but of interest to whoever wonders why it is not let in.
fn log(remote: &Endpoint, refused: &Refused) {
    match refused {
        Refused::Silent => debug!(%remote, "connection ended: {refused}"),
        _ => info!(target: "access", %remote, "refused: {refused}"),
    }
}

impl Redirect {
    fn destination(&self) -> Destination {
        let terms = self.tls.as_ref().map(Tls::terms);
        Destination {
            scheme: self.scheme,
            port: self.port,
            names: terms
                .iter()
                .flat_map(|terms| terms.names())
                .map(str::to_owned)
                .collect(),
        }
    }
}
