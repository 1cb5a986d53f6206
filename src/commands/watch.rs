//! Watches files, and has what changes take effect: programs and pages by the server, what is started beside it by the
//! supervisor, the configuration file by who asks.

use std::{collections::BTreeSet, future::pending, path::PathBuf};

use tracing::error;
use wsd::{
    backend::Supervisor,
    file_watch::{FileWatcher, WatchError},
    server::Server,
};

/// What is watched for a server, as its configuration in force says.
pub(super) struct Watch<'a> {
    server: &'a Server,
    supervisor: &'a Supervisor,
    /// The configuration file, where it is watched.
    config_file: Option<PathBuf>,
    /// `None` until something has been watched.
    files: Option<FileWatcher>,
}

impl<'a> Watch<'a> {
    /// Watches what the server asks for, and the configuration file if there is one to watch.
    ///
    /// # Errors
    /// When files cannot be watched.
    pub(super) fn start(
        server: &'a Server,
        supervisor: &'a Supervisor,
        config_file: Option<PathBuf>,
    ) -> Result<Self, WatchError> {
        let mut watch = Watch {
            server,
            supervisor,
            config_file,
            files: None,
        };
        watch.try_follow()?;
        Ok(watch)
    }

    /// Watches what the server and the supervisor have by now, with this configuration file. That files cannot be watched
    /// is logged.
    pub(super) fn follow(&mut self, config_file: Option<PathBuf>) {
        self.config_file = config_file;
        if let Err(error) = self.try_follow() {
            error!("{error}");
        }
    }

    /// The same for programs that the supervisor has started by now.
    pub(super) fn follow_started(&mut self) {
        self.follow(self.config_file.clone());
    }

    fn try_follow(&mut self) -> Result<(), WatchError> {
        let paths = self.paths();
        if self.files.is_none() && !paths.is_empty() {
            self.files = Some(FileWatcher::new()?);
        }
        if let Some(files) = &mut self.files {
            files.replace(paths);
        }
        Ok(())
    }

    fn paths(&self) -> BTreeSet<PathBuf> {
        let Some(mut paths) = self.server.watched_paths() else {
            return BTreeSet::new();
        };
        for program in self.supervisor.files() {
            paths.extend(program.paths().map(Into::into));
        }
        paths.extend(self.config_file.clone());
        paths
    }

    /// Has changes take effect, until one is of the configuration file. Cancel safe: yes.
    pub(super) async fn until_config_changes(&mut self) {
        let Some(files) = &mut self.files else {
            return pending().await;
        };
        loop {
            let changed = files.next().await;
            if let Some(changed) = self.server.files_changed(&changed) {
                self.supervisor.restart(&changed);
            }
            let config = self.config_file.as_ref();
            if config.is_some_and(|config| changed.contains(config)) {
                return;
            }
        }
    }
}
