//! A response's body that is an event stream: [`EventBody`].

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::Frame;

use super::table::EventSession;
use crate::{http::access::Connections, transport::events::Events};

/// The events of a session. A client that is lost counts on, as long as it may come again.
pub(super) struct EventBody {
    events: Events,
    session: Arc<EventSession>,
    connections: Arc<Connections>,
}

impl EventBody {
    /// That of a client that has a connection now.
    pub(super) fn new(
        events: Events,
        session: Arc<EventSession>,
        connections: &Arc<Connections>,
    ) -> Self {
        let waited = session.waiting.lock().take();
        drop(waited);
        EventBody {
            events,
            session,
            connections: Arc::clone(connections),
        }
    }
}

impl hyper::body::Body for EventBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = Pin::new(&mut self.events).poll_next(context);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        if let Some(client) = &self.session.counted
            && self.session.channel.is_resumable()
            && !self.events.is_over()
        {
            *self.session.waiting.lock() = self.connections.count_waiting(client);
        }
    }
}
