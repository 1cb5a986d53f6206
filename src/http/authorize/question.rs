//! What an authorizer is asked: [`Question`].

use std::ffi::OsString;

use hyper::{Method, header, http::request::Parts};

use crate::{
    environ::{self, join_values},
    http::{
        fields::list_elements, request::ClientRequest, route_options::RouteOptions,
        url_path::UrlPath,
    },
};

/// A request, and whom it is for as far as that is known before a disk is asked what is there.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Question<'a> {
    /// As programs may see it.
    pub(in crate::http) request: ClientRequest<'a>,
    /// As it was sent.
    pub(in crate::http) sent: &'a Parts,
    /// Its path.
    pub(in crate::http) path: &'a UrlPath,
    /// What programs are told as its method.
    pub(in crate::http) method: &'a Method,
    /// The terms of who answers.
    pub(in crate::http) options: &'a RouteOptions,
    /// The route's path; empty for what is none.
    pub(in crate::http) route: &'a str,
    /// What kind of answerer it is.
    pub(in crate::http) handler: &'static str,
    /// How messages travel, where there will be some.
    pub(in crate::http) transport: Option<Transport>,
    /// The part of the path that names the answerer, and the rest.
    pub(in crate::http) script_name: &'a str,
    pub(in crate::http) path_info: &'a str,
    /// The subprotocol that is selected unless the authorizer selects another.
    pub(in crate::http) subprotocol: Option<&'a str>,
    /// Whether the authorizer is to name the target of sessions here.
    pub(in crate::http) names_target: bool,
}

/// How a client's messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Transport {
    WebSocket,
    Post,
    Events,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Transport::WebSocket => "websocket",
            Transport::Post => "post",
            Transport::Events => "events",
        }
    }
}

impl<'a> Question<'a> {
    /// What meta-variables are made of: the program's.
    pub(super) fn to_environ(self) -> environ::RequestInfo<'a> {
        environ::RequestInfo {
            method: self.method,
            subprotocol: self.subprotocol,
            ..self.request.to_environ(self.script_name, self.path_info)
        }
    }

    /// The credentials as they were sent, which are withheld from programs where they were checked.
    pub(super) fn credentials(self) -> Option<OsString> {
        let headers = &self.sent.headers;
        let name = &header::AUTHORIZATION;
        headers
            .contains_key(name)
            .then(|| join_values(headers, name))
    }

    /// Whether the client speaks a subprotocol.
    pub(super) fn offers(self, subprotocol: &str) -> bool {
        let headers = &self.request.parts.headers;
        let mut offers = list_elements(headers, &header::SEC_WEBSOCKET_PROTOCOL);
        self.transport == Some(Transport::WebSocket) && offers.any(|offer| offer == subprotocol)
    }

    /// What an authorizer is told beside the program's variables.
    pub(super) fn own_variables(self) -> [(&'static str, &'a str); 3] {
        [
            ("WSD_HANDLER", self.handler),
            ("WSD_ROUTE", self.route),
            ("WSD_TRANSPORT", self.transport.map_or("", Transport::name)),
        ]
    }
}
