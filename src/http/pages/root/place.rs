//! The directory of a root, and what its path names at present: [`Place`].
//!
//! # How it works
//! A build that deletes its folder and makes it again, a `current` link that moves, and `mv` leave an open directory that
//! nobody means any more. So the path is looked at (stat(2)) when something is asked for and the last look is a second
//! old; if it names another directory, that is opened. Who could put a directory of his own in the place of ours, or
//! lead us to one of ours that was meant for something else, is not followed: what is there has to belong to root or to
//! the user of this process, and to lie to the other roots as it did at the start.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::{
    fs::{CWD, Mode, OFlags, Stat, fstat, openat, stat},
    io::Errno,
    process::geteuid,
};
use tracing::{info, warn};

use super::location::location;

/// How old the last look may be. Shorter would cost a system call for each file; longer would be noticed by who has
/// just built a site and loads it again.
const INTERVAL: Duration = Duration::from_secs(1);

/// How one directory lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They have nothing in common.
    Apart,
    /// They are the same.
    Same,
    /// The first lies in the second.
    Inside,
    /// The second lies in the first.
    Around,
}

impl Relation {
    fn between(first: &Path, second: &Path) -> Self {
        match (first.starts_with(second), second.starts_with(first)) {
            (true, true) => Relation::Same,
            (true, false) => Relation::Inside,
            (false, true) => Relation::Around,
            (false, false) => Relation::Apart,
        }
    }

    fn reversed(self) -> Self {
        match self {
            Relation::Inside => Relation::Around,
            Relation::Around => Relation::Inside,
            same => same,
        }
    }
}

/// A directory by its path.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` while there is none that may be used.
    directory: Option<Arc<OwnedFd>>,
    /// Device and inode of that; no other directory has them while it is open.
    id: Option<Id>,
    /// Where the last one was that could be used, without links.
    real: PathBuf,
    looked: Instant,
    /// Why there is none, as it stands in the log.
    fault: Option<String>,
    relations: Vec<(PathBuf, Relation)>,
}

/// Of a file: its device and inode.
pub(in crate::http::pages) type Id = (u64, u64);

#[expect(
    clippy::unnecessary_cast,
    reason = "their types differ between systems"
)]
pub(in crate::http::pages) fn id(stat: &Stat) -> Id {
    (stat.st_dev as u64, stat.st_ino as u64)
}

impl Place {
    /// Opens a directory, whoever it belongs to.
    ///
    /// # Errors
    /// As open(2) gives them; `ENOTDIR` for anything but a directory.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let directory = open(path)?;
        let state = State {
            id: Some(id(&fstat(&directory)?)),
            real: real(&directory, path)?,
            directory: Some(Arc::new(directory)),
            looked: Instant::now(),
            fault: None,
            relations: Vec::new(),
        };
        Ok(Place {
            path: std::path::absolute(path)?,
            state: Mutex::new(state),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How it lies to another, which it keeps to from now on, and the other to it.
    pub(super) fn relate(&self, other: &Place) -> Relation {
        let theirs = other.state.lock().real.clone();
        let mut state = self.state.lock();
        let relation = Relation::between(&state.real, &theirs);
        state.relations.push((other.path.clone(), relation));
        drop(state);
        let entry = (self.path.clone(), relation.reversed());
        other.state.lock().relations.push(entry);
        relation
    }

    /// The directory.
    ///
    /// # Errors
    /// `ENOENT` while there is none that may be used.
    pub(super) fn directory(&self) -> rustix::io::Result<Arc<OwnedFd>> {
        let is_due = {
            let mut state = self.state.lock();
            let is_due = state.looked.elapsed() >= INTERVAL;
            if is_due {
                // Here, so that of many that ask at once one looks.
                state.looked = Instant::now();
            }
            is_due
        };
        if is_due {
            self.look();
        }
        self.state.lock().directory.clone().ok_or(Errno::NOENT)
    }

    /// Whether an open file lies beneath, whatever path or link led to it. Where that cannot be told, it does.
    pub(super) fn contains(&self, file: &impl AsFd) -> bool {
        // At once: in a directory that was just made again, nothing is to be had for a second either.
        self.look();
        let Ok(file) = location(file) else {
            return true;
        };
        let state = self.state.lock();
        let open = state.directory.as_deref().map(location);
        match open {
            Some(Err(_)) => true,
            Some(Ok(open)) => file.starts_with(open) || file.starts_with(&state.real),
            None => file.starts_with(&state.real),
        }
    }

    /// Opens what the path names, if that is another directory than before.
    pub(super) fn look(&self) {
        let found = stat(&self.path).map(|stat| id(&stat));
        let mut state = self.state.lock();
        if found.is_ok() && found.ok() == state.id {
            return;
        }
        let opened = found.map_err(|error| error.to_string());
        match opened.and_then(|_| self.open_again(&state.relations)) {
            Ok((directory, id, real)) => {
                if state.fault.take().is_some() {
                    info!(directory = ?self.path, "is back: what lies in it answers again");
                }
                state.directory = Some(Arc::new(directory));
                (state.id, state.real) = (Some(id), real);
            }
            Err(fault) => {
                if state.fault.as_ref() != Some(&fault) {
                    warn!(directory = ?self.path, reason = fault, "cannot be used: nothing in it answers");
                }
                (state.directory, state.id, state.fault) = (None, None, Some(fault));
            }
        }
    }

    fn open_again(
        &self,
        relations: &[(PathBuf, Relation)],
    ) -> Result<(OwnedFd, Id, PathBuf), String> {
        let text = |error: io::Error| error.to_string();
        let directory = open(&self.path).map_err(text)?;
        let stat = fstat(&directory).map_err(|error| error.to_string())?;
        if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
            return Err(format!(
                "it is another directory than at the start, and belongs to the user {}, neither root nor the one that wsd runs as",
                stat.st_uid
            ));
        }
        let real = real(&directory, &self.path).map_err(text)?;
        for (path, relation) in relations {
            let other = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            if Relation::between(&real, &other) != *relation {
                return Err(format!(
                    "it is another directory than at the start, and lies otherwise to {}",
                    path.display()
                ));
            }
        }
        Ok((directory, id(&stat), real))
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

/// Where a directory is, without links.
fn real(directory: &OwnedFd, path: &Path) -> io::Result<PathBuf> {
    location(directory).or_else(|_| fs::canonicalize(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Two directories, `a` and `b`, and a link `current` to the first.
    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        for name in ["a", "b", "a/sub"] {
            fs::create_dir(tree.path().join(name)).expect("a directory");
        }
        symlink("a", tree.path().join("current")).expect("a link");
        tree
    }

    fn now(place: &Place) -> Option<PathBuf> {
        place.look();
        let directory = place.state.lock().directory.clone()?;
        location(&directory).ok()
    }

    fn switch(tree: &Path, to: &str) {
        fs::remove_file(tree.join("current")).expect("a link");
        symlink(to, tree.join("current")).expect("a link");
    }

    #[test]
    fn what_the_path_names_is_followed() {
        let tree = tree();
        let root = tree.path().canonicalize().expect("a path");
        let place = Place::open(&root.join("current")).expect("the place");
        assert_eq!(now(&place), Some(root.join("a")));
        switch(&root, "b");
        assert_eq!(now(&place), Some(root.join("b")));
        fs::remove_dir(root.join("b")).expect("a directory");
        assert_eq!(now(&place), None);
        assert!(place.directory().is_err());
        fs::create_dir(root.join("b")).expect("a directory");
        assert_eq!(now(&place), Some(root.join("b")));
    }

    #[test]
    fn what_lies_otherwise_to_another_root_is_not_followed() {
        let tree = tree();
        let root = tree.path();
        let place = Place::open(&root.join("current")).expect("the place");
        let other = Place::open(&root.join("b")).expect("the other");
        assert_eq!(place.relate(&other), Relation::Apart);
        switch(root, "b");
        assert_eq!(now(&place), None);
        let fault = place.state.lock().fault.clone().expect("a reason");
        assert!(fault.contains("lies otherwise"), "{fault}");
        switch(root, "a/sub");
        assert!(now(&place).is_some());
    }

    #[test]
    fn relations_are_told_apart() {
        let between =
            |first: &str, second: &str| Relation::between(first.as_ref(), second.as_ref());
        assert_eq!(between("/a", "/a"), Relation::Same);
        assert_eq!(between("/a/b", "/a"), Relation::Inside);
        assert_eq!(between("/a", "/a/b"), Relation::Around);
        assert_eq!(between("/a", "/ab"), Relation::Apart);
    }

    #[test]
    fn file_in_a_directory_that_was_made_again_is_contained() {
        let tree = tree();
        let place = Place::open(&tree.path().join("b")).expect("the place");
        fs::remove_dir(tree.path().join("b")).expect("a directory");
        fs::create_dir(tree.path().join("b")).expect("a directory");
        let file = fs::File::create(tree.path().join("b/x")).expect("a file");
        assert!(place.contains(&file));
        let file = fs::File::create(tree.path().join("a/x")).expect("a file");
        assert!(!place.contains(&file));
    }
}
