//! Where recordings lie: [`RecordDirectory`].

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat},
    io::Errno,
    process::geteuid,
};

/// A directory, open, whatever becomes of its path; but one that is deleted is looked for again at its path.
#[derive(Debug)]
pub struct RecordDirectory {
    path: PathBuf,
    open: Mutex<OwnedFd>,
}

impl RecordDirectory {
    /// Opens a directory that exists.
    ///
    /// # Errors
    /// As open(2) gives them; `ENOTDIR` for anything else.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(RecordDirectory {
            path: std::path::absolute(path)?,
            open: Mutex::new(open(path)?),
        })
    }

    /// Makes a file of that name, for its owner alone; what is there already, a link too, is not followed and not touched.
    ///
    /// # Errors
    /// As openat(2) gives them; `EEXIST` for a name that is taken.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let mut directory = self.open.lock();
        match create_in(&directory, name) {
            // So it is in a directory that is deleted.
            Err(Errno::NOENT) => {
                *directory = self.open_again()?;
                Ok(create_in(&directory, name)?)
            }
            created => Ok(created?),
        }
    }

    /// The directory that was made again. Somebody else's in its place would have all that is said.
    fn open_again(&self) -> io::Result<OwnedFd> {
        let directory = open(&self.path)?;
        let stat = fstat(&directory)?;
        let is_ours = stat.st_uid == 0 || stat.st_uid == geteuid().as_raw();
        match is_ours && !Mode::from_raw_mode(stat.st_mode).contains(Mode::WOTH) {
            true => Ok(directory),
            false => Err(io::Error::other(format!(
                "{} was made again, and others may write there",
                self.path.display()
            ))),
        }
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

fn create_in(directory: &OwnedFd, name: &str) -> rustix::io::Result<File> {
    // EXCL follows no link (open(2)).
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(openat(directory, name, flags, mode)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn directory_that_is_made_again_is_found() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("recordings");
        fs::create_dir(&path).expect("room");
        let directory = RecordDirectory::open(&path).expect("it is there");
        directory.create("first").expect("room");
        fs::remove_dir_all(&path).expect("it is ours");
        let error = directory.create("second").expect_err("it is not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        fs::create_dir(&path).expect("room");
        directory.create("third").expect("it is there again");
        assert!(path.join("third").is_file());
    }
}
