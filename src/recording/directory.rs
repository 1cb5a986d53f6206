//! Where recordings lie: [`RecordDirectory`].

use std::{fs::File, io, os::fd::OwnedFd, path::Path};

use rustix::fs::{CWD, Mode, OFlags, openat};

/// A directory, open, whatever becomes of its path.
#[derive(Debug)]
pub struct RecordDirectory(OwnedFd);

impl RecordDirectory {
    /// Opens a directory that exists.
    ///
    /// # Errors
    /// As open(2) gives them; `ENOTDIR` for anything else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(RecordDirectory(openat(CWD, path, flags, Mode::empty())?))
    }

    /// Makes a file of that name, for its owner alone; what is there already, a link too, is not followed and not touched.
    ///
    /// # Errors
    /// As openat(2) gives them; `EEXIST` for a name that is taken.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        // EXCL follows no link (open(2)).
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(openat(&self.0, name, flags, mode)?.into())
    }
}
