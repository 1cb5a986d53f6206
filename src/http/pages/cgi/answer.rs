//! A CGI request: from its checks to a running script and the response.

use std::ffi::OsString;

use hyper::{HeaderMap, Method, Response, Version, header, http::request::Parts};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

use super::{
    output::Output,
    relay::{OutputRelay, RelayTimeouts},
    request_body::RequestBody,
    response_body::{BodyChunk, body_from_chunks},
    script_timeout,
    scripts::{CgiLimits, Scripts},
    task::ScriptTask,
};
use crate::{
    backend::{Environment, FirstLine, PipedProcess, ProcessAttributes, Program},
    connection::ConnectionInfo,
    environ::{self, Environ},
    http::{
        body::{Body, empty},
        cgi_response::{Dialect, Head, Reply},
        launch::{self, Launch, Launched, Purpose},
        metrics::Metrics,
        pages::root::Script,
        refusal::Refusal,
        request::ClientRequest,
        route_options::RouteOptions,
        state::State,
        unread_body::UnreadBody,
    },
};

/// What comes of a request that a script answers.
#[derive(Debug)]
pub(in crate::http) enum CgiAnswer {
    /// A response.
    Response(Response<Body>),
    /// Path and query of what is to answer instead (RFC 3875 §6.2.2).
    LocalRedirect(String),
}

/// Runs a script for one request. There is no body if an earlier script has had it.
///
/// # Errors
/// 413, 408, 400, 507 and 500 for the request's body; 503 when the server is full or stopping, or the start
/// may work later, 500 when it will not; 502 and 504 for what the script does.
pub(in crate::http) async fn answer(
    state: &State,
    scripts: &Scripts,
    script: &Script,
    request: ClientRequest<'_>,
    body: &mut UnreadBody,
) -> Result<CgiAnswer, Refusal> {
    launch::check_not_draining(state)?;
    let is_head = request.parts.method == Method::HEAD;
    let times = times(scripts, request.parts);
    let content = content(body, &scripts.limits).await?;
    let (launched, first_line) = match start(state, scripts, script, request, &content).await {
        Ok(started) => started,
        Err(refusal) => {
            body.put_back(content.into_rest());
            return Err(refusal);
        }
    };
    let (answer, answered) = oneshot::channel();
    let (chunks, pieces) = mpsc::channel(1);
    let (waiting, time_limit) = script_timeout::time_limit(scripts.limits.timeout);
    let relay = OutputRelay {
        output: Output {
            pipe: launched.started.output,
            process: launched.started.process,
            first_line,
        },
        time_limit,
        dialect: dialect(script),
        is_head,
        times,
        answer: Some(answer),
        chunks,
        permit: Some(launched.permit),
    };
    let task = ScriptTask {
        content,
        input: launched.started.input,
        waiting,
        relay,
        drain: state.drain.clone(),
    };
    state.tasks.spawn(task.run().instrument(launched.span));
    // It goes without an answer only when the server stops.
    match answered.await.map_err(|_| Refusal::Draining)? {
        Ok(Reply::LocalRedirect(path)) => Ok(CgiAnswer::LocalRedirect(path)),
        Ok(Reply::Document(head)) => {
            let has_body = head.has_body(is_head);
            Ok(CgiAnswer::Response(response(head, has_body, pieces)))
        }
        Err((refusal, rest)) => {
            body.put_back(rest);
            Err(refusal)
        }
    }
}

/// Starts the script; with its first line, if that was not looked at before.
async fn start(
    state: &State,
    scripts: &Scripts,
    script: &Script,
    request: ClientRequest<'_>,
    content: &RequestBody,
) -> Result<(Launched<PipedProcess>, Option<FirstLine>), Refusal> {
    let launch = Launch::prepare(state, &scripts.options, Purpose::Request)?;
    let variables = variables(&launch, &scripts.options.environ, request, script, content);
    let program = program(script, &scripts.attributes);
    let starting = program.start(&state.resources.spawner, &variables);
    let launched = launch.start(state, Metrics::observe_spawn, async {
        starting.await.map_err(Refusal::Start)
    });
    Ok((launched.await?, program.unexamined_line(&variables)))
}

async fn content(body: &mut UnreadBody, limits: &CgiLimits) -> Result<RequestBody, Refusal> {
    let Some(incoming) = body.take() else {
        return Ok(RequestBody::nothing());
    };
    let prepared = RequestBody::prepare(incoming, limits).await;
    prepared.map_err(|(refusal, rest)| {
        body.put_back(rest);
        refusal
    })
}

fn times(scripts: &Scripts, request: &Parts) -> RelayTimeouts {
    let RouteOptions {
        timeouts,
        websocket,
        ..
    } = &scripts.options;
    RelayTimeouts {
        client: websocket.write_timeout,
        drain: timeouts.drain,
        descriptors: request.extensions.get().cloned(),
        patience: timeouts.termination,
    }
}

fn variables(
    launch: &Launch,
    environ: &Environ,
    request: ClientRequest<'_>,
    script: &Script,
    content: &RequestBody,
) -> Environment {
    let facts = environ::RequestInfo {
        headers: &headers(request.parts, content),
        ..request.to_environ(&script.name, &script.info)
    };
    let mut variables = launch.environment(environ, request.connection, facts);
    let own = own_variables(environ, request.connection, script);
    variables.retain(|(name, value)| {
        let says_nothing = value.is_empty() && OPTIONAL.iter().any(|optional| name == optional);
        !says_nothing && own.iter().all(|(own, _)| name != own)
    });
    let own = own.into_iter().map(|(name, value)| (name.into(), value));
    variables.extend(own.filter(|(_, value): &(OsString, OsString)| !value.is_empty()));
    variables
}

/// Variables that a script has only if they say something: a REMOTE_USER that is set is a login to applications, and
/// a CONTENT_LENGTH a number.
const OPTIONAL: [&str; 5] = [
    "AUTH_TYPE",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "REMOTE_IDENT",
    "REMOTE_USER",
];

/// What scripts have beside what programs have: not in RFC 3875, but in what they come from.
fn own_variables(
    environ: &Environ,
    connection: &ConnectionInfo,
    script: &Script,
) -> Vec<(&'static str, OsString)> {
    let address = connection.local.ip().map(|ip| ip.to_string());
    let scheme = match connection.is_https() {
        true => "https",
        false => "http",
    };
    let mut own = vec![
        ("SCRIPT_FILENAME", script.file.clone().into()),
        // What php-cgi wants to see before it believes that a server has started it.
        ("REDIRECT_STATUS", "200".into()),
        ("REQUEST_SCHEME", scheme.into()),
        ("SERVER_ADDR", address.unwrap_or_default().into()),
    ];
    if let Some(root) = &environ.static_root {
        own.push(("DOCUMENT_ROOT", root.into()));
    }
    own
}

/// The request's headers as the script sees them: with the exact length of its body, whose transfer
/// coding is taken off (RFC 3875 §4.1.2, RFC 9112 §7). HTTP/2 needs none, nor the length (RFC 9113 §8.1.1).
fn headers(parts: &Parts, content: &RequestBody) -> HeaderMap {
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
        entry: Some(Box::new(script.entry.clone())),
        attributes: attributes.clone(),
        ..Program::default()
    }
}

fn dialect(script: &Script) -> Dialect {
    match script.name.rsplit('/').next() {
        Some(name) if name.starts_with("nph-") => Dialect::NonParsed,
        _ => Dialect::Parsed,
    }
}

fn response(head: Head, has_body: bool, chunks: mpsc::Receiver<BodyChunk>) -> Response<Body> {
    let mut response = Response::new(match has_body {
        true => body_from_chunks(chunks),
        false => empty(),
    });
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    if let Some(reason) = head.reason {
        response.extensions_mut().insert(reason);
    }
    response
}
