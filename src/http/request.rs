//! A client's request, as its answerer sees it: [`ClientRequest`].

use hyper::{Method, http::request::Parts};

use super::{
    access::{Authenticated, Authority, Identity},
    authorize::Grant,
    request_head::RawTarget,
};
use crate::{connection::ConnectionInfo, environ};

/// What programs are told of every session's request, also of HTTP/2's CONNECT, which is none of a proxy: CGI
/// programs and libraries look for nothing else.
pub(super) static METHOD_OF_SESSIONS: Method = Method::GET;

/// The head of a request that has passed all checks, and the connection that it came by.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientRequest<'a> {
    pub(super) parts: &'a Parts,
    /// The host that it is for; `None` only of HTTP/1.0.
    pub(super) host: Option<&'a Authority>,
    pub(super) connection: &'a ConnectionInfo,
    /// Who the client is, if that was asked.
    pub(super) client: Option<&'a Authenticated>,
    /// What an authorizer lets its program have beside, where one is asked.
    pub(super) grant: Option<&'a Grant>,
}

impl<'a> ClientRequest<'a> {
    /// Path and query as they came, where they are not those of the `Uri`.
    fn raw_target(self) -> Option<(&'a [u8], &'a [u8])> {
        let raw = self.parts.extensions.get::<RawTarget>()?;
        Some((raw.path_and_query(), raw.query()))
    }

    /// Who the client is, if that was asked.
    pub(super) fn identity(self) -> Option<&'a Identity> {
        self.client.map(|client| &client.identity)
    }

    /// What meta-variables are made of, where a program at `script_name` answers; without a subprotocol,
    /// and without an id, which it gets when the program is launched.
    pub(super) fn to_environ(
        self,
        script_name: &'a str,
        path_info: &'a str,
    ) -> environ::RequestInfo<'a> {
        environ::RequestInfo {
            method: &self.parts.method,
            uri: &self.parts.uri,
            raw_target: self.raw_target(),
            version: self.parts.version,
            headers: &self.parts.headers,
            script_name,
            path_info,
            host: self.host.map(|host| (host.name.as_str(), host.port)),
            user: self
                .identity()
                .map_or(("", ""), |client| (&client.user, client.kind.name())),
            granted: self.grant.map_or(&[], |grant| &grant.variables[..]),
            subprotocol: None,
            id: "",
        }
    }
}
