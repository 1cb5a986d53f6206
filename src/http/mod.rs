//! One request in, one response out: [`Handler`].
//!
//! It decides who may ask, finds who answers, and for a WebSocket opens the program before it answers
//! 101 (200 by HTTP/2), so that a client sees why a start failed. The session then runs in a task of its own.

pub mod access;
pub mod admin;
pub mod cgi;
pub mod connections;
mod console;
mod current;
pub mod extensions;
pub mod file;
pub mod forwarded;
pub mod headers;
mod metrics;
pub mod origins;
pub mod path;
pub mod places;
mod plain;
mod pseudo_headers;
pub mod redirect;
pub mod refusal;
mod registry;
pub mod router;
pub mod service;
mod sessions;
mod shared;
mod tunnel;
pub mod upgrade;

use std::{borrow::Cow, io};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, Uri, Version,
    body::Incoming,
    header::{self, HeaderValue},
};
use tracing::{info, warn};

use crate::{
    backend::Spawner,
    environ::{Connection, Endpoint},
};
use access::Access;
use connections::{Admitted, ConnectionLimits, Overload};
pub use current::Current;
use headers::AddedHeaders;
use path::UrlPath;
use places::Places;
use plain::Plain;
use refusal::Refusal;
use router::{Route, Router};
use sessions::Ask;
pub use shared::LifecycleTokens;
use shared::Shared;

/// A response's body.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body with something that is kept as long as it is being sent.
fn held(body: Body, kept: impl Send + 'static) -> Body {
    let keep = move |frame| {
        let _ = &kept;
        frame
    };
    body.map_frame(keep).boxed_unsync()
}

/// What a request begins with, for its log line and its answer.
#[derive(Debug)]
struct RequestLine {
    method: Method,
    uri: Uri,
    version: Version,
}

impl RequestLine {
    fn of<B>(request: &Request<B>) -> Self {
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
    pub places: Places,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// What is added to answers that are not opening handshakes.
    pub headers: AddedHeaders,
}

/// Who has answered, for counting.
#[derive(Debug, Clone, Copy)]
enum By {
    Program,
    Cgi,
    File,
    Console,
    Redirect,
    Nobody,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            By::Program => "program",
            By::Cgi => "cgi",
            By::File => "file",
            By::Console => "console",
            By::Redirect => "redirect",
            By::Nobody => "none",
        }
    }
}

/// Answers requests. Sessions that it started run on when it is dropped.
#[derive(Debug)]
pub struct Handler {
    options: Options,
    shared: Shared,
}

impl Handler {
    /// A handler that starts programs with `spawner`, for the server that `tokens` are of.
    pub fn new(options: Options, spawner: Spawner, tokens: LifecycleTokens) -> Self {
        let shared = Shared::new(spawner, options.places.clone(), tokens);
        Handler { options, shared }
    }

    /// A handler that answers by other rules, for the same server: what runs goes on, is waited for at a
    /// stop, and holds its place if there are as many as before.
    pub fn succeed(&self, mut options: Options) -> Self {
        options.places.succeed(&self.shared.places);
        options.router.succeed(&self.options.router);
        let shared = Shared {
            places: options.places.clone(),
            ..self.shared.clone()
        };
        Handler { options, shared }
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.shared.registry.open()
    }

    /// Counts a connection in, for as long as the answer is kept; `None` if it had better be closed at
    /// once, for there are too many even to be told so.
    pub fn admit(&self, remote: &Endpoint) -> Option<Admitted> {
        let client = (!self.options.access.trust.includes(remote)).then_some(remote);
        let admitted = self
            .shared
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
        self.shared.metrics.refused(reason);
    }

    /// Tells a client why its connection is refused.
    pub fn turn_away(&self, version: Version, overload: Overload) -> Response<Body> {
        let mut response = Refusal::from(overload).into_response(version);
        let code = response.status();
        self.shared
            .metrics
            .answered(By::Nobody.name(), code.as_str());
        headers::forbid_sniffing(&mut response);
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
        connection: &Connection,
    ) -> Response<Body> {
        let mut by = By::Nobody;
        let seen = match self.seen(&mut request, connection) {
            Ok(seen) => seen,
            Err(refusal) => {
                let line = RequestLine::of(&request);
                return self.finish(Err(refusal), by, &line, connection);
            }
        };
        let line = RequestLine::of(&request);
        let answer = self.answer(request, &seen, &mut by).await;
        self.finish(answer, by, &line, &seen)
    }

    /// The connection as trusted proxies tell of it, and the request as HTTP/1.1 would have it. Not within
    /// [`Handler::handle`], whose future would keep room for each step of it.
    fn seen<'a>(
        &self,
        request: &mut Request<Incoming>,
        connection: &'a Connection,
    ) -> Result<Cow<'a, Connection>, Refusal> {
        pseudo_headers::fold(request)?;
        self.options
            .access
            .trust
            .seen(request.headers(), connection)
    }

    /// Makes an answer of what came of a request, with the headers that all have; counts and logs it.
    fn finish(
        &self,
        answer: Result<Response<Body>, Refusal>,
        by: By,
        RequestLine {
            method,
            uri,
            version,
        }: &RequestLine,
        connection: &Connection,
    ) -> Response<Body> {
        let refused = answer.as_ref().err().map(ToString::to_string);
        if let Err(refusal) = &answer {
            self.shared.metrics.refused(refusal.name());
        }
        let is_session = matches!(by, By::Program) && answer.is_ok();
        let mut response = answer.unwrap_or_else(|refusal| refusal.into_response(*version));
        if !is_session {
            headers::forbid_sniffing(&mut response);
            self.options.headers.add_to(&mut response);
        }
        let (remote, status) = (connection.remote, response.status());
        let code = status.as_u16();
        self.shared.metrics.answered(by.name(), status.as_str());
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
        connection: &Connection,
        by: &mut By,
    ) -> Result<Response<Body>, Refusal> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let host = self.options.access.host(&parts, connection)?;
        // Through a proxy many clients share a connection, so each request counts.
        let admitted = match connection.forwarded {
            Some(_) => {
                let connections = &self.shared.connections;
                connections.admit_request(self.options.connections, &connection.remote)?
            }
            None => None,
        };
        let path = UrlPath::decode(parts.uri.path())?;
        if upgrade::is_asked_for(&parts) {
            *by = By::Program;
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
            let origins = &found.service.origins;
            origins.check(&parts.headers, host.as_ref())?;
            let ask = Ask {
                parts: &parts,
                host: host.as_ref(),
                found,
                connection,
                admitted,
            };
            return sessions::open(&self.shared, ask, upgrade).await;
        }
        let request = Plain {
            parts,
            path,
            body: Some(body),
            host: host.as_ref(),
            connection,
        };
        let response = self.plain(request, by).await?;
        Ok(match admitted {
            Some(admitted) => response.map(|body| held(body, admitted)),
            None => response,
        })
    }
}
