//! The body of a response by HTTP/1.1, whose end the time limits have to know: [`TrackedBody`].

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, SizeHint};

use crate::server::io::Phase;

/// A response's body, at whose end the connection is idle.
#[derive(Debug)]
pub(super) struct TrackedBody<B> {
    body: B,
    /// `None` if the connection is a WebSocket from here on.
    phase: Option<Phase>,
}

impl<B> TrackedBody<B> {
    pub(super) fn new(body: B, phase: Option<Phase>) -> Self {
        TrackedBody { body, phase }
    }
}

impl<B: Body + Unpin> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for TrackedBody<B> {
    fn drop(&mut self) {
        if let Some(phase) = &self.phase {
            phase.end_request();
        }
    }
}
