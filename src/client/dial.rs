//! From a URL to a byte stream to its server: sockets, a proxy's tunnel, TLS.

use std::{env, io, os::fd::AsFd, path::Path, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use http_body_util::Empty;
use hyper::{Request, StatusCode, header, http::uri::Authority};
use tokio::{
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
};

use super::{
    connect_error::ConnectError,
    exchange::{UpgradeResult, exchange},
    proxy::{Proxy, proxy_for},
    tls::ClientTls,
    url::{ServerAddress, Url, bracketed, without_zone},
};
use crate::{backend::SocketStream, loopback::or_loopback, transport::websocket::Underlying};

/// The socket at the bottom, to look at.
pub(super) fn underlying(stream: &SocketStream) -> Underlying<'_> {
    Underlying {
        socket: stream.as_fd(),
        is_bare: !matches!(stream, SocketStream::Tls(_)),
    }
}

/// When the next of a host's addresses is tried beside one that does not answer (RFC 8305 §8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to a server, by the proxy that the environment names for it.
///
/// # Errors
/// What it failed of.
pub(super) async fn dial(url: &Url, tls: Option<&ClientTls>) -> Result<SocketStream, ConnectError> {
    let (host, port) = match &url.place {
        ServerAddress::Host(host, port) => (host, *port),
        ServerAddress::Unix(path) => {
            let socket = unix(path).await.map_err(ConnectError::Connect)?;
            return Ok(SocketStream::Unix(socket));
        }
    };
    let proxy = proxy_for(url, |name| env::var(name).ok());
    let proxy = proxy.map_err(|reason| ConnectError::Proxy {
        reason,
        may_pass: false,
    })?;
    let socket = match proxy {
        None => tcp(host, port).await.map_err(ConnectError::Connect)?,
        Some(proxy) => tunnel(&proxy, host, port).await?,
    };
    Ok(match tls {
        Some(tls) => SocketStream::Tls(Box::new(tls.connect(without_zone(host), socket).await?)),
        None => SocketStream::Tcp(socket),
    })
}

async fn unix(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// Tries a host's addresses in their order, the next one when one fails or keeps us waiting; the first
/// that answers wins.
async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let found = lookup_host((host, port)).await;
    let found = or_loopback(host, port, found.map(Vec::from_iter))?;
    let mut waiting = found.into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        match waiting.next() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        let delay = match waiting.peek() {
            Some(_) => ATTEMPT_DELAY,
            None => Duration::MAX,
        };
        match timeout(delay, attempts.next()).await {
            Ok(Some(Ok(stream))) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Some(Err(error))) => failure = error,
            Ok(None) | Err(_) => {}
        }
    }
}

/// Asks a proxy for a tunnel to a server (RFC 9110 §9.3.6).
async fn tunnel(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let failure = |reason: String, may_pass| ConnectError::Proxy {
        reason: format!("the proxy {}:{}: {reason}", proxy.host, proxy.port),
        may_pass,
    };
    let fail = |reason| failure(reason, true);
    let socket = tcp(&proxy.host, proxy.port)
        .await
        .map_err(|error| fail(format!("cannot connect: {error}")))?;
    let authority = format!("{}:{port}", bracketed(host));
    let authority = Authority::try_from(authority).map_err(|error| fail(error.to_string()))?;
    let mut request = Request::connect(authority.as_str()).header(header::HOST, authority.as_str());
    if let Some(credentials) = &proxy.authorization {
        request = request.header(header::PROXY_AUTHORIZATION, credentials);
    }
    let request = request.body(Empty::new());
    let request = request.map_err(|error| fail(error.to_string()))?;
    let answer = exchange(SocketStream::Tcp(socket), request, StatusCode::is_success).await;
    match answer.map_err(|error| fail(error.to_string()))? {
        UpgradeResult::Switched {
            stream: SocketStream::Tcp(socket),
            read_ahead,
            ..
        } if read_ahead.is_empty() => Ok(socket),
        UpgradeResult::Switched { .. } => Err(fail("it spoke first in the tunnel".to_owned())),
        UpgradeResult::Refused(refusal) => Err(failure(
            format!("it refuses: {refusal}"),
            refusal.may_pass(),
        )),
    }
}
