//! From a request to a running script and its answer: a body, a place, an id, a process, a task.

use std::ffi::{OsStr, OsString};

use hyper::{HeaderMap, Method, Response, Version, body::Incoming, header, http::request::Parts};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tracing::{Instrument, error_span};
use uuid::Uuid;

use super::{
    Limits, Scripts,
    body::{self, Content},
    output::Output,
    pieces::{Piece, streamed},
    relay::{Relay, Times},
    response::{Dialect, Head, Reply},
    run::{CLOSING_GRACE, Run},
    turn,
};
use crate::{
    backend::{Environment, ProcessAttributes, Program},
    connection::ConnectionInfo,
    environ::{self, Environ},
    http::{
        Body, access::Authority, empty, path::Script, refusal::Refusal, service::Service,
        shared::Shared,
    },
};

/// What a script is asked with.
#[derive(Debug)]
pub(in crate::http) struct Ask<'a> {
    pub(in crate::http) parts: &'a Parts,
    pub(in crate::http) host: Option<&'a Authority>,
    pub(in crate::http) connection: &'a ConnectionInfo,
    /// `None` when an earlier script has had it.
    pub(in crate::http) body: Option<Incoming>,
}

/// What comes of it.
#[derive(Debug)]
pub(in crate::http) enum Answer {
    /// A response.
    Response(Response<Body>),
    /// Path and query of what is to answer instead.
    Elsewhere(String),
}

/// Runs scripts.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Runner<'a>(pub(in crate::http) &'a Shared);

impl Runner<'_> {
    /// Runs a script for one request.
    ///
    /// # Errors
    /// 413, 408 and 400 for the request's body; 503 when the server is full or stopping, or the start
    /// may work later, 500 when it will not; 502 and 504 for what the script does.
    pub(in crate::http) async fn answer(
        &self,
        scripts: &Scripts,
        script: &Script,
        mut ask: Ask<'_>,
    ) -> Result<Answer, Refusal> {
        if self.0.drain.is_cancelled() {
            return Err(Refusal::Draining);
        }
        let is_head = ask.parts.method == Method::HEAD;
        let content = self.content(&mut ask, &scripts.limits).await?;
        let place = self.0.places.take(&scripts.service.places)?;
        let id = Uuid::now_v7().to_string();
        let span = error_span!("request", id);
        let variables = variables(&scripts.service.environ, &ask, script, &content, &id);
        let program = program(script, &scripts.attributes);
        let begun = Instant::now();
        let starting = program.start(&self.0.spawner, &variables);
        let started = starting.instrument(span.clone()).await;
        self.0.metrics.spawned(begun.elapsed());
        let started = started.map_err(Refusal::Start)?;
        let (answer, answered) = oneshot::channel();
        let (pieces, body) = mpsc::channel(1);
        let (turns, clock) = turn::clock(scripts.limits.timeout);
        let run = Run {
            content,
            input: started.input,
            turns,
            relay: Relay {
                output: Output {
                    pipe: started.output,
                    process: started.process,
                },
                clock,
                dialect: dialect(script),
                is_head,
                times: times(scripts),
                answer: Some(answer),
                pieces,
                place: Some(place),
            },
            drain: self.0.drain.clone(),
        };
        self.0.tasks.spawn(run.run().instrument(span));
        // It goes without an answer only when the server stops.
        match answered.await.map_err(|_| Refusal::Draining)?? {
            Reply::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
            Reply::Document(head) => {
                let has_body = head.has_body(is_head);
                Ok(Answer::Response(response(head, has_body, body)))
            }
        }
    }

    async fn content(&self, ask: &mut Ask<'_>, limits: &Limits) -> Result<Content, Refusal> {
        let Some(incoming) = ask.body.take() else {
            return Ok(Content::nothing());
        };
        let prepared = Content::prepare(incoming, limits).await;
        prepared.map_err(|(refusal, rest)| {
            // A client that waits for a 100 sends nothing, and reading would be the 100.
            if !ask.parts.headers.contains_key(header::EXPECT) {
                self.0.tasks.spawn(body::discard(rest, CLOSING_GRACE));
            }
            refusal
        })
    }
}

fn times(scripts: &Scripts) -> Times {
    let Service {
        limits, websocket, ..
    } = &scripts.service;
    Times {
        client: websocket.write_timeout,
        drain: limits.drain,
        patience: limits.termination,
    }
}

fn variables(
    environ: &Environ,
    ask: &Ask<'_>,
    script: &Script,
    content: &Content,
    id: &str,
) -> Environment {
    let request = environ::RequestInfo {
        method: &ask.parts.method,
        uri: &ask.parts.uri,
        version: ask.parts.version,
        headers: &headers(ask.parts, content),
        script_name: &script.name,
        path_info: &script.info,
        host: ask.host.map(|host| (host.name.as_str(), host.port)),
        subprotocol: None,
        id,
    };
    let mut variables = environ.variables(ask.connection, &request);
    let own = [
        ("SCRIPT_FILENAME", script.file.as_os_str()),
        // What php-cgi wants to see before it believes that a server has started it.
        ("REDIRECT_STATUS", OsStr::new("200")),
    ];
    variables.retain(|(name, _)| own.iter().all(|(own, _)| name != own));
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    variables
}

/// The request's headers as the script sees them: with the exact length of its body, whose transfer
/// coding is taken off (RFC 3875 §4.1.2, RFC 9112 §7). HTTP/2 needs none, nor the length (RFC 9113 §8.1.1).
fn headers(parts: &Parts, content: &Content) -> HeaderMap {
    let mut headers = parts.headers.clone();
    let is_coded = headers.remove(header::TRANSFER_ENCODING).is_some();
    let is_framed = parts.version == Version::HTTP_2 && content.length > 0;
    if is_coded || is_framed || headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, content.length.into());
    }
    headers
}

/// How a script is run: in its own directory (RFC 3875 §7.2).
fn program(script: &Script, attributes: &ProcessAttributes) -> Program {
    Program {
        file: script.file.clone(),
        arguments: vec![OsString::from(&script.file)],
        directory: script.file.parent().map(Into::into),
        attributes: attributes.clone(),
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
