//! What a request asks for, and of whom: [`Asked`].

use hyper::{header, http::request::Parts};

use super::{
    pages::{PlainRoute, Scripts, WebSocketRoute},
    route_options::RouteOptions,
    websocket::Handshake,
};

/// What a request asks for, and of whom.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// A WebSocket, by a handshake that can be answered.
    WebSocket(Handshake, WebSocketRoute<'a>),
    /// A WebSocket, where there is something, and no program: these terms hold there.
    NoProgram(Handshake, &'a RouteOptions),
    /// A session without a WebSocket; a script at the path, of these, answers in its place.
    Session(WebSocketRoute<'a>, Vec<&'a Scripts>),
    /// An answer.
    Plain(PlainRoute<'a>),
}

impl<'a> Asked<'a> {
    /// The terms of who answers, whoever it is.
    pub(super) fn options(&self) -> &'a RouteOptions {
        match self {
            Asked::WebSocket(_, route) | Asked::Session(route, _) => route.options(),
            Asked::NoProgram(_, options) => options,
            Asked::Plain(route) => route.options(),
        }
    }

    /// Whether a page has it opened that has said which it is, and may.
    pub(super) fn is_of_named_page(&self, request: &Parts) -> bool {
        let has_checked_origin = match self {
            Asked::WebSocket(..) | Asked::NoProgram(..) => true,
            Asked::Session(_, scripts) => scripts.is_empty(),
            Asked::Plain(_) => false,
        };
        has_checked_origin && request.headers.contains_key(header::ORIGIN)
    }
}
