//! Whom a session is opened with, found: [`RouteMatch`].

use std::borrow::Cow;

use super::mount::{MountMatch, MountTarget};
use crate::http::route_options::RouteOptions;

/// A program or a target, and how the URL's path is split at it (RFC 3875 §4.1.13 and §4.1.5).
#[derive(Debug)]
pub struct RouteMatch<'a, T = Cow<'a, MountTarget>> {
    /// Who answers.
    pub target: T,
    /// Its terms.
    pub options: &'a RouteOptions,
    /// The part of the path that names it.
    pub script_name: Cow<'a, str>,
    /// The rest.
    pub path_info: String,
}

impl<'a, T> RouteMatch<'a, T> {
    /// Whether nothing of the path follows what names it, but for a slash.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.path_info.as_str(), "" | "/")
    }

    /// What answers there, and the match without it.
    pub(in crate::http) fn take_target(self) -> (T, RouteMatch<'a, ()>) {
        let rest = RouteMatch {
            target: (),
            options: self.options,
            script_name: self.script_name,
            path_info: self.path_info,
        };
        (self.target, rest)
    }
}

impl<'a> RouteMatch<'a, ()> {
    /// The match with who answers there.
    pub(in crate::http) fn with<T>(self, target: T) -> RouteMatch<'a, T> {
        RouteMatch {
            target,
            options: self.options,
            script_name: self.script_name,
            path_info: self.path_info,
        }
    }
}

impl<'a> From<MountMatch<'a>> for RouteMatch<'a> {
    fn from(found: MountMatch<'a>) -> Self {
        RouteMatch {
            target: Cow::Borrowed(&found.mount.target),
            options: &found.mount.options,
            script_name: Cow::Borrowed(found.mount.script_name()),
            path_info: found.path_info,
        }
    }
}
