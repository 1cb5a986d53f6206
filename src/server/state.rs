//! What a running server is made of: [`Server`]. What it does, `Server::run`, is in `accept`.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use super::{lifecycle::Lifecycle, options::Options};
use crate::{
    backend::{ChangedFiles, Outside, RecentStarts, Spawner},
    http::{self, Current, Handler},
    hub::Hub,
    room,
};

/// A server: its settings and its handler in force, which a reload may change at any time, and its life.
/// Clones are the same.
#[derive(Debug, Clone)]
pub struct Server {
    options: watch::Sender<Options>,
    pub(super) current: Current,
    pub(super) lifecycle: Lifecycle,
}

impl Server {
    /// A server that starts programs with `spawner`; it listens on nothing yet.
    pub fn new(options: Options, http: http::Options, spawner: Spawner) -> Self {
        room::return_large_blocks();
        let lifecycle = Lifecycle::default();
        let handler = Handler::new(http, spawner, lifecycle.tokens.clone());
        Server {
            options: watch::Sender::new(options),
            current: Current::new(handler),
            lifecycle,
        }
    }

    /// Has rooms reach the members on other machines; once, and before anybody joins.
    pub fn connect_hub(&self, hub: &Hub) {
        self.current.connect_hub(hub);
    }

    /// Starts the shared programs that are there whoever comes, if they do not run.
    ///
    /// # Errors
    /// The path of the first that cannot be started, and why.
    pub async fn start_kept_programs(&self) -> Result<(), (String, http::Refusal)> {
        self.handler().start_kept_programs().await
    }

    /// Sets where else rooms have members; once, before it serves.
    pub fn connect_rooms(&self, outside: Outside) {
        self.handler().connect_rooms(outside);
    }

    /// Puts other settings in force: the next connection and the next request follow them, while what has
    /// begun goes on.
    pub fn reload(&self, options: Options, http: http::Options) {
        self.options.send_replace(options);
        self.current.replace(self.current.get().reconfigured(http));
    }

    /// The settings in force.
    pub fn options(&self) -> Options {
        *self.options.borrow()
    }

    /// The files and directories whose changes it is to be told of, absolute; `None` where files are not watched.
    pub fn watched_paths(&self) -> Option<BTreeSet<PathBuf>> {
        self.handler().watched_paths()
    }

    /// What follows when files have changed, which have the names of what is watched; `None` where files are not watched.
    pub fn files_changed(&self, files: &BTreeSet<PathBuf>) -> Option<ChangedFiles> {
        self.handler().files_changed(files)
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.handler().sessions()
    }

    /// Where starts of servers that targets may lead to are noted.
    pub fn recent_starts(&self) -> RecentStarts {
        self.handler().recent_starts().clone()
    }

    /// The handler in force.
    pub(super) fn handler(&self) -> Arc<Handler> {
        self.current.get()
    }
}
