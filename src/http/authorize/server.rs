//! A server that decides, as reverse proxies ask one: [`HookServer`].

use std::{fmt::Display, sync::Arc};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    HeaderMap, Request, Uri,
    header::{self, HeaderName, HeaderValue},
};
use parking_lot::Mutex;
use tokio_rustls::rustls::ClientConfig;

use super::{
    answer::of_server, failure::AuthorizerFailure, question::Question,
    server_connection::ServerConnection, verdict::Verdict,
};
use crate::{
    backend::{Resolver, SocketAddress, connect},
    percent::escaped,
};

/// Connections that are kept while nothing is asked. As many questions at a time are seldom; each is a descriptor.
const KEPT: usize = 16;

/// What of a request's header the server is told.
const PASSED: [HeaderName; 4] = [
    header::ACCEPT_LANGUAGE,
    header::COOKIE,
    header::ORIGIN,
    header::USER_AGENT,
];

/// A server, and what it is asked for.
#[derive(Debug)]
pub struct HookServer {
    address: SocketAddress,
    /// TLS, for an address by it.
    tls: Option<Arc<ClientConfig>>,
    /// Path and query.
    target: Uri,
    /// The Host of requests.
    host: HeaderValue,
    kept: Mutex<Vec<ServerConnection>>,
}

impl HookServer {
    /// The server at an address, which is asked for `target` under the name `host`.
    pub fn new(
        address: SocketAddress,
        tls: Option<Arc<ClientConfig>>,
        target: Uri,
        host: HeaderValue,
    ) -> Self {
        HookServer {
            address,
            tls,
            target,
            host,
            kept: Mutex::default(),
        }
    }

    /// Whether another is the same, asked for the same.
    pub(super) fn is_same(&self, other: &HookServer) -> bool {
        let parts = |server: &HookServer| {
            let HookServer {
                address,
                target,
                host,
                ..
            } = server;
            (address.clone(), target.clone(), host.clone())
        };
        parts(self) == parts(other)
    }

    /// Asks it. Cancel safe: yes.
    ///
    /// # Errors
    /// It cannot be reached, or has not decided.
    pub(super) async fn ask(
        &self,
        resolver: &Resolver,
        fields: &HeaderMap,
    ) -> Result<Verdict, AuthorizerFailure> {
        let kept = self.kept.lock().pop();
        if let Some(connection) = kept {
            match self.ask_by(connection, fields).await {
                // The server has closed it, as it may at any time; then the others are no better.
                Err(AuthorizerFailure::Http(_)) => self.kept.lock().clear(),
                outcome => return outcome,
            }
        }
        let tls = self.tls.as_ref().ok_or_else(String::new);
        let connected = connect(&self.address, tls, &[], resolver).await;
        let stream = connected.map_err(AuthorizerFailure::Connect)?;
        let connection = ServerConnection::new(stream).await?;
        self.ask_by(connection, fields).await
    }

    async fn ask_by(
        &self,
        connection: ServerConnection,
        fields: &HeaderMap,
    ) -> Result<Verdict, AuthorizerFailure> {
        let (answer, connection) = connection.ask(self.request(fields)).await?;
        if let Some(connection) = connection {
            let mut kept = self.kept.lock();
            if kept.len() < KEPT {
                kept.push(connection);
            }
        }
        of_server(answer.head.status, &answer.head.headers, answer.body)
    }

    /// A GET without a body (RFC 9110 §9.3.1).
    fn request(&self, fields: &HeaderMap) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = fields.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        request
    }
}

/// What a server is told of a request: what it needs of the header, and who asks for what, in the words of reverse
/// proxies. What the client says in these words is left out.
pub(super) fn fields(question: Question<'_>) -> HeaderMap {
    let request = question.request;
    let mut fields = HeaderMap::new();
    for name in &PASSED {
        for value in request.parts.headers.get_all(name) {
            fields.append(name, value.clone());
        }
    }
    for value in question.sent.headers.get_all(header::AUTHORIZATION) {
        fields.append(header::AUTHORIZATION, value.clone());
    }
    let mut tell = |name: &'static str, value: &dyn Display| {
        let value = HeaderValue::try_from(value.to_string()).ok();
        let value = value.filter(|value| !value.is_empty());
        fields.extend(value.map(|value| (HeaderName::from_static(name), value)));
    };
    let connection = request.connection;
    tell("x-forwarded-method", question.method);
    tell(
        "x-forwarded-proto",
        match connection.is_https() {
            true => &"https",
            false => &"http",
        },
    );
    if let Some(host) = request.host {
        tell("x-forwarded-host", host);
    }
    let query = request.parts.uri.query();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let path = escaped(question.path.as_str());
    tell("x-forwarded-uri", &format!("{path}{query}"));
    if let Some(address) = connection.remote.ip() {
        tell("x-forwarded-for", &address);
        tell("x-real-ip", &address);
    }
    if let Some(identity) = request.identity() {
        tell("x-auth-user", &identity.user);
        tell("x-auth-type", &identity.kind.name());
    }
    fields
}
