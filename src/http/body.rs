//! Bodies: how those of responses are made, and what becomes of a request's that is not read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response,
    body::{Body as _, Frame, Incoming, SizeHint},
    header,
};

use crate::timer::timeout;

/// What a client gets to send the rest of a body that is not read. Shorter would lose it the answer on a slow
/// line; longer lets it send for nothing.
pub(super) const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// A response's body.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body without a byte.
pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is there as a whole.
pub(super) fn body_from(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The same answer without its body, of which it tells the length if that is known (RFC 9110 §9.3.2).
pub(super) fn without_body(response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| empty());
    if let Some(length) = length.filter(|length| *length > 0) {
        let headers = response.headers_mut();
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert(length.into());
    }
    response
}

/// A body with something that is kept as long as it is being sent.
pub(super) fn with_guard(body: Body, guard: impl Send + Unpin + 'static) -> Body {
    let guarded = GuardedBody {
        body,
        _guard: guard,
    };
    guarded.boxed_unsync()
}

/// As long as the body, and as much is known of its length: `map_frame` would make an answer chunked.
struct GuardedBody<G> {
    body: Body,
    _guard: G,
}

impl<G: Unpin> hyper::body::Body for GuardedBody<G> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Reads on for [`CLOSING_GRACE`], so that a client that is still sending finds the answer, and not a reset
/// connection.
///
/// Cancel safe: yes.
pub(super) async fn discard(mut incoming: Incoming) {
    let all = async { while let Some(Ok(_)) = incoming.frame().await {} };
    let _ = timeout(CLOSING_GRACE, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_body_is_as_long_as_it_was() {
        let body = with_guard(body_from("abc"), ());
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(!body.is_end_stream());
    }
}
