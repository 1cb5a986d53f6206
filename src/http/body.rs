//! Bodies of responses.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};

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
