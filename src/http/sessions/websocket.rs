//! A session over a WebSocket: its client comes by the connection, or by the stream of one, that the request has
//! become (RFC 6455 §4.2.2, RFC 8441 §5).

use std::io;

use bytes::Bytes;
use hyper::{Response, Version, upgrade::OnUpgrade};

use super::{
    open::open,
    session_request::{Opening, SessionRequest},
};
use crate::{
    backend::Target,
    http::{
        access::ConnectionPermit,
        body::Body,
        own_connection::OwnConnection,
        refusal::Refusal,
        request::ClientRequest,
        state::State,
        targets::FoundTarget,
        websocket::{Detach, Handshake, Tunnel},
    },
    transport::{
        Client,
        websocket::{self, Role, deflate::Negotiated},
    },
};

/// Opens a session and answers 101, by HTTP/2 200.
///
/// # Errors
/// Those of [`open`].
pub(in crate::http) async fn open_websocket(
    state: &State,
    request: ClientRequest<'_>,
    found: FoundTarget<'_>,
    uri: String,
    handshake: Handshake,
    upgrade: OnUpgrade,
    permit: Option<ConnectionPermit>,
) -> Result<Response<Body>, Refusal> {
    let options = found.route.options;
    let is_member = options.share.is_some() || matches!(&*found.route.target, Target::Room(_));
    let client = client(
        upgrade,
        request.parts.version,
        OwnConnection::of(request.parts).map(|own| own.detach),
        websocket::Options {
            is_told_by_many: is_member,
            ..options.websocket
        },
        handshake.compression(),
    );
    let mut response = handshake.to_response();
    options.headers.add_to(&mut response);
    let asked = SessionRequest {
        request,
        found,
        uri,
        opening: Opening::WebSocket {
            subprotocol: handshake.subprotocol(),
            extension: handshake.compression().map(|agreed| agreed.to_string()),
        },
        permit,
    };
    open(state, asked, client).await?;
    Ok(response)
}

/// The client, once it has the answer.
async fn client(
    upgrade: OnUpgrade,
    version: Version,
    detach: Option<Detach>,
    options: websocket::Options,
    compression: Option<Negotiated>,
) -> Client {
    let compression = compression.as_ref();
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        // It went before it had the answer; the program is brought to its end all the same.
        Err(error) => return Client::lost(io::Error::other(error)),
    };
    let detached = match detach {
        Some(Detach(detach)) => detach(upgraded, &options, compression),
        None => Err(upgraded),
    };
    detached.unwrap_or_else(|upgraded| {
        let tunnel = Tunnel::new(upgraded, version);
        websocket::open(tunnel, Bytes::new(), Role::Server, &options, compression)
    })
}
