//! Every way not to get what one asked for, and the status that says it.

use std::io;

use hyper::{
    Response, StatusCode, Version,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    body::{Body, body_from},
    url_path::BadPath,
};
use crate::backend::ScriptError;

/// Why a request is refused. The client sees the status and this text, which names the flag that
/// would allow what was refused; the log sees the sources too.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request itself is broken.
    #[error("{0}")]
    BadRequest(String),
    /// The path is one that nobody honest sends.
    #[error(transparent)]
    BadPath(#[from] BadPath),
    /// A page of another origin (RFC 6455 §10.2).
    #[error("{0}")]
    Origin(String),
    /// A name that this server does not go by.
    #[error("{0}")]
    Host(String),
    /// A file that may not be read.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing answers here.
    #[error("nothing answers at this address")]
    NotFound,
    /// A session that there is not, or not any more.
    #[error("there is no such session")]
    NoSession,
    /// Another method than those named.
    #[error("this address answers {0} only")]
    MethodNotAllowed(&'static str),
    /// The client has another state of a file in mind (RFC 9110 §13.1).
    #[error("the file is not in the state that the request is for")]
    PreconditionFailed,
    /// A range beyond the end of a file of so many bytes.
    #[error("the file has {0} bytes, and the range begins behind them")]
    RangeNotSatisfiable(u64),
    /// Accept-Encoding excludes all that there is.
    #[error("the file is not there in an encoding that the request accepts")]
    NotAcceptable,
    /// A file that is there cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A plain request where a WebSocket is spoken.
    #[error(
        "this is a WebSocket address: connect to it with a WebSocket client, or start wsd with --devconsole for a page that does"
    )]
    UpgradeRequired,
    /// CONNECT for something else than a WebSocket (RFC 8441).
    #[error("this server is no proxy: CONNECT opens WebSockets only, by HTTP/2 (RFC 8441)")]
    NotImplemented,
    /// Another version of the WebSocket protocol (RFC 6455 §4.4).
    #[error("this server speaks version 13 of the WebSocket protocol")]
    WebSocketVersion,
    /// The request's body is larger than a script gets.
    #[error("the request's body is larger than the {0} bytes that --cgi-maxbody allows")]
    BodyTooLarge(u64),
    /// The request's body does not come.
    #[error("the request's body did not come in time")]
    BodyTimeout,
    /// A script's answer is none (RFC 3875 §6).
    #[error("the script gave no answer that could be passed on: {0}")]
    BadScript(String),
    /// A script did not answer in time.
    #[error("the script did not answer within the {0} seconds that --cgi-timeout allows")]
    ScriptTimeout(u64),
    /// As many programs run as may.
    #[error("as many programs are running as --maxforks={0} allows")]
    Full(usize),
    /// As many connections are open as may be.
    #[error("as many connections are open as --max-connections={0} allows")]
    TooManyConnections(usize),
    /// As many connections of one client are open as may be.
    #[error("as many connections of your address are open as --max-connections-per-ip={0} allows")]
    TooManyOfAddress(usize),
    /// The server is stopping.
    #[error("the server is stopping")]
    Draining,
    /// The program could not be started.
    #[error("the program cannot be started: {0}{hint}", hint = hint(.0))]
    Start(#[source] io::Error),
    /// The same, in words for whoever develops it.
    #[error("the program cannot be started: {0}")]
    Script(String),
}

impl Refusal {
    /// The status that says it.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::BadRequest(_) | Refusal::BadPath(_) => StatusCode::BAD_REQUEST,
            Refusal::Origin(_) | Refusal::Host(_) | Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound | Refusal::NoSession => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Refusal::RangeNotSatisfiable(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Refusal::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Refusal::UpgradeRequired | Refusal::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Refusal::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Refusal::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Refusal::BadScript(_) => StatusCode::BAD_GATEWAY,
            Refusal::ScriptTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Refusal::Full(_) | Refusal::TooManyConnections(_) | Refusal::Draining => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::TooManyOfAddress(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Start(error) | Refusal::Read(error) if passes_with_time(error) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::Start(_) | Refusal::Script(_) | Refusal::Read(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The reason in one word, for counting.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Refusal::BadRequest(_) => "bad_request",
            Refusal::BadPath(_) => "bad_path",
            Refusal::Origin(_) => "origin",
            Refusal::Host(_) => "host",
            Refusal::Forbidden(_) => "forbidden",
            Refusal::NotFound | Refusal::NoSession => "not_found",
            Refusal::MethodNotAllowed(_) => "method",
            Refusal::PreconditionFailed => "precondition",
            Refusal::RangeNotSatisfiable(_) => "range",
            Refusal::NotAcceptable => "not_acceptable",
            Refusal::Read(_) => "read",
            Refusal::UpgradeRequired => "upgrade_required",
            Refusal::WebSocketVersion => "websocket_version",
            Refusal::NotImplemented => "not_implemented",
            Refusal::BodyTooLarge(_) => "body_too_large",
            Refusal::BodyTimeout => "body_timeout",
            Refusal::BadScript(_) => "bad_script",
            Refusal::ScriptTimeout(_) => "script_timeout",
            Refusal::Full(_) => "maxforks",
            Refusal::TooManyConnections(_) => "max_connections",
            Refusal::TooManyOfAddress(_) => "max_connections_per_ip",
            Refusal::Draining => "draining",
            Refusal::Start(_) | Refusal::Script(_) => "start",
        }
    }

    /// Says all that is known of a script that cannot be started: for who has a console open on it.
    pub(super) fn explained(self) -> Self {
        match &self {
            Refusal::Start(error) => match ScriptError::of(error) {
                Some(script) => Refusal::Script(script.words()),
                None => self,
            },
            _ => self,
        }
    }

    /// The whole answer to a request of this version.
    pub(super) fn into_response(self, version: Version) -> Response<Body> {
        let status = match self.status() {
            // It has to come with Upgrade (RFC 9110 §15.5.22), which HTTP/2 does not have (RFC 9113 §8.2.2).
            StatusCode::UPGRADE_REQUIRED if version == Version::HTTP_2 => StatusCode::BAD_REQUEST,
            status => status,
        };
        let mut response = Response::new(body_from(format!("{self}\n")));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        let mut set =
            |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
        match self {
            Refusal::MethodNotAllowed(methods) => {
                set(header::ALLOW, methods);
            }
            // RFC 9110 §15.5.22 asks for Upgrade, RFC 6455 §4.4 for the version.
            Refusal::UpgradeRequired | Refusal::WebSocketVersion => {
                if version != Version::HTTP_2 {
                    set(header::UPGRADE, "websocket");
                    set(header::CONNECTION, "upgrade");
                }
                set(header::SEC_WEBSOCKET_VERSION, "13");
            }
            // RFC 9110 §14.4: the client learns how much there is.
            Refusal::RangeNotSatisfiable(length) => {
                let range = HeaderValue::from_str(&format!("bytes */{length}"));
                headers.extend(range.ok().map(|range| (header::CONTENT_RANGE, range)));
            }
            Refusal::NotAcceptable => {
                set(header::VARY, "Accept-Encoding");
            }
            Refusal::TooManyOfAddress(_) => {
                set(header::RETRY_AFTER, "1");
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                set(header::RETRY_AFTER, "1");
            }
            _ => {}
        }
        response
    }
}

/// What is most often behind an error of execve(2) that a file at hand makes hard to believe.
fn hint(error: &io::Error) -> &'static str {
    let script = || ScriptError::of(error).map(|script| script.number);
    match error.raw_os_error().or_else(script) {
        Some(libc::ENOENT) => " (the file, or the interpreter that its first line names)",
        Some(libc::ENOEXEC) => " (the first line of a script names its interpreter: #!/bin/sh)",
        _ => "",
    }
}

/// Whether what failed so may work a moment later: no process, memory or descriptor was free, or somebody is just
/// writing the file.
fn passes_with_time(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ETXTBSY)
    )
}
