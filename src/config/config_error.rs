//! What is wrong with a configuration: [`ConfigError`].

use super::flag_error::FlagError;

/// What is wrong with a configuration, typed or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The words are no command line; `--help` and `--version` come so too. clap prints it best.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// A flag that was typed, or that is missing.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// A flag of one route, counted from 0.
    #[error("{1}")]
    Route(usize, FlagError),
    /// What stands in the file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {}{reason}", key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
pub struct FileError {
    /// `file`, or `file:line`.
    pub(super) place: String,
    /// The key, `route.` before it in a route.
    pub(super) key: Option<String>,
    /// What is wrong, and what would be right.
    pub(super) reason: String,
}
