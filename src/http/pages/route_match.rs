//! The program that a session is opened with, found: [`RouteMatch`].

use std::borrow::Cow;

use super::mount::MountMatch;
use crate::{backend::Target, http::route_options::RouteOptions};

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
