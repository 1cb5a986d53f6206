//! The request line (RFC 9112 §3), kept for the line of the log: [`RequestLine`].

use std::sync::Arc;

use hyper::{
    Method, Request, StatusCode, Uri, Version,
    header::{self, HeaderValue},
};
use tracing::{info, warn};

use super::{console_feed::Feed, html};
use crate::connection::ConnectionInfo;

/// What a request begins with, for its log line and its answer.
#[derive(Debug)]
pub(super) struct RequestLine {
    method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    /// Whose page asks.
    pub(super) origin: Option<HeaderValue>,
    /// Whether who is refused gets a page.
    pub(super) wants_page: bool,
    /// What a console is told of the attempt, if it is one's.
    pub(super) feed: Option<Arc<Feed>>,
}

impl RequestLine {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        RequestLine {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            origin: request.headers().get(header::ORIGIN).cloned(),
            wants_page: html::is_wanted(request.headers()),
            feed: request.extensions().get().cloned(),
        }
    }

    /// Whether its answer must have no body, and the library would send one: that leaves out those of HTTP/1.1 alone.
    pub(super) fn is_head_by_http2(&self) -> bool {
        self.version == Version::HTTP_2 && self.method == Method::HEAD
    }

    /// Logs what it was answered with, and why if it was refused; `uri` is how the log shows its target, made for a log
    /// that has the line.
    pub(super) fn log(
        &self,
        uri: impl Fn() -> String,
        connection: &ConnectionInfo,
        status: StatusCode,
        refused: Option<String>,
    ) {
        let method = &self.method;
        let (remote, code) = (connection.remote, status.as_u16());
        match refused {
            Some(reason) => {
                warn!(target: "access", %remote, %method, uri = %uri(), status = code, reason, "refused");
            }
            None => {
                info!(target: "access", %remote, %method, uri = %uri(), status = code, "answered")
            }
        }
    }
}
