//! A connection from its first byte of HTTP to its end: [`serve`].

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    exchange::{ConnectionRole, Exchange},
    http1, http2,
    preface::{self, Protocol},
};
use crate::{
    connection::ConnectionInfo,
    server::{Options, Server, io::MaybeTls},
};

/// What looking up a client's name may take before the address has to do.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a connection, over whatever carries its bytes.
///
/// Cancel safe: no; the connection is closed then.
pub(in crate::server) async fn serve(
    stream: MaybeTls,
    mut connection: Box<ConnectionInfo>,
    role: ConnectionRole,
    server: Server,
) {
    let options = server.options();
    if let Some(address) = connection.remote.ip().filter(|_| options.reverse_lookup) {
        connection.remote_name = Box::pin(look_up_name(address)).await;
    }
    let drain = match role {
        // As long as there is a server there is something to ask about it.
        ConnectionRole::Admin(_) => CancellationToken::new(),
        _ => server.lifecycle.tokens.drain.clone(),
    };
    // Boxed, as all that is over before the first request, or the task would have the room for it to its end.
    let protocol = Box::pin(agree_on_protocol(&stream, &role, options, &drain)).await;
    let exchange = Arc::new(Exchange {
        connection: *connection,
        role,
        server,
    });
    match protocol {
        // Boxed, since they are large, and a connection may have nothing to say yet.
        Some(Protocol::Http1) => Box::pin(http1::serve(stream, exchange, drain)).await,
        Some(Protocol::Http2) => Box::pin(http2::serve(stream, exchange, drain)).await,
        None => {}
    }
}

/// What is spoken: by TLS's agreement, else by the first bytes where they may say so. Without TLS they are waited
/// for, since a connection that is silent is to take no room for a request. `None` if the client goes or takes too
/// long, or the server drains before anything has come.
async fn agree_on_protocol(
    stream: &MaybeTls,
    role: &ConnectionRole,
    options: Options,
    drain: &CancellationToken,
) -> Option<Protocol> {
    let may_begin_so =
        options.h2c && matches!(role, ConnectionRole::Site | ConnectionRole::TurnAway(_));
    match (stream.is_tls(), may_begin_so) {
        (true, _) if stream.is_http2() => Some(Protocol::Http2),
        (true, _) => Some(Protocol::Http1),
        (false, _) => {
            let mut peeking = pin!(preface::protocol(stream, may_begin_so));
            tokio::select! {
                protocol = &mut peeking => protocol,
                // Who has asked by then is answered, however late that is found.
                () = drain.cancelled() => match stream.has_waiting() {
                    true => peeking.await,
                    false => None,
                },
            }
        }
    }
}

/// The name of an address, by the system's resolver.
async fn look_up_name(address: IpAddr) -> Option<String> {
    let lookup = spawn_blocking(move || dns_lookup::lookup_addr(&address).ok());
    timeout(LOOKUP_TIMEOUT, lookup).await.ok()?.ok()?
}
