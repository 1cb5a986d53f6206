//! Rooms without a program: which paths name one, and on which terms.

use std::sync::Arc;

use super::{mount::MountTarget, router::Router};
use crate::{
    backend::{RoomOptions, is_room_name},
    http::url_path::UrlPath,
};

/// A room that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRoom {
    /// Its path.
    pub name: String,
    /// Its terms.
    pub options: Arc<RoomOptions>,
    /// The longest message that is taken from anybody, in bytes; `None` has no limit.
    pub max_message: Option<usize>,
}

/// The room's path, where one segment follows that of its mount, and may be a name.
pub(in crate::http) fn room_name(script_name: &str, path_info: &str) -> Option<String> {
    let name = path_info.strip_prefix('/')?;
    is_room_name(name.as_bytes()).then(|| format!("{script_name}/{name}"))
}

impl Router {
    /// The room of a path as it stands in a request; `None` if something else answers there, or nothing.
    pub fn room_at(&self, path: &UrlPath) -> Option<FoundRoom> {
        let mut mounts = self.mounts_at(path);
        let (mount, options) = mounts.find_map(|mount| match &mount.target {
            MountTarget::Rooms(options) => Some((mount, options)),
            _ => None,
        })?;
        Some(FoundRoom {
            name: room_name(mount.script_name(), mount.path_info(path)?)?,
            options: Arc::clone(options),
            max_message: mount.options.websocket.max_message,
        })
    }

    /// The room of a path as it was typed.
    pub fn room_named(&self, name: &str) -> Option<FoundRoom> {
        self.room_at(&UrlPath::decode(name).ok()?)
    }
}
