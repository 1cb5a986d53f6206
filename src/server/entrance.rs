//! What happens to a connection between accept(2) and HTTP: [`Entrance`].

use tracing::{debug, info, warn};

use super::{
    Server,
    connection::{self, Service},
    listener::{BindError, Listener, Sockets, Tcp},
    proxy_protocol,
    stream::Stream,
    tls::{HandshakeError, Tls},
};
use crate::{
    connection::{ConnectionInfo, Endpoint},
    http::{Admin, pages::Destination},
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

/// All that is to be listened on, for whatever purpose.
#[derive(Debug)]
pub struct Wanted {
    /// Where the site is.
    pub site: Sockets,
    /// Where clients are only sent on to it.
    pub redirect: Option<Tcp>,
    /// Where operators ask about it.
    pub admin: Option<Sockets>,
}

impl Wanted {
    /// Binds all of it, beside what was inherited. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] names the first address that cannot be had.
    pub fn open(
        &self,
        inherited: Vec<Listener>,
        tls: Option<&Tls>,
    ) -> Result<Vec<Entrance>, BindError> {
        let site = Listener::open(&self.site, inherited)?;
        let mut ports = site.iter().filter_map(Listener::address);
        let own = self.site.tcp.as_ref().map(|tcp| tcp.port);
        let way = Purpose::Redirect(Redirect {
            scheme: if tls.is_some() { "https" } else { "http" },
            port: ports
                .next()
                .map(|address| address.port())
                .or(own)
                .unwrap_or_default(),
            tls: tls.cloned(),
        });
        let mut entrances = entrances(site, &Purpose::site(tls));
        if let Some(tcp) = &self.redirect {
            entrances.extend(self::entrances(Listener::bind_all(tcp)?, &way));
        }
        if let Some(sockets) = &self.admin {
            let listeners = Listener::open(sockets, Vec::new())?;
            entrances.extend(self::entrances(listeners, &Purpose::Admin));
        }
        Ok(entrances)
    }
}

fn entrances(listeners: Vec<Listener>, purpose: &Purpose) -> Vec<Entrance> {
    let entrance = |listener| Entrance {
        listener,
        purpose: purpose.clone(),
    };
    listeners.into_iter().map(entrance).collect()
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
            Purpose::Plain | Purpose::Redirect(_) | Purpose::Admin => None,
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
    mut stream: Stream,
    mut connection: ConnectionInfo,
    purpose: Purpose,
    server: Server,
) {
    let (options, handler) = (server.options(), server.handler());
    if let Purpose::Admin = purpose {
        let service = Service::Admin(Admin::new(server.current.clone()));
        return connection::serve(stream.into(), connection, service, server, None).await;
    }
    if let Purpose::Redirect(_) = purpose {
        name_reached_address(&stream, &mut connection);
    }
    if options.proxy_protocol
        && let Err(error) = proxy_protocol::read(&mut stream, &mut connection).await
    {
        handler.count_refusal("proxy_protocol");
        return log_header(&connection.remote, &error);
    }
    let Some(admitted) = handler.admit(&connection.remote) else {
        return;
    };
    let stream = match &purpose {
        Purpose::Tls(tls) => {
            let accepted = tokio::select! {
                accepted = tls.accept(stream) => accepted,
                () = server.lifecycle.tokens.drain.cancelled() => return,
            };
            match accepted {
                Ok((stream, facts)) => {
                    connection.tls = facts;
                    stream
                }
                Err(error) => {
                    handler.count_refusal("tls");
                    return log_handshake(&connection.remote, &error);
                }
            }
        }
        _ => stream.into(),
    };
    let service = match (admitted.overload(), purpose) {
        (Some(overload), _) => Service::TurnAway(overload),
        (None, Purpose::Redirect(redirect)) => Service::Redirect(redirect.destination()),
        (None, _) => Service::Site,
    };
    drop(handler);
    connection::serve(stream, connection, service, server, Some(admitted)).await;
}

/// Of a listener for all addresses the client knows the one that it has reached.
fn name_reached_address(stream: &Stream, connection: &mut ConnectionInfo) {
    if let Stream::Left(tcp) = stream
        && let Ok(address) = tcp.socket().local_addr()
    {
        connection.local = address.into();
    }
}

/// A balancer's fault, but for connections that it only makes to see that somebody is there.
fn log_header(remote: &Endpoint, error: &proxy_protocol::HeaderError) {
    match error.is_a_look() {
        true => debug!(%remote, "connection ended: {error}"),
        false => warn!(target: "access", %remote, reason = error.to_string(), "refused"),
    }
}

/// A client's affair, but of interest to whoever wonders why it is not let in.
fn log_handshake(remote: &Endpoint, error: &HandshakeError) {
    match error {
        HandshakeError::Silent => debug!(%remote, "connection ended: {error}"),
        _ => info!(target: "access", %remote, "refused: {error}"),
    }
}

impl Redirect {
    fn destination(&self) -> Destination {
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
