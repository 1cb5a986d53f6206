//! Who asks on a connection, and who answers: [`Exchange`].

use std::sync::Arc;

use hyper::{Request, Response, body::Incoming};

use crate::{
    connection::ConnectionInfo,
    http::{Admin, Body, access::Overload, pages::Destination},
    server::Server,
};

/// What a connection is for.
pub(in crate::server) enum ConnectionRole {
    /// The site: the handler in force answers.
    Site,
    /// To be sent on to the site.
    Redirect(Destination),
    /// What operators ask about the server.
    Admin(Admin),
    /// To be told that the site is to be had by TLS.
    SendToTls,
    /// To be told that there are too many.
    TurnAway(Overload),
}

/// The two sides of a connection.
pub(super) struct Exchange {
    pub(super) connection: ConnectionInfo,
    pub(super) role: ConnectionRole,
    pub(super) server: Server,
}

impl Exchange {
    /// Answers one request by the handler that is in force when it comes.
    pub(super) fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let handler = self.server.handler();
        async move {
            let connection = &self.connection;
            match (&self.role, request.extensions_mut().remove()) {
                // Whatever it says: it may be no HTTP either.
                (ConnectionRole::SendToTls, _) => handler.send_to_tls(request, connection),
                (_, Some(bad)) => handler.refuse_head(request, &bad, connection),
                (ConnectionRole::Site, None) => handler.handle(request, connection).await,
                (ConnectionRole::Redirect(to), None) => handler.redirect(request, connection, to),
                (ConnectionRole::Admin(admin), None) => admin.handle(request, connection).await,
                (ConnectionRole::TurnAway(overload), None) => handler.turn_away(request, *overload),
            }
        }
    }
}
