//! Routes: who answers one request. A WebSocket and a plain request have different answerers, so each has a
//! type of its own, without a case that cannot be.

use std::borrow::Cow;

use super::{cgi::Scripts, directory::Directory, file::Files};
use crate::{
    backend::Target,
    http::{refusal::Refusal, route_options::RouteOptions, url_path::UrlPath},
};

/// Who answers a WebSocket.
#[derive(Debug)]
pub enum WebSocketRoute<'a> {
    /// A program.
    Program(RouteMatch<'a>),
    /// Whatever program of the directory the path leads to; where it leads to none, the other.
    Directory(&'a Directory, Option<RouteMatch<'a>>),
}

/// Who answers a plain request.
#[derive(Debug)]
pub enum PlainRoute<'a> {
    /// The script of these that the path leads to, the first first; where it leads to none, a page.
    Scripts(Vec<&'a Scripts>, Option<Page<'a>>),
    /// A page.
    Page(Page<'a>),
}

/// What answers without starting anything.
#[derive(Debug, Clone, Copy)]
pub enum Page<'a> {
    /// The developer console.
    Console,
    /// A static file.
    File(&'a Files),
    /// Only a program is here, which a WebSocket is needed for.
    UpgradeRequired,
}

/// A program, and how the URL's path is split at it (RFC 3875 §4.1.13 and §4.1.5).
#[derive(Debug)]
pub struct RouteMatch<'a> {
    /// The program.
    pub target: Cow<'a, Target>,
    /// Its terms.
    pub options: &'a RouteOptions,
    /// The part of the path that names it.
    pub script_name: Cow<'a, str>,
    /// The rest.
    pub path_info: String,
}

impl<'a> WebSocketRoute<'a> {
    /// The terms, which are known before it is known which program it is.
    pub(in crate::http) fn options(&self) -> &'a RouteOptions {
        match self {
            WebSocketRoute::Program(found) => found.options,
            WebSocketRoute::Directory(directory, _) => directory.options(),
        }
    }

    /// The program.
    ///
    /// # Errors
    /// 404 if there is none.
    pub(in crate::http) async fn find(self, path: &UrlPath) -> Result<RouteMatch<'a>, Refusal> {
        match self {
            WebSocketRoute::Program(found) => Ok(found),
            WebSocketRoute::Directory(directory, otherwise) => match directory.find(path).await {
                Ok(found) => Ok(found),
                Err(_) => otherwise.ok_or(Refusal::NotFound),
            },
        }
    }
}
