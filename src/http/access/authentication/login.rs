//! What a session's login rests on, and when it is over: [`Login`].

use std::{path::PathBuf, time::SystemTime};

/// A line of a file that has let a client in; when it is not there any more, its sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Login {
    pub(super) source: Source,
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// Of the line.
    pub(super) digest: [u8; 32],
    /// When the cookie that stood for the password is void.
    pub(super) expires: Option<SystemTime>,
}

/// Which kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Passwords,
    Tokens,
}
