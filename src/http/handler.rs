//! One request in, one response out: [`Handler`].
//!
//! It decides who may ask, finds who answers, and for a WebSocket opens the program before it answers
//! 101 (200 by HTTP/2), so that a client sees why a start failed. The session then runs in a task of its own.

use std::borrow::Cow;

use hyper::{
    Method, Request, Response, Uri, Version,
    body::Incoming,
    header::{self, HeaderValue},
};
use tracing::{info, warn};

use super::{
    access::{Access, ConnectionLimits, ConnectionPermit, Overload, ProcessLimit},
    answerer::Answerer,
    body::{Body, with_guard},
    pages::{Route, Router, dispatch::PlainRequest},
    pseudo_headers,
    refusal::Refusal,
    response_headers::{AddedHeaders, forbid_sniffing},
    state::{LifecycleTokens, State},
    url_path::UrlPath,
    websocket::{
        handshake,
        open::{self, SessionRequest},
    },
};
use crate::{
    backend::{Resources, Spawner},
    connection::{ConnectionInfo, Endpoint},
};

/// What a request begins with, for its log line and its answer.
#[derive(Debug)]
pub(super) struct RequestLine {
    method: Method,
    uri: Uri,
    version: Version,
}

impl RequestLine {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        RequestLine {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
        }
    }
}

/// Everything that one server is told about the requests it answers.
#[derive(Debug)]
pub struct Options {
    /// Who answers, and on which terms.
    pub router: Router,
    /// To whom.
    pub access: Access,
    /// Programs at a time, of all routes together.
    pub processes: ProcessLimit,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// What is added to answers that are not opening handshakes.
    pub headers: AddedHeaders,
}

/// Answers requests. Sessions that it started run on when it is dropped.
#[derive(Debug)]
pub struct Handler {
    pub(super) options: Options,
    pub(super) state: State,
}

impl Handler {
    /// A handler that starts programs with `spawner`, for the server that `tokens` are of.
    pub fn new(options: Options, spawner: Spawner, tokens: LifecycleTokens) -> Self {
        let state = State::new(Resources { spawner }, options.processes.clone(), tokens);
        Handler { options, state }
    }

    /// A handler that answers by other rules, for the same server: what runs goes on, is waited for at a
    /// stop, and holds its place if there are as many as before.
    pub fn reconfigured(&self, mut options: Options) -> Self {
        options.processes.inherit_permits(&self.state.processes);
        options.router.inherit_permits(&self.options.router);
        let state = State {
            processes: options.processes.clone(),
            ..self.state.clone()
        };
        Handler { options, state }
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state.registry.open()
    }

    /// Counts a connection in, for as long as the answer is kept; `None` if it had better be closed at
    /// once, for there are too many even to be told so.
    pub fn admit(&self, remote: &Endpoint) -> Option<ConnectionPermit> {
        let client = (!self.options.access.trust.includes(remote)).then_some(remote);
        let admitted = self
            .state
            .connections
            .admit(self.options.connections, client);
        let overload = match &admitted {
            Ok(admitted) => admitted.overload(),
            Err(overload) => Some(*overload),
        };
        // Counted here, for it may never get as far as to ask for something.
        if let Some(refusal) = overload.map(Refusal::from) {
            self.count_refusal(refusal.name());
            warn!(target: "access", %remote, reason = refusal.to_string(), "refused");
        }
        admitted.ok()
    }

    /// Counts a connection that was refused before it could ask for anything.
    pub fn count_refusal(&self, reason: &str) {
        self.state.metrics.count_refusal(reason);
    }

    /// Tells a client why its connection is refused.
    pub fn turn_away(&self, version: Version, overload: Overload) -> Response<Body> {
        let mut response = Refusal::from(overload).into_response(version);
        let code = response.status();
        self.state
            .metrics
            .count_request(Answerer::Nobody.name(), code.as_str());
        forbid_sniffing(&mut response);
        self.options.headers.add_to(&mut response);
        if version != Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }

    /// Answers one request.
    pub async fn handle(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let mut by = Answerer::Nobody;
        let resolve_client = match self.resolve_client(&mut request, connection) {
            Ok(resolve_client) => resolve_client,
            Err(refusal) => {
                let line = RequestLine::of(&request);
                return self.finish(Err(refusal), by, &line, connection);
            }
        };
        let line = RequestLine::of(&request);
        let mut answer = self.answer(request, &resolve_client, &mut by).await;
        if self.options.router.console {
            answer = answer.map_err(Refusal::explained);
        }
        self.finish(answer, by, &line, &resolve_client)
    }

    /// The connection as trusted proxies tell of it, and the request as HTTP/1.1 would have it. Not within
    /// [`Handler::handle`], whose future would keep room for each step of it.
    fn resolve_client<'a>(
        &self,
        request: &mut Request<Incoming>,
        connection: &'a ConnectionInfo,
    ) -> Result<Cow<'a, ConnectionInfo>, Refusal> {
        pseudo_headers::normalize_http2(request)?;
        self.options
            .access
            .trust
            .resolve_client(request.headers(), connection)
    }

    /// Makes an answer of what came of a request, with the headers that all have; counts and logs it.
    pub(super) fn finish(
        &self,
        answer: Result<Response<Body>, Refusal>,
        by: Answerer,
        RequestLine {
            method,
            uri,
            version,
        }: &RequestLine,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let refused = answer.as_ref().err().map(ToString::to_string);
        if let Err(refusal) = &answer {
            self.state.metrics.count_refusal(refusal.name());
        }
        let is_session = matches!(by, Answerer::Program) && answer.is_ok();
        let mut response = answer.unwrap_or_else(|refusal| refusal.into_response(*version));
        if !is_session {
            forbid_sniffing(&mut response);
            self.options.headers.add_to(&mut response);
        }
        let (remote, status) = (connection.remote, response.status());
        let code = status.as_u16();
        self.state.metrics.count_request(by.name(), status.as_str());
        match refused {
            Some(reason) => {
                warn!(target: "access", %remote, %method, %uri, status = code, reason, "refused");
            }
            // A session logs its own start and end.
            None if is_session => {}
            None => info!(target: "access", %remote, %method, %uri, status = code, "answered"),
        }
        response
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
        by: &mut Answerer,
    ) -> Result<Response<Body>, Refusal> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let host = self.options.access.host(&parts, connection)?;
        // Through a proxy many clients share a connection, so each request counts.
        let admitted = match connection.forwarded {
            Some(_) => {
                let connections = &self.state.connections;
                connections.admit_request(self.options.connections, &connection.remote)?
            }
            None => None,
        };
        let path = UrlPath::decode(parts.uri.path())?;
        if handshake::is_requested(&parts) {
            *by = Answerer::Program;
            let router = &self.options.router;
            let entry;
            let found = match router.websocket(&path, &parts.headers) {
                Route::Program(found) => found,
                Route::Directory(directory) => match directory.find(&path).await {
                    Ok(program) => {
                        entry = program;
                        directory.found(&entry)
                    }
                    Err(_) => router.fallback(&path).ok_or(Refusal::NotFound)?,
                },
                _ => return Err(Refusal::NotFound),
            };
            path.check_for_programs()?;
            let origins = &found.options.origins;
            origins.check(&parts.headers, host.as_ref())?;
            let ask = SessionRequest {
                parts: &parts,
                host: host.as_ref(),
                found,
                connection,
                admitted,
            };
            return open::open(&self.state, ask, upgrade).await;
        }
        let request = PlainRequest {
            parts,
            path,
            body: Some(body),
            host: host.as_ref(),
            connection,
        };
        let response = self.plain(request, by).await?;
        Ok(match admitted {
            Some(admitted) => response.map(|body| with_guard(body, admitted)),
            None => response,
        })
    }
}
