//! One request in, one response out: [`Handler`].
//!
//! It decides who may ask, finds who answers, and for a WebSocket opens the program before it answers
//! 101, so that a client sees why a start failed. The session then runs in a task of its own.

pub mod access;
pub mod cgi;
mod console;
pub mod file;
pub mod headers;
pub mod path;
mod places;
pub mod redirect;
pub mod refusal;
pub mod router;
mod sessions;
pub mod upgrade;

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{self, HeaderValue},
    http::request::Parts,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    backend::Spawner,
    environ::{Connection, Environ},
    session::Limits,
    transport::websocket,
};
use access::{Access, Authority};
use headers::AddedHeaders;
use path::UrlPath;
use places::Places;
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

/// Local redirects of one request; a script that needs more is in a loop.
const LOCAL_REDIRECTS: usize = 10;

/// A request that is not for a WebSocket.
struct Plain<'a> {
    parts: Parts,
    path: UrlPath,
    body: Option<Incoming>,
    host: Option<&'a Authority>,
    connection: &'a Connection,
}

impl Plain<'_> {
    /// Makes of it the GET that a script has asked to be answered in its place.
    fn redirect(&mut self, target: &str) -> Result<(), Refusal> {
        let bad = || Refusal::BadScript("its Location is not a path of this server".to_owned());
        self.parts.uri = target.parse().map_err(|_| bad())?;
        self.path = UrlPath::decode(self.parts.uri.path()).map_err(|_| bad())?;
        if self.parts.method != Method::HEAD {
            self.parts.method = Method::GET;
        }
        self.body = None;
        for name in [
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::TRANSFER_ENCODING,
        ] {
            self.parts.headers.remove(name);
        }
        Ok(())
    }
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

/// The handler in force. Another can take its place at any time: it answers the next request, while
/// what the earlier one has begun goes on.
#[derive(Debug, Clone)]
pub struct Current(Arc<RwLock<Arc<Handler>>>);

impl Current {
    /// Puts a handler in force.
    pub fn new(handler: Handler) -> Self {
        Current(Arc::new(RwLock::new(Arc::new(handler))))
    }

    /// The one in force now.
    pub fn get(&self) -> Arc<Handler> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place.
    pub fn replace(&self, handler: Handler) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(handler);
    }
}

/// Answers requests. Sessions that it started run on when it is dropped.
#[derive(Debug)]
pub struct Handler {
    router: Router,
    access: Access,
    subprotocols: Subprotocols,
    environ: Environ,
    sessions: Sessions,
    places: Places,
    headers: AddedHeaders,
    scripts: cgi::Runner,
    reverse_lookup: bool,
}

impl Handler {
    /// A handler that starts programs with `spawner`.
    pub fn new(options: Options, spawner: Spawner) -> Self {
        let places = Places::new(options.max_programs);
        Self::with(
            options,
            spawner,
            places,
            TaskTracker::new(),
            CancellationToken::new(),
        )
    }

    /// A handler that answers by other rules, for the same server: what runs goes on, is waited for at a
    /// stop, and holds its place if there are as many as before.
    pub fn succeed(&self, options: Options) -> Self {
        let places = self.places.resized(options.max_programs);
        let spawner = self.scripts.spawner.clone();
        Self::with(
            options,
            spawner,
            places,
            self.tasks().clone(),
            self.drain().clone(),
        )
    }

    fn with(
        options: Options,
        spawner: Spawner,
        places: Places,
        tasks: TaskTracker,
        drain: CancellationToken,
    ) -> Self {
        let sessions = Sessions::new(
            spawner.clone(),
            places.clone(),
            options.limits.clone(),
            options.websocket,
            tasks,
            drain,
        );
        Handler {
            router: options.router,
            access: options.access,
            subprotocols: options.subprotocols,
            environ: options.environ,
            scripts: cgi::Runner {
                spawner,
                places: places.clone(),
                write_timeout: options.websocket.write_timeout,
                drain_time: options.limits.drain,
                patience: options.limits.patience,
                tasks: sessions.tasks().clone(),
                drain: sessions.drain().clone(),
            },
            sessions,
            places,
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
        self.finish(answer, &method, &uri, connection)
    }

    /// Makes an answer of what came of a request, with the headers that all have, and logs it.
    fn finish(
        &self,
        answer: Result<Response<Body>, Refusal>,
        method: &Method,
        uri: &Uri,
        connection: &Connection,
    ) -> Response<Body> {
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
        let (parts, body) = request.into_parts();
        let host = self.access.host(&parts, connection)?;
        let path = UrlPath::decode(parts.uri.path())?;
        let is_websocket = upgrade::is_asked_for(&parts.headers);
        let open = async |found: Found<'_>| {
            path.check_for_programs()?;
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
            _ if is_websocket => Err(Refusal::NotFound),
            _ => {
                let request = Plain {
                    parts,
                    path: path.clone(),
                    body: Some(body),
                    host: host.as_ref(),
                    connection,
                };
                self.plain(request).await
            }
        }
    }

    /// Answers a plain request, which scripts may send on to other paths (RFC 3875 §6.2.2).
    async fn plain(&self, mut request: Plain<'_>) -> Result<Response<Body>, Refusal> {
        for _ in 0..=LOCAL_REDIRECTS {
            let mut route = self.router.route(&request.path, false);
            if let Route::Cgi(scripts) = route {
                match scripts.find(&request.path).await {
                    Some(script) => {
                        request.path.check_for_programs()?;
                        let ask = cgi::Ask {
                            parts: &request.parts,
                            host: request.host,
                            connection: request.connection,
                            body: request.body.take(),
                        };
                        let running = self.scripts.answer(scripts, &script, &self.environ, ask);
                        match running.await? {
                            cgi::Answer::Response(response) => return Ok(response),
                            cgi::Answer::Elsewhere(target) => request.redirect(&target)?,
                        }
                        continue;
                    }
                    None => route = self.router.beside_scripts(&request.path),
                }
            }
            return match route {
                Route::ProgramOnly => Err(Refusal::UpgradeRequired),
                Route::Console => console::page(&request.parts.method),
                Route::File(files) => files.answer(&request.parts, &request.path).await,
                _ => Err(Refusal::NotFound),
            };
        }
        Err(Refusal::BadScript(format!(
            "there were more than {LOCAL_REDIRECTS} local redirects"
        )))
    }
}
