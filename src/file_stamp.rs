//! Whether a file is the one that it was: [`Stamp`].

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// What tells one state of a file from another: device, inode, length, and when it was changed in any way
/// (stat(2), `st_ctim`), which copies cannot set back. `None` where there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    pub(crate) fn of(file: &Path) -> Self {
        let found = fs::metadata(file).ok();
        Stamp(found.map(|found| {
            let (device, inode, length) = (found.dev(), found.ino(), found.len());
            (device, inode, length, found.ctime(), found.ctime_nsec())
        }))
    }
}
