//! A request's body as a stream of bytes: [`RequestBody`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body as _, Incoming};

use crate::http::{body::discard, tasks::Tasks, unread_body::Rest};

/// What a client sends. What nobody reads of it is read and thrown away for a while, so that the client finds the
/// answer, and not a reset connection.
pub(super) struct RequestBody {
    /// `None` at its end.
    incoming: Option<Incoming>,
    tasks: Tasks,
}

impl RequestBody {
    pub(super) fn new(incoming: Option<Incoming>, tasks: &Tasks) -> Self {
        let tasks = tasks.clone();
        RequestBody { incoming, tasks }
    }
}

impl RequestBody {
    /// What is left of it, for who tells the client that nobody reads that.
    pub(super) fn into_rest(mut self) -> Rest {
        let rest = self.incoming.take();
        rest.map_or(Rest::None, Rest::Part)
    }
}

impl Stream for RequestBody {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        while let Some(incoming) = &mut self.incoming {
            match ready!(Pin::new(incoming).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    // Trailers, which say nothing to a program.
                    _ => {}
                },
                Some(Err(error)) => {
                    self.incoming = None;
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
                None => self.incoming = None,
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let unread = self.incoming.take();
        if let Some(rest) = unread.filter(|incoming| !incoming.is_end_stream()) {
            self.tasks.spawn(discard(rest));
        }
    }
}
