//! The working directory of this process, in which programs run: [`WorkingDirectory`].

use std::{
    env,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat, stat},
    process::{fchdir, geteuid},
};
use tracing::info;

/// The working directory by its path, which may be deleted and made again, as builds do. What runs in a directory that
/// is deleted finds nothing there, neither itself nor its files.
#[derive(Debug)]
pub(super) struct WorkingDirectory {
    /// `None` if it had none at the start.
    path: Option<PathBuf>,
}

impl WorkingDirectory {
    /// The present one.
    pub(super) fn current() -> Self {
        WorkingDirectory {
            path: env::current_dir().ok(),
        }
    }

    /// Goes to the directory that stands in the place of a deleted one, if there is one; for the whole process.
    pub(super) fn restore(&self) {
        // What is deleted has no name left (inode(7), `st_nlink`).
        let is_deleted = stat(".").is_ok_and(|stat| stat.st_nlink == 0);
        if let Some(path) = self.path.as_deref().filter(|_| is_deleted)
            && enter(path).is_ok_and(|entered| entered)
        {
            info!("the working directory {} is back", path.display());
        }
    }
}

/// Whether it could be had: somebody else's in its place would have us run his programs.
fn enter(path: &Path) -> rustix::io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty())?;
    let owner = fstat(&directory)?.st_uid;
    let is_ours = owner == 0 || owner == geteuid().as_raw();
    if is_ours {
        fchdir(&directory)?;
    }
    Ok(is_ours)
}
