//! What a session is asked for with, and what it is opened with.

use hyper::{Method, header};
use tracing::info;

use crate::{
    backend::{Backend, FirstLine, Membership},
    environ,
    http::{
        access::ConnectionPermit, pages::RouteMatch, registry::GroupMember, request::ClientRequest,
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
    /// The subprotocol that was agreed on.
    pub(in crate::http) subprotocol: Option<&'a str>,
    /// What else was agreed on, for the log.
    pub(in crate::http) extension: Option<String>,
    /// Kept by the session.
    pub(in crate::http) permit: Option<ConnectionPermit>,
}

/// What programs are told of every session's request, also of HTTP/2's CONNECT, which is none of a proxy: CGI
/// programs and libraries look for nothing else.
static METHOD: Method = Method::GET;

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
    pub(super) fn to_environ(&self) -> environ::RequestInfo<'_> {
        let RouteMatch {
            script_name,
            path_info,
            ..
        } = &self.found.route;
        environ::RequestInfo {
            method: &METHOD,
            subprotocol: self.subprotocol,
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
            subprotocol = self.subprotocol,
            extension = self.extension.as_ref().map(tracing::field::display),
            pid = backend.process.as_ref().map(|process| process.id()),
            target = target.map(tracing::field::display),
            token = self.found.token,
            group = member.map(|member| member.group.as_str()),
            member = member.map(|member| member.id),
            "session started"
        );
    }
}
