//! CGI/1.1 (RFC 3875): an executable beneath a directory answers the requests that lead to it.
//!
//! It guarantees that no script outlives its request, that the client has the script's output as it
//! comes, and that an answer which breaks off does not look whole. Which URL leads to which script is
//! [`Root::find_script`]'s to say.

mod block;
mod body;
mod output;
mod pieces;
mod relay;
mod response;
mod run;

use std::{ffi::OsString, future::Future, sync::Arc, time::Duration};

use hyper::{HeaderMap, Method, Response, body::Incoming, header, http::request::Parts};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::{
    Body,
    access::Authority,
    empty,
    path::{Root, Script, UrlPath},
    places::Places,
    refusal::Refusal,
};
use crate::{
    backend::{Errors, Patience, Program, Spawner},
    environ::{self, Connection, Environ},
    framing::Framing,
};
use body::Content;
use output::Output;
use pieces::{Piece, streamed};
use relay::{Relay, Times};
use response::{Dialect, Head, Reply};
use run::{CLOSING_GRACE, Run};

/// What a script and its request may take.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Until a script's header is complete, and then between two pieces of its output.
    pub timeout: Option<Duration>,
    /// The largest body of a request, in bytes.
    pub max_body: Option<u64>,
}

/// The scripts of one directory.
#[derive(Debug)]
pub struct Scripts {
    root: Arc<Root>,
    limits: Limits,
}

impl Scripts {
    /// The scripts beneath a root.
    pub fn new(root: Arc<Root>, limits: Limits) -> Self {
        Scripts { root, limits }
    }

    /// The script that a path leads to; one whose name is hidden, such as `.git/hooks/…`, is none.
    pub(super) async fn find(&self, path: &UrlPath) -> Option<Script> {
        let (root, path) = (Arc::clone(&self.root), path.clone());
        let found = spawn_blocking(move || root.find_script(&path)).await;
        let is_hidden =
            |script: &Script| UrlPath::decode(&script.name).is_ok_and(|name| name.is_hidden());
        found.ok()?.ok().filter(|script| !is_hidden(script))
    }
}

/// What a script is asked with.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) parts: &'a Parts,
    pub(super) host: Option<&'a Authority>,
    pub(super) connection: &'a Connection,
    /// `None` when an earlier script has had it.
    pub(super) body: Option<Incoming>,
}

/// What comes of it.
#[derive(Debug)]
pub(super) enum Answer {
    /// A response.
    Response(Response<Body>),
    /// Path and query of what is to answer instead.
    Elsewhere(String),
}

/// What scripts are run with.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) spawner: Spawner,
    pub(super) places: Places,
    /// What a client may take for a piece of a response.
    pub(super) write_timeout: Option<Duration>,
    /// What a drain gives a script to end by itself.
    pub(super) drain_time: Duration,
    pub(super) patience: Patience,
    pub(super) tasks: TaskTracker,
    pub(super) drain: CancellationToken,
}

impl Runner {
    /// Runs a script for one request.
    ///
    /// # Errors
    /// 413, 408 and 400 for the request's body; 503 when the server is full or stopping, or the start
    /// may work later, 500 when it will not; 502 and 504 for what the script does.
    pub(super) async fn answer(
        &self,
        scripts: &Scripts,
        script: &Script,
        environ: &Environ,
        ask: Ask<'_>,
    ) -> Result<Answer, Refusal> {
        if self.drain.is_cancelled() {
            return Err(Refusal::Draining);
        }
        if script.name.contains(['\r', '\n']) || script.info.contains(['\r', '\n']) {
            return Err(Refusal::BadRequest(
                "the URL's path has a line end".to_owned(),
            ));
        }
        let (parts, host, connection) = (ask.parts, ask.host, ask.connection);
        let content = self.content(ask, &scripts.limits).await?;
        let headers = headers(parts, &content);
        let place = self.places.take()?;
        let id = Uuid::now_v7().to_string();
        let span = error_span!("request", id);
        let request = environ::Request {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            headers: &headers,
            script_name: &script.name,
            path_info: &script.info,
            host: host.map(|host| (host.name.as_str(), host.port)),
            subprotocol: None,
            id: &id,
        };
        let variables = environ.variables(connection, &request);
        let program = program(script);
        let starting = program
            .start(&self.spawner, &variables)
            .instrument(span.clone());
        let started = starting.await.map_err(Refusal::Start)?;
        let (answer, answered) = oneshot::channel();
        let (pieces, body) = mpsc::channel(1);
        let is_head = parts.method == Method::HEAD;
        let run = Run {
            content,
            input: started.input,
            relay: Relay {
                output: Output {
                    pipe: started.output,
                    process: started.process,
                },
                dialect: dialect(script),
                is_head,
                times: self.times(&scripts.limits),
                answer: Some(answer),
                pieces,
                place: Some(place),
            },
            drain: self.drain.clone(),
        };
        self.tasks.spawn(run.run().instrument(span));
        // It goes without an answer only when the server stops.
        match answered.await.map_err(|_| Refusal::Draining)?? {
            Reply::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
            Reply::Document(head) => {
                let has_body = head.has_body(is_head);
                Ok(Answer::Response(response(head, has_body, body)))
            }
        }
    }

    fn times(&self, limits: &Limits) -> Times {
        Times {
            script: limits.timeout,
            client: self.write_timeout,
            drain: self.drain_time,
            patience: self.patience,
        }
    }

    async fn content(&self, ask: Ask<'_>, limits: &Limits) -> Result<Content, Refusal> {
        let Some(incoming) = ask.body else {
            return Ok(Content::nothing());
        };
        let prepared = Content::prepare(incoming, limits).await;
        prepared.map_err(|(refusal, rest)| {
            // A client that waits for a 100 sends nothing, and reading would be the 100.
            if !ask.parts.headers.contains_key(header::EXPECT) {
                self.tasks.spawn(body::discard(rest, CLOSING_GRACE));
            }
            refusal
        })
    }
}

/// The request's headers as the script sees them: with the exact length of its body, whose transfer
/// coding is taken off (RFC 3875 §4.1.2, RFC 9112 §7).
fn headers(parts: &Parts, content: &Content) -> HeaderMap {
    let mut headers = parts.headers.clone();
    let is_coded = headers.remove(header::TRANSFER_ENCODING).is_some();
    if is_coded || headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, content.length.into());
    }
    headers
}

/// How a script is run: in its own directory (RFC 3875 §7.2).
fn program(script: &Script) -> Program {
    Program {
        file: script.file.clone(),
        arguments: vec![OsString::from(&script.file)],
        directory: script.file.parent().map(Into::into),
        framing: Framing::Chunks,
        max_line: usize::MAX,
        flush_after: None,
        errors: Errors::Log,
    }
}

fn dialect(script: &Script) -> Dialect {
    match script.name.rsplit('/').next() {
        Some(name) if name.starts_with("nph-") => Dialect::NonParsed,
        _ => Dialect::Parsed,
    }
}

fn response(head: Head, has_body: bool, pieces: mpsc::Receiver<Piece>) -> Response<Body> {
    let mut response = Response::new(match has_body {
        true => streamed(pieces),
        false => empty(),
    });
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    if let Some(reason) = head.reason {
        response.extensions_mut().insert(reason);
    }
    response
}

/// What a future gives within a time, if there is one.
async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}
