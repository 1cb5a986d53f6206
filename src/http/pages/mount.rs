//! A program or a target at a path, and how a URL's path is split at it: [`Mount`].

use std::sync::Arc;

use crate::{
    backend::{RoomOptions, SocketOptions, Target, TargetMap},
    http::{access::TokenPlace, route_options::RouteOptions, url_path::UrlPath},
};

/// Who answers at a path.
#[derive(Debug, Clone)]
pub enum MountTarget {
    /// The same for every client.
    Fixed(Target),
    /// Whom the client's token leads to.
    ByToken(TokenTargets),
    /// Whom the authorizer of the route names; spoken to so.
    ByAuthorizer(Arc<SocketOptions>),
    /// The room that the segment behind the path names.
    Rooms(Arc<RoomOptions>),
}

/// Targets by token.
#[derive(Debug, Clone)]
pub struct TokenTargets {
    /// Where the token is.
    pub place: TokenPlace,
    /// Where tokens lead.
    pub map: TargetMap,
    /// How targets are spoken to.
    pub options: Arc<SocketOptions>,
}

impl From<Target> for MountTarget {
    fn from(target: Target) -> Self {
        MountTarget::Fixed(target)
    }
}

/// A program or a target at a path.
#[derive(Debug)]
pub struct Mount {
    /// Where: begins with `/`, and does not end with one unless it is `/` itself.
    pub path: String,
    /// What answers there and beneath.
    pub target: MountTarget,
    /// On which terms.
    pub options: RouteOptions,
}

/// A program that a path leads to.
#[derive(Debug)]
pub struct MountMatch<'a> {
    /// Where it is.
    pub mount: &'a Mount,
    /// What follows that path.
    pub path_info: String,
}

impl Mount {
    /// The part of a path that names it; empty for `/` (RFC 3875 §4.1.13).
    pub(super) fn script_name(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    /// Whether it is a program.
    pub(super) fn has_program(&self) -> bool {
        matches!(self.target, MountTarget::Fixed(Target::Program(..)))
    }

    /// Whether it is a program that has a terminal, which clients may have a page for.
    pub(super) fn has_terminal(&self) -> bool {
        self.options.terminal.is_some()
    }

    /// What of a path is PATH_INFO here (RFC 3875 §4.1.5); `None` if it does not begin with whole segments of
    /// this one's.
    pub(super) fn path_info<'p>(&self, path: &'p UrlPath) -> Option<&'p str> {
        let path_info = path.as_str().strip_prefix(self.script_name())?;
        let is_whole = path_info.is_empty() || path_info.starts_with('/');
        is_whole.then_some(path_info)
    }

    /// This one, if a path leads to it.
    pub(super) fn matches(&self, path: &UrlPath) -> Option<MountMatch<'_>> {
        let path_info = self.path_info(path)?.to_owned();
        Some(MountMatch {
            mount: self,
            path_info,
        })
    }
}
