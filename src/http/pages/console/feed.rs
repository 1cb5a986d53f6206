//! The feed of one session as server-sent events, for the page that opens the session.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    HeaderMap, Method, Response,
    body::Frame,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::ConnectionInfo,
    http::{
        access::{Origins, fetch_site},
        body::Body,
        console_feed::{Audience, Batch, Feed},
        refusal::Refusal,
        request::ClientRequest,
        state::State,
    },
};

/// From one batch of events to the next. Shorter would keep a browser busy with a program that floods its stderr; longer
/// is seen.
const PAUSE: Duration = Duration::from_millis(50);
/// How often something is sent all the same, by which proxies do not take a silent answer for a broken one.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Keeps a proxy (nginx) from gathering what is said at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What proxies put into requests that they pass on, whose client is then somebody else.
const OF_PROXIES: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// A new feed, with its word as the first event; or one that goes on: `?from=WORD.NUMBER`.
///
/// # Errors
/// 405 for another method than GET, 403 for pages of other origins, 404 for a feed that there is not.
pub(in crate::http) fn feed(
    state: &State,
    request: ClientRequest<'_>,
) -> Result<Response<Body>, Refusal> {
    let parts = request.parts;
    if parts.method != Method::GET {
        return Err(Refusal::MethodNotAllowed("GET, OPTIONS"));
    }
    check_own_page(request)?;
    let query = parts.uri.query().unwrap_or_default();
    let (first, feed, from) = match query.strip_prefix("from=") {
        Some(place) => {
            let (word, number) = place.split_once('.').ok_or(Refusal::NoSession)?;
            let feed = state.feeds.find(word).ok_or(Refusal::NoSession)?;
            (None, feed, number.parse().map_err(|_| Refusal::NoSession)?)
        }
        None => {
            let (word, feed) = state.feeds.open(audience(request));
            let json = json!({"word": word, "tellsAll": feed.is_developers()});
            (Some(json.to_string()), feed, 0)
        }
    };
    let reading = Reading {
        first,
        feed,
        from,
        drain: state.drain.clone(),
        is_paused: false,
    };
    let frames = stream::unfold(reading, Reading::next);
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (X_ACCEL_BUFFERING, "no"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The console's page is of our own origin; another's may not even use up words.
fn check_own_page(request: ClientRequest<'_>) -> Result<(), Refusal> {
    let headers = &request.parts.headers;
    Origins::default().check(headers, request.host)?;
    match fetch_site(headers) {
        Some(b"same-origin" | b"none") | None => Ok(()),
        Some(_) => Err(Refusal::ForeignSite),
    }
}

/// What the log knows is for who is on this machine, or has shown who it is.
fn audience(request: ClientRequest<'_>) -> Audience {
    let is_developer =
        request.client.is_some() || is_here(request.connection, &request.parts.headers);
    match is_developer {
        true => Audience::Developer,
        false => Audience::Guest,
    }
}

/// Whether a client is on this machine, and no proxy that is here speaks for one that is not.
fn is_here(connection: &ConnectionInfo, headers: &HeaderMap) -> bool {
    let address = connection.remote.ip();
    address.is_some_and(|address| address.is_loopback())
        && connection.forwarded.is_none()
        && !OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}

/// How far a feed has been sent.
struct Reading {
    first: Option<String>,
    feed: Arc<Feed>,
    from: u64,
    /// Cancelled when the server is stopping, which a page that is open does not hold up.
    drain: CancellationToken,
    is_paused: bool,
}

impl Reading {
    async fn next(mut self) -> Option<(io::Result<Frame<Bytes>>, Self)> {
        let text = match self.first.take() {
            Some(json) => format!("data: {json}\n\n"),
            None => self.read().await?,
        };
        Some((Ok(Frame::data(text.into())), self))
    }

    async fn read(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.is_paused, true) {
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = self.drain.cancelled() => return None,
            }
        }
        tokio::select! {
            batch = self.feed.read(self.from) => {
                let Batch { next, json } = batch?;
                self.from = next;
                Some(format!("data: {json}\n\n"))
            }
            () = sleep(KEEPALIVE) => Some(":\n\n".to_owned()),
            () = self.drain.cancelled() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Endpoint, Forwarded};
    use std::net::SocketAddr;

    fn connection(remote: &str) -> ConnectionInfo {
        let remote: SocketAddr = remote.parse().expect("an address");
        ConnectionInfo::new(Endpoint::from(remote), Endpoint::from(remote))
    }

    #[test]
    fn who_is_here_is_told_from_who_asks_through_a_proxy_that_is() {
        let none = HeaderMap::new();
        for (remote, expected) in [
            ("127.0.0.1:5", true),
            ("[::1]:5", true),
            ("[::ffff:127.0.0.1]:5", true),
            ("192.0.2.1:5", false),
        ] {
            assert_eq!(is_here(&connection(remote), &none), expected, "{remote}");
        }
        let mut trusted = connection("127.0.0.1:5");
        trusted.forwarded = Some(Forwarded::default());
        assert!(!is_here(&trusted, &none));
        for name in OF_PROXIES {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(name),
                HeaderValue::from_static("x"),
            )]);
            assert!(!is_here(&connection("127.0.0.1:5"), &headers), "{name}");
        }
        let unix = Endpoint::Unix(None);
        assert!(!is_here(&ConnectionInfo::new(unix, unix), &none));
    }
}
