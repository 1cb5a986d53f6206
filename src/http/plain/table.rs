//! The sessions with event streams, by the names that their clients have: [`EventSessions`].

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tracing::Span;

use super::session_name::SessionName;
use crate::{
    connection::Endpoint,
    http::{
        access::{ConnectionPermit, Identity, RouteAccess},
        pages::WebSocketRoute,
        refusal::Refusal,
        request::ClientRequest,
        url_path::UrlPath,
    },
    transport::{body::Carriage, events::Channel},
};

/// All of a server.
#[derive(Debug, Default)]
pub(in crate::http) struct EventSessions(Mutex<HashMap<SessionName, Arc<EventSession>>>);

/// One of them.
#[derive(Debug)]
pub(super) struct EventSession {
    pub(super) owner: Owner,
    pub(super) channel: Channel,
    /// How messages lie in what is handed in.
    pub(super) carriage: Carriage,
    /// Whether the first request had a body, which is its input.
    pub(super) has_body: bool,
    /// Of those who hand something in and wait for room.
    pub(super) turn: AsyncMutex<()>,
    /// The client, where it is to be counted while it has no connection.
    pub(super) counted: Option<Endpoint>,
    /// What it counts by then.
    pub(super) waiting: Mutex<Option<ConnectionPermit>>,
    /// Under which its lines in the log are, once it runs.
    pub(super) span: OnceLock<Span>,
}

/// Whose a session is: who opened it, and of which route.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Owner {
    /// The path of that; the whole of a request's where each is another's.
    path: String,
    client: Option<Identity>,
}

impl Owner {
    /// Who asks, and of which route. In a directory each path may be another program, and an authorizer, which was asked
    /// about this very path, may say something else of the next.
    pub(in crate::http) fn of(
        request: ClientRequest<'_>,
        path: &UrlPath,
        route: &WebSocketRoute<'_>,
        access: &RouteAccess,
    ) -> Self {
        let path = match route {
            WebSocketRoute::Mount(_) if access.authorizer.is_none() => route.split(path).0,
            _ => path.as_str(),
        };
        Owner {
            path: path.to_owned(),
            client: request.identity().cloned(),
        }
    }
}

/// Keeps a session in the table until it is dropped.
#[derive(Debug)]
pub(super) struct TableGuard {
    sessions: Arc<EventSessions>,
    name: SessionName,
}

impl EventSessions {
    /// Keeps the name of a session that is to be entered.
    pub(super) fn guard(self: &Arc<Self>, name: SessionName) -> TableGuard {
        TableGuard {
            sessions: Arc::clone(self),
            name,
        }
    }

    /// Enters a session.
    pub(super) fn enter(&self, name: SessionName, session: Arc<EventSession>) {
        self.0.lock().insert(name, session);
    }

    /// The session of this name, if it is this one's to ask for.
    ///
    /// # Errors
    /// 404.
    pub(super) fn find(
        &self,
        name: Option<&SessionName>,
        owner: &Owner,
    ) -> Result<Arc<EventSession>, Refusal> {
        let sessions = self.0.lock();
        let found = name.and_then(|name| sessions.get(name));
        let own = found.filter(|session| session.owner == *owner);
        own.cloned().ok_or(Refusal::NoEventSession)
    }
}

impl Drop for TableGuard {
    fn drop(&mut self) {
        // What is dropped with it may have its own to say: not beneath the lock.
        let left = self.sessions.0.lock().remove(&self.name);
        drop(left);
    }
}
