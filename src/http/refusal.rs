//! Every way not to get what one asked for, and the status that says it.

use std::io;

use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

use super::{Body, full, path::BadPath};

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
    /// Somebody who may not.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing answers here.
    #[error("nothing answers at this address")]
    NotFound,
    /// Another method than those named.
    #[error("this address answers {0} only")]
    MethodNotAllowed(&'static str),
    /// A plain request where a WebSocket is spoken.
    #[error(
        "this is a WebSocket address: connect to it with a WebSocket client, or start wsd with --devconsole for a page that does"
    )]
    UpgradeRequired,
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
    /// The server is stopping.
    #[error("the server is stopping")]
    Draining,
    /// The program could not be started.
    #[error("the program cannot be started: {0}")]
    Start(#[source] io::Error),
}

impl Refusal {
    /// The status that says it.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::BadRequest(_) | Refusal::BadPath(_) => StatusCode::BAD_REQUEST,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::UpgradeRequired | Refusal::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Refusal::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Refusal::BadScript(_) => StatusCode::BAD_GATEWAY,
            Refusal::ScriptTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Refusal::Full(_) | Refusal::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Start(error) if passes_with_time(error) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Start(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The whole answer.
    pub(super) fn into_response(self) -> Response<Body> {
        let status = self.status();
        let mut response = Response::new(full(format!("{self}\n")));
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
                set(header::UPGRADE, "websocket");
                set(header::CONNECTION, "upgrade");
                set(header::SEC_WEBSOCKET_VERSION, "13");
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                set(header::RETRY_AFTER, "1");
            }
            _ => {}
        }
        response
    }
}

/// Whether a start that failed so may work a moment later: no process, memory or descriptor was free.
fn passes_with_time(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
    )
}
