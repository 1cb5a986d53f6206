//! The admin interface, at an address of its own: health, readiness, metrics, and the sessions that are open.

use std::fmt;

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde_json::Value;
use tracing::info;
use uuid::Uuid;

use super::{
    access::Origins,
    body::{Body, body_from, empty},
    current::Current,
    metrics,
    pages::options,
    refusal::Refusal,
    response_headers::forbid_sniffing,
    rooms,
    unread_body::UnreadBody,
};
use crate::{connection::ConnectionInfo, message::Close, printable::printable_json};

/// What is there.
const CONTENTS: &str = "\
/healthz              200 while it runs
/readyz               200 while it takes sessions, 503 when it is draining or full
/metrics              figures for Prometheus
/sessions             the sessions that are open, as JSON
/rooms                what many clients have together, as JSON
DELETE /sessions/ID   ends one
POST /rooms/PATH/NAME says its body in the room /PATH/NAME
";

/// Methods of a page, of a session, of a room, and of all together.
const OF_PAGES: &str = "GET, HEAD, OPTIONS";
const OF_SESSIONS: &str = "DELETE, OPTIONS";
const OF_ROOMS: &str = "POST, OPTIONS";
const OF_ALL: &str = "GET, HEAD, POST, DELETE, OPTIONS";

/// Answers about a server. It goes on while that stops.
#[derive(Debug, Clone)]
pub struct Admin(Current);

/// Why a server takes no more sessions now.
enum Unready {
    Leaving,
    Full,
}

impl fmt::Display for Unready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unready::Leaving => "draining",
            Unready::Full => "full",
        })
    }
}

impl Admin {
    /// About the server that this handles requests for.
    pub fn new(current: Current) -> Self {
        Admin(current)
    }

    /// Answers one request.
    pub async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let (request, mut unread) = UnreadBody::of(request);
        let version = request.version();
        let answer = self.answer(request, &mut unread, connection).await;
        let mut response = answer.unwrap_or_else(|refusal| refusal.into_response(version, None));
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        forbid_sniffing(response.headers_mut());
        unread.discard_behind(&mut response, &self.0.get().state.tasks);
        response
    }

    async fn answer(
        &self,
        request: Request<()>,
        body: &mut UnreadBody,
        connection: &ConnectionInfo,
    ) -> Result<Response<Body>, Refusal> {
        let handler = self.0.get();
        let state = &handler.state;
        let (parts, ()) = request.into_parts();
        let access = &handler.options.access;
        if parts.method == Method::OPTIONS {
            access.host_of_options(&parts, connection)?;
            return options::answer(methods(parts.uri.path()).ok_or(Refusal::NotFound)?);
        }
        let host = access.host(&parts, connection)?;
        // A page of another site may send it, without being told what came of it.
        let check_change = || {
            check_is_local(connection)?;
            Origins::default().check(&parts.headers, host.as_ref())
        };
        if let Some(id) = parts.uri.path().strip_prefix("/sessions/") {
            if parts.method != Method::DELETE {
                return Err(Refusal::MethodNotAllowed(OF_SESSIONS));
            }
            check_change()?;
            return self.end(id);
        }
        if let Some(room) = room_in(parts.uri.path()) {
            if parts.method != Method::POST {
                return Err(Refusal::MethodNotAllowed(OF_ROOMS));
            }
            check_change()?;
            return rooms::post(&handler, room, body).await;
        }
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Refusal::MethodNotAllowed(OF_PAGES));
        }
        match parts.uri.path() {
            "/" => Ok(text(StatusCode::OK, "text/plain", CONTENTS)),
            "/healthz" => Ok(text(StatusCode::OK, "text/plain", "ok\n")),
            "/readyz" => Ok(match self.readiness() {
                Ok(()) => text(StatusCode::OK, "text/plain", "ready\n"),
                Err(why) => text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "text/plain",
                    format!("{why}\n"),
                ),
            }),
            "/metrics" => {
                let (registry, connections) = (&state.registry, &state.connections);
                let figures = &state.groups.figures;
                let figures = state.metrics.to_text(registry, connections, figures);
                Ok(text(StatusCode::OK, metrics::CONTENT_TYPE, figures))
            }
            "/sessions" => Ok(json(&state.registry.to_json())),
            "/rooms" => Ok(json(&rooms::list(state))),
            _ => Err(Refusal::NotFound),
        }
    }

    fn readiness(&self) -> Result<(), Unready> {
        let handler = self.0.get();
        match () {
            () if handler.state.leaving.is_cancelled() => Err(Unready::Leaving),
            () if handler.state.processes.is_exhausted() => Err(Unready::Full),
            () => Ok(()),
        }
    }

    fn end(&self, id: &str) -> Result<Response<Body>, Refusal> {
        let close = Close::new(Close::GOING_AWAY, "the session was ended by the operator");
        let registry = &self.0.get().state.registry;
        let id: Uuid = id.parse().map_err(|_| Refusal::NoSession)?;
        if registry.end(id, close).ok_or(Refusal::NoSession)? {
            info!(%id, "a session is ended: DELETE /sessions");
        }
        let mut response = Response::new(empty());
        // It takes what its program takes to end.
        *response.status_mut() = StatusCode::ACCEPTED;
        Ok(response)
    }
}

/// The room that a path is about.
fn room_in(path: &str) -> Option<&str> {
    let room = path.strip_prefix("/rooms")?;
    room.starts_with('/').then_some(room)
}

/// Whether the client is on this machine: who may look at figures from elsewhere changes nothing.
fn check_is_local(connection: &ConnectionInfo) -> Result<(), Refusal> {
    match connection.remote.ip().is_none_or(|ip| ip.is_loopback()) {
        true => Ok(()),
        false => Err(Refusal::Forbidden(
            "this is for clients on the same machine: a loopback address, or a unix socket"
                .to_owned(),
        )),
    }
}

/// What is answered at a path; `*` is all (RFC 9110 §9.3.7).
fn methods(path: &str) -> Option<&'static str> {
    match path {
        "*" => Some(OF_ALL),
        "/" | "/healthz" | "/readyz" | "/metrics" | "/sessions" | "/rooms" => Some(OF_PAGES),
        path if path.starts_with("/sessions/") => Some(OF_SESSIONS),
        path if room_in(path).is_some() => Some(OF_ROOMS),
        _ => None,
    }
}

/// JSON in a line of its own. What clients have asked for stands in it, and who reads it may sit at a terminal.
fn json(value: &Value) -> Response<Body> {
    let line = format!("{}\n", printable_json(&value.to_string()));
    text(StatusCode::OK, "application/json", line)
}

fn text(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(body_from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Endpoint;
    use std::net::SocketAddr;

    #[test]
    fn client_of_this_machine_comes_by_loopback_or_a_unix_socket() {
        let endpoint = |address: &str| {
            let address: SocketAddr = address.parse().expect("an address");
            Endpoint::from(address)
        };
        for (remote, is_local) in [
            (Endpoint::Unix(None), true),
            (endpoint("127.0.0.1:1"), true),
            (endpoint("127.9.9.9:1"), true),
            (endpoint("[::1]:1"), true),
            (endpoint("[::ffff:127.0.0.1]:1"), true),
            (endpoint("192.0.2.1:1"), false),
            (endpoint("[2001:db8::1]:1"), false),
        ] {
            let connection = ConnectionInfo::new(remote, remote);
            assert_eq!(check_is_local(&connection).is_ok(), is_local, "{remote:?}");
        }
    }
}
