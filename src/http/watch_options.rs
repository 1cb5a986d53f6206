//! What is watched beside what answers: [`WatchOptions`].

use std::path::PathBuf;

/// That files are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Files and directories that all programs are taken to be made of, absolute.
    pub paths: Vec<PathBuf>,
}
