//! Options of a route: who may open its program, what that finds, what it may take: [`RouteOptions`].

use std::{sync::Arc, time::Duration};

use super::{
    access::{Origins, ProcessLimit},
    response_headers::AddedHeaders,
    share_options::ShareOptions,
    terminal_options::TerminalOptions,
    websocket::Subprotocols,
};
use crate::{environ::Environ, session::SessionTimeouts, transport::websocket};

/// How sessions are opened without a WebSocket.
#[derive(Debug, Clone)]
pub struct PlainHttpOptions {
    /// How long a client of an event stream that was lost may take to come again; `None` ends its session with it.
    pub resume: Option<Duration>,
    /// How long sessions that are told in events wait for what.
    pub event_timeouts: Arc<SessionTimeouts>,
}

/// The terms of one route, or of all programs that have no terms of their own.
#[derive(Debug, Clone, Default)]
pub struct RouteOptions {
    /// Whose pages may open it.
    pub origins: Origins,
    /// What the opening handshake selects.
    pub subprotocols: Subprotocols,
    /// What is added to an opening handshake that succeeds.
    pub headers: AddedHeaders,
    /// What a program finds in its environment.
    pub environ: Environ,
    /// How long its sessions wait for what.
    pub timeouts: Arc<SessionTimeouts>,
    /// What a WebSocket may do.
    pub websocket: websocket::Options,
    /// How messages are compressed, if they are at all.
    pub compression: Option<websocket::deflate::DeflateParams>,
    /// How sessions are opened without a WebSocket, if they are.
    pub plain_http: Option<PlainHttpOptions>,
    /// Programs at a time that this route alone may run.
    pub processes: ProcessLimit,
    /// How many clients have one of its programs; `None` if each has its own.
    pub share: Option<Arc<ShareOptions>>,
    /// Whether its program is a terminal for each client, with a page at its path.
    pub terminal: Option<TerminalOptions>,
}
