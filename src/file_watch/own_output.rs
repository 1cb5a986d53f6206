//! Our own output where it goes into a file: [`OwnOutput`].

use std::{
    fs,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::Path,
};

use rustix::{
    fs::{FileType, fstat},
    stdio::{stderr, stdout},
};

/// The files that our stdout and stderr go into, if they are files: a log that tells of its own lines would never end.
#[derive(Debug)]
pub(super) struct OwnOutput([Option<(u64, u64)>; 2]);

impl OwnOutput {
    pub(super) fn new() -> Self {
        OwnOutput([id(stdout()), id(stderr())])
    }

    /// Whether a path leads to one of them.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let mut known = self.0.iter().flatten().peekable();
        known.peek().is_some()
            && fs::metadata(path)
                .is_ok_and(|found| known.any(|id| *id == (found.dev(), found.ino())))
    }
}

/// Device and inode of an open file; `None` for a terminal, a pipe and the like.
fn id(opened: impl AsFd) -> Option<(u64, u64)> {
    let opened = fstat(opened).ok()?;
    let is_file = FileType::from_raw_mode(opened.st_mode) == FileType::RegularFile;
    is_file.then_some((opened.st_dev as u64, opened.st_ino as u64))
}
