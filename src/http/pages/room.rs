//! Rooms without a program: which paths name one, and on which terms.

use std::sync::Arc;

use super::{
    mount::{Mount, MountTarget},
    router::Router,
};
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

/// Whether what follows a mount's path names nothing; a slash at the end is what people type.
pub(in crate::http) fn is_mount_itself(path_info: &str) -> bool {
    matches!(path_info, "" | "/")
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

    /// The path of rooms, where it is this one itself and no room's.
    pub(in crate::http) fn rooms_beneath(&self, path: &UrlPath) -> Option<&str> {
        let is_of_rooms = |mount: &&Mount| matches!(mount.target, MountTarget::Rooms(_));
        let mount = self.mounts_at(path).find(is_of_rooms)?;
        is_mount_itself(mount.path_info(path)?).then(|| mount.script_name())
    }

    /// The terms of a room that has them already: of a path, and of text or of bytes.
    pub(in crate::http) fn room_terms(
        &self,
        name: &str,
        is_binary: bool,
    ) -> Option<Arc<RoomOptions>> {
        let path = UrlPath::decode(name).ok()?;
        let mut mounts = self.mounts_at(&path);
        mounts.find_map(|mount| match &mount.target {
            MountTarget::Rooms(options) if options.is_binary == is_binary => {
                room_name(mount.script_name(), mount.path_info(&path)?)?;
                Some(Arc::clone(options))
            }
            _ => None,
        })
    }

    /// The room of a path as it was typed.
    pub fn room_named(&self, name: &str) -> Option<FoundRoom> {
        self.room_at(&UrlPath::decode(name).ok()?)
    }
}
