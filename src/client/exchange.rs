//! One request that asks for the connection itself, and its answer: CONNECT, or the opening handshake.

use std::{fmt, pin::pin};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderMap},
    upgrade,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{masked::mask_secrets, printable::printable};

/// What is read of a refusal's body to find its first line, in bytes.
const BODY_READ: usize = 4 * 1024;
/// What is shown of that line, in bytes.
const LINE_SHOWN: usize = 200;

/// What came back.
pub(super) enum UpgradeResult<S> {
    /// The connection is ours.
    Switched {
        stream: S,
        /// What came behind the answer.
        read_ahead: Bytes,
        headers: HeaderMap,
    },
    /// It is not.
    Refused(UnexpectedResponse),
}

/// An answer that is not the one wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedResponse {
    /// Its status.
    pub status: StatusCode,
    /// Where it would send us.
    pub location: Option<String>,
    /// The first line of its body, if that is text.
    pub line: Option<String>,
}

impl UnexpectedResponse {
    /// Whether the same request may be answered otherwise the next time (RFC 9110 §15.5.9, §15.6; RFC
    /// 6585 §4).
    pub(super) fn may_pass(&self) -> bool {
        self.status.is_server_error()
            || self.status == StatusCode::REQUEST_TIMEOUT
            || self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

impl fmt::Display for UnexpectedResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status)?;
        if let Some(location) = &self.location {
            write!(formatter, ", to {}", mask_secrets(location))?;
        }
        match &self.line {
            Some(line) => write!(formatter, ": {}", printable(line)),
            None => Ok(()),
        }
    }
}

/// Sends a request over a stream; an answer with a status that is `wanted` hands the stream over.
///
/// # Errors
/// An answer that is no HTTP, or a connection that breaks.
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    wanted: impl Fn(&StatusCode) -> bool,
) -> Result<UpgradeResult<S>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        // Old servers and proxies look for `Upgrade`, not for `upgrade`.
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        match wanted(&response.status()) {
            true => take_stream(response).await,
            false => Ok(UpgradeResult::Refused(refusal(response).await)),
        }
    };
    // The connection ends when it has handed the stream over, and what is done with that comes after.
    match select(pin!(answer), pin!(connection.with_upgrades())).await {
        Either::Left((answer, _)) => answer,
        // What broke the connection says more than that there will be no answer.
        Either::Right((ended, answer)) => match (answer.await, ended) {
            (Err(_), Err(error)) => Err(error),
            (answer, _) => answer,
        },
    }
}

async fn take_stream<S>(mut response: Response<Incoming>) -> Result<UpgradeResult<S>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let upgraded = upgrade::on(&mut response).await?;
    let parts = upgraded
        .downcast::<TokioIo<S>>()
        .expect("what was given comes back");
    Ok(UpgradeResult::Switched {
        stream: parts.io.into_inner(),
        read_ahead: parts.read_buf,
        headers: response.into_parts().0.headers,
    })
}

async fn refusal(response: Response<Incoming>) -> UnexpectedResponse {
    let (parts, body) = response.into_parts();
    let text = |name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    let is_text = kind.is_empty() || kind.starts_with("text/plain") || kind.contains("json");
    UnexpectedResponse {
        status: parts.status,
        location: text(header::LOCATION).filter(|_| parts.status.is_redirection()),
        line: match is_text {
            true => first_line(body).await,
            false => None,
        },
    }
}

/// The first line of a body that says anything, without what would move a terminal's cursor.
async fn first_line(mut body: Incoming) -> Option<String> {
    let mut read = Vec::new();
    while read.len() < BODY_READ && !read.contains(&b'\n') {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
        }
    }
    let text = String::from_utf8_lossy(&read);
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let mut line: String = line.chars().filter(|c| !c.is_control()).collect();
    line.truncate(line.floor_char_boundary(LINE_SHOWN));
    Some(line)
}
