//! What a session is asked for with, and what it is opened with.

use std::sync::Arc;

use hyper::header;
use tracing::info;

use crate::{
    backend::{Backend, FirstLine, Membership},
    environ,
    http::{
        access::ConnectionPermit,
        console_feed::Feed,
        pages::RouteMatch,
        registry::GroupMember,
        request::{ClientRequest, METHOD_OF_SESSIONS},
        targets::FoundTarget,
    },
};

/// What a session is asked for with.
#[derive(Debug)]
pub(in crate::http) struct SessionRequest<'a> {
    pub(in crate::http) request: ClientRequest<'a>,
    /// Whom the client is joined to.
    pub(in crate::http) found: FoundTarget<'a>,
    /// The request's target, as the log shows it.
    pub(in crate::http) uri: String,
    /// How it is asked for.
    pub(in crate::http) opening: Opening<'a>,
    /// Kept by the session.
    pub(in crate::http) permit: Option<ConnectionPermit>,
}

/// How a session is asked for.
#[derive(Debug)]
pub(in crate::http) enum Opening<'a> {
    /// By an opening handshake.
    WebSocket {
        /// The subprotocol that was agreed on.
        subprotocol: Option<&'a str>,
        /// What else was agreed on, for the log.
        extension: Option<String>,
    },
    /// By a request whose body it is sent.
    Post,
}

impl Opening<'_> {
    /// The subprotocol that was agreed on.
    pub(super) fn subprotocol(&self) -> Option<&str> {
        match self {
            Opening::WebSocket { subprotocol, .. } => *subprotocol,
            Opening::Post => None,
        }
    }

    fn extension(&self) -> Option<&str> {
        match self {
            Opening::WebSocket { extension, .. } => extension.as_deref(),
            Opening::Post => None,
        }
    }

    /// How the log calls what is no WebSocket.
    fn http(&self) -> Option<&'static str> {
        match self {
            Opening::WebSocket { .. } => None,
            Opening::Post => Some("post"),
        }
    }
}

/// What a session is opened with.
pub(super) struct Opened {
    pub(super) backend: Backend,
    /// What may be the reason if the program ends at once.
    pub(super) first_line: Option<FirstLine>,
    /// Where it is one of many.
    pub(super) member: Option<Box<GroupMember>>,
    /// What makes it that, where its program is told how it leaves.
    pub(super) membership: Option<Box<Membership>>,
}

impl SessionRequest<'_> {
    /// What its console is told, if it is one that asks.
    pub(super) fn feed(&self) -> Option<Arc<Feed>> {
        self.request.parts.extensions.get().cloned()
    }

    pub(super) fn to_environ(&self) -> environ::RequestInfo<'_> {
        let RouteMatch {
            script_name,
            path_info,
            ..
        } = &self.found.route;
        let method = match self.opening {
            Opening::WebSocket { .. } => &METHOD_OF_SESSIONS,
            Opening::Post => &self.request.parts.method,
        };
        environ::RequestInfo {
            method,
            subprotocol: self.opening.subprotocol(),
            ..self.request.to_environ(script_name, path_info)
        }
    }

    /// Says in the log that it has begun.
    pub(super) fn log_start(
        &self,
        backend: &Backend,
        target: Option<&str>,
        member: Option<&GroupMember>,
    ) {
        let ClientRequest {
            parts, connection, ..
        } = self.request;
        info!(
            target: "access",
            remote = %connection.remote,
            user = self.request.identity().map(|client| client.user.as_str()),
            uri = %self.uri,
            origin = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()),
            http = self.opening.http(),
            subprotocol = self.opening.subprotocol(),
            extension = self.opening.extension().map(tracing::field::display),
            pid = backend.process.as_ref().map(|process| process.id()),
            target = target.map(tracing::field::display),
            token = self.found.token,
            group = member.map(|member| member.group.as_str()),
            member = member.map(|member| member.id),
            "session started"
        );
    }
}
