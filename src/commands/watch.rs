//! Watches files, and has what changes take effect: programs and pages by the server, the configuration file by who asks.

use std::{future::pending, path::PathBuf};

use tracing::error;
use wsd::{
    file_watch::{FileWatcher, WatchError},
    server::Server,
};

/// What is watched for a server, as its configuration in force says.
pub(super) struct Watch {
    server: Server,
    /// The configuration file, where it is watched.
    config_file: Option<PathBuf>,
    /// `None` until something has been watched.
    files: Option<FileWatcher>,
}

impl Watch {
    /// Watches what the server asks for, and the configuration file if there is one to watch.
    ///
    /// # Errors
    /// When files cannot be watched.
    pub(super) fn start(server: &Server, config_file: Option<PathBuf>) -> Result<Self, WatchError> {
        let mut watch = Watch {
            server: server.clone(),
            config_file,
            files: None,
        };
        watch.follow()?;
        Ok(watch)
    }

    /// The same for a configuration that has taken the place of another. That files cannot be watched is logged.
    pub(super) fn replace(&mut self, config_file: Option<PathBuf>) {
        self.config_file = config_file;
        if let Err(error) = self.follow() {
            error!("{error}");
        }
    }

    fn follow(&mut self) -> Result<(), WatchError> {
        let mut paths = self.server.watched_paths();
        paths.extend(self.config_file.clone());
        if self.files.is_none() && !paths.is_empty() {
            self.files = Some(FileWatcher::new()?);
        }
        if let Some(files) = &mut self.files {
            files.replace(paths);
        }
        Ok(())
    }

    /// Has changes take effect, until one is of the configuration file. Cancel safe: yes.
    pub(super) async fn until_config_changes(&mut self) {
        let Some(files) = &mut self.files else {
            return pending().await;
        };
        loop {
            let changed = files.next().await;
            self.server.files_changed(&changed);
            let config = self.config_file.as_ref();
            if config.is_some_and(|config| changed.contains(config)) {
                return;
            }
        }
    }
}
