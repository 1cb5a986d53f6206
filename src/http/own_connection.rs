//! What a request can do with its connection, where that has no others at the same time: [`OwnConnection`].

use std::sync::Arc;

use hyper::{Request, http::request::Parts};

use super::{lasting::LastingFlag, sendfile::SendfileQueue, websocket::Detach};

/// A connection by HTTP/1.1 as the requests on it find it in their extensions, which have it one after the other.
#[derive(Debug)]
pub struct OwnConnection {
    /// How it becomes a WebSocket's.
    pub detach: Detach,
    /// Where the kernel can send files on it by itself.
    pub files: Option<SendfileQueue>,
    /// Whether what is answered on it may last.
    pub lasting: LastingFlag,
}

impl OwnConnection {
    /// Lets a request find it.
    pub fn tell<B>(self: &Arc<Self>, request: &mut Request<B>) {
        request.extensions_mut().insert(Arc::clone(self));
    }

    /// That of a request, if it has one for itself.
    pub(super) fn of(request: &Parts) -> Option<&Self> {
        let own: Option<&Arc<Self>> = request.extensions.get();
        own.map(Arc::as_ref)
    }
}
