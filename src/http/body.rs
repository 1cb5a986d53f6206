//! Bodies: how those of responses are made, and what becomes of a request's that is not read.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;

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

/// A body with something that is kept as long as it is being sent.
pub(super) fn with_guard(body: Body, guard: impl Send + 'static) -> Body {
    let keep = move |frame| {
        let _ = &guard;
        frame
    };
    body.map_frame(keep).boxed_unsync()
}

/// Reads on for [`CLOSING_GRACE`], so that a client that is still sending finds the answer, and not a reset
/// connection.
///
/// Cancel safe: yes.
pub(super) async fn discard(mut incoming: Incoming) {
    let all = async { while let Some(Ok(_)) = incoming.frame().await {} };
    let _ = timeout(CLOSING_GRACE, all).await;
}
