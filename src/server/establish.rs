//! From accept(2) to HTTP: the PROXY header, the limits on connections, the TLS handshake: [`serve`].

use tracing::{debug, info, warn};

use super::{
    connection::{self, ConnectionRole},
    entry_point::Role,
    io::{MaybeTls, Stream},
    proxy_protocol,
    state::Server,
    tls::{HandshakeError, Tls},
};
use crate::{
    connection::{ConnectionInfo, Endpoint},
    http::{Admin, ConnectionRefusal},
};

/// Serves a connection until it has ended.
///
/// Cancel safe: no; the connection is closed then.
pub(super) fn serve(
    stream: Stream,
    connection: ConnectionInfo,
    role: Role,
    server: Server,
) -> impl Future<Output = ()> + Send {
    // Boxed, or the task would have the room for it several times, for as long as there is a connection.
    establish(stream, Box::new(connection), role, server)
}

async fn establish(
    mut stream: Stream,
    mut connection: Box<ConnectionInfo>,
    role: Role,
    server: Server,
) {
    let handler = server.handler();
    if let Role::Admin = role {
        let role = ConnectionRole::Admin(Admin::new(server.current.clone()));
        return connection::serve(stream.into(), connection, role, server).await;
    }
    set_reached_address(&stream, &mut connection);
    if let Role::Redirect(_) = role {
        connection.local = connection.reached;
    }
    if server.options().proxy_protocol
        && let Err(error) = Box::pin(proxy_protocol::read(&mut stream, &mut connection)).await
    {
        handler.count_refusal("proxy_protocol");
        return log_header(&connection.remote, &error);
    }
    let Some(permit) = handler.admit(&connection.remote) else {
        return;
    };
    drop(handler);
    let stream = match &role {
        // Boxed, since it is large.
        Role::Tls(tls) => Box::pin(handshake(stream, tls, &mut connection, &server)).await,
        _ => Some(stream.into()),
    };
    let Some(stream) = stream else {
        return;
    };
    let needs_tls = connection.tls.is_none() && role.tls().is_some_and(Tls::is_required);
    let role = match (permit.overload(), role) {
        (Some(overload), _) => ConnectionRole::TurnAway(overload),
        (None, Role::Redirect(redirect)) => ConnectionRole::Redirect(redirect.destination()),
        (None, _) if needs_tls => ConnectionRole::SendToTls,
        (None, _) => ConnectionRole::Site,
    };
    // Not of one that is turned away, which is counted as that.
    if let ConnectionRole::SendToTls = role {
        server.handler().count_refusal("tls");
        info!(target: "access", remote = %connection.remote, "refused: {}", ConnectionRefusal::NoTls);
    }
    connection::serve(stream.with_permit(permit), connection, role, server).await;
}

/// Makes the TLS handshake, unless the server drains; `None` if nothing is to follow.
async fn handshake(
    stream: Stream,
    tls: &Tls,
    connection: &mut ConnectionInfo,
    server: &Server,
) -> Option<MaybeTls> {
    let drain = &server.lifecycle.tokens.drain;
    match drain.run_until_cancelled(tls.accept(stream)).await? {
        Ok((stream, info)) => {
            connection.tls = info;
            Some(stream)
        }
        Err(error) => {
            server.handler().count_refusal("tls");
            log_handshake(&connection.remote, &error);
            None
        }
    }
}

/// Of a listener for all addresses the client knows the one that it has reached.
fn set_reached_address(stream: &Stream, connection: &mut ConnectionInfo) {
    if let Stream::Left(tcp) = stream
        && connection.local.ip().is_some_and(|ip| ip.is_unspecified())
        && let Ok(address) = tcp.socket().local_addr()
    {
        connection.reached = address.into();
    }
}

/// A balancer's fault, but for connections that it only makes to see that the port is open.
fn log_header(remote: &Endpoint, error: &proxy_protocol::HeaderError) {
    match error.is_probe() {
        true => debug!(%remote, "connection ended: {error}"),
        false => warn!(target: "access", %remote, reason = error.to_string(), "refused"),
    }
}

/// The client's affair, but its operator may wonder why it is not let in.
fn log_handshake(remote: &Endpoint, error: &HandshakeError) {
    match error {
        HandshakeError::Silent => debug!(%remote, "connection ended: {error}"),
        _ => info!(target: "access", %remote, "refused: {error}"),
    }
}
