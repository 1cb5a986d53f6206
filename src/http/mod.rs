//! One request in, one response out: [`Handler`].
//!
//! It decides who may ask, finds who answers, and for a WebSocket opens the program before it answers
//! 101, so that a client sees why a start failed. The session then runs in a task of its own.

pub mod access;
mod console;
pub mod file;
pub mod headers;
pub mod path;
pub mod refusal;
pub mod router;
mod sessions;
pub mod upgrade;

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    backend::Spawner,
    environ::{Connection, Environ},
    session::Limits,
    transport::websocket,
};
use access::Access;
use headers::AddedHeaders;
use path::UrlPath;
use refusal::Refusal;
use router::{Found, Route, Router};
use sessions::{Ask, Sessions};
use upgrade::{Handshake, Subprotocols};

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

/// Everything that one server is told about the requests it answers.
#[derive(Debug)]
pub struct Options {
    /// Who answers.
    pub router: Router,
    /// Who may ask.
    pub access: Access,
    /// What the opening handshake selects.
    pub subprotocols: Subprotocols,
    /// What programs find in their environment.
    pub environ: Environ,
    /// How long sessions wait for what.
    pub limits: Limits,
    /// What a WebSocket may do.
    pub websocket: websocket::Options,
    /// Programs at a time; `None` has no limit.
    pub max_programs: Option<usize>,
    /// What is added to answers.
    pub headers: AddedHeaders,
    /// Whether clients' names are looked up, for REMOTE_HOST.
    pub reverse_lookup: bool,
}

/// Answers requests. Sessions that it started run on when it is dropped.
#[derive(Debug)]
pub struct Handler {
    router: Router,
    access: Access,
    subprotocols: Subprotocols,
    environ: Environ,
    sessions: Sessions,
    headers: AddedHeaders,
    reverse_lookup: bool,
}

impl Handler {
    /// A handler that starts programs with `spawner`.
    pub fn new(options: Options, spawner: Spawner) -> Self {
        Handler {
            router: options.router,
            access: options.access,
            subprotocols: options.subprotocols,
            environ: options.environ,
            sessions: Sessions::new(
                spawner,
                options.max_programs,
                options.limits,
                options.websocket,
            ),
            headers: options.headers,
            reverse_lookup: options.reverse_lookup,
        }
    }

    /// The tasks of all connections and sessions.
    pub fn tasks(&self) -> &TaskTracker {
        self.sessions.tasks()
    }

    /// Cancelled when the server is stopping: sessions then end soon.
    pub fn drain(&self) -> &CancellationToken {
        self.sessions.drain()
    }

    /// How long a drain may take: what programs get to end by themselves, and to be made to.
    pub fn drain_timeout(&self) -> Duration {
        self.sessions.drain_timeout()
    }

    /// Whether clients' names are looked up.
    pub fn reverse_lookup(&self) -> bool {
        self.reverse_lookup
    }

    /// Answers one request.
    pub async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
    ) -> Response<Body> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = self.answer(request, connection).await;
        let refused = answer.as_ref().err().map(ToString::to_string);
        let mut response = answer.unwrap_or_else(Refusal::into_response);
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let nosniff = HeaderValue::from_static("nosniff");
            response
                .headers_mut()
                .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        }
        self.headers.add_to(&mut response);
        let (remote, status) = (connection.remote, response.status());
        let code = status.as_u16();
        match refused {
            Some(reason) => {
                warn!(target: "access", %remote, %method, %uri, status = code, reason, "refused");
            }
            // A session logs its own start and end.
            None if status == StatusCode::SWITCHING_PROTOCOLS => {}
            None => info!(target: "access", %remote, %method, %uri, status = code, "answered"),
        }
        response
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        connection: &Connection,
    ) -> Result<Response<Body>, Refusal> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _body) = request.into_parts();
        let host = self.access.host(&parts, connection)?;
        let path = UrlPath::decode(parts.uri.path())?;
        let is_websocket = upgrade::is_asked_for(&parts.headers);
        let open = async |found: Found<'_>| {
            self.access.origin(&parts.headers, host.as_ref())?;
            let handshake = Handshake::check(&parts, &self.subprotocols)?;
            let ask = Ask {
                parts: &parts,
                host: host.as_ref(),
                script_name: found.script_name,
                path_info: found.path_info,
                connection,
            };
            self.sessions
                .open(found.target, &self.environ, ask, handshake, upgrade)
                .await
        };
        match self.router.route(&path, is_websocket) {
            Route::Program(found) => open(found).await,
            Route::Directory(directory) => match directory.find(&path).await {
                Ok(entry) => {
                    open(Found {
                        target: &entry.target,
                        script_name: &entry.script_name,
                        path_info: &entry.path_info,
                    })
                    .await
                }
                Err(_) => open(self.router.fallback(&path).ok_or(Refusal::NotFound)?).await,
            },
            Route::ProgramOnly => Err(Refusal::UpgradeRequired),
            Route::Console => console::page(&parts.method),
            Route::File(files) => files.answer(&parts, &path).await,
            Route::Nothing => Err(Refusal::NotFound),
        }
    }
}
