//! A file or directory that is watched, and where it is at present: [`Watched`].

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use notify::RecursiveMode;

use super::names::is_by_the_way;
use crate::file_stamp::Stamp;

/// A file, or a directory with all beneath it.
#[derive(Debug)]
pub(super) struct Watched {
    /// As it was named: absolute.
    pub(super) path: PathBuf,
    place: Place,
}

/// Where a path leads to at present. The kernel names files without links and dots.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    /// The path itself, which may be a link.
    entry: Option<PathBuf>,
    /// What it leads to; `None` if nothing is there.
    real: Option<PathBuf>,
    kind: Kind,
}

/// What is there, and in which state.
#[derive(Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Missing,
    File(Stamp),
    /// Device and inode: what lies in it has other ways to be told.
    Directory(u64, u64),
}

impl Watched {
    pub(super) fn new(path: PathBuf) -> Self {
        let place = Place::of(&path);
        Watched { path, place }
    }

    /// Looks where it is now; whether that is another file than at the last look, or another state of it.
    pub(super) fn look(&mut self) -> bool {
        let now = Place::of(&self.path);
        let is_changed = now != self.place;
        self.place = now;
        is_changed
    }

    /// By which name it is watched, if a file that the kernel names is it or lies beneath.
    pub(super) fn find(&self, file: &Path) -> Option<PathBuf> {
        let Place { entry, real, kind } = &self.place;
        if entry.as_deref() == Some(file) || real.as_deref() == Some(file) {
            return Some(self.path.clone());
        }
        let beneath = match (kind, real) {
            (Kind::Directory(..), Some(real)) => file.strip_prefix(real).ok(),
            _ => None,
        };
        let beneath = beneath.filter(|relative| !is_by_the_way(relative));
        beneath.map(|relative| self.path.join(relative))
    }

    /// The directories in which the kernel is to look for it.
    pub(super) fn directories(&self) -> impl Iterator<Item = (&Path, RecursiveMode)> {
        let Place { entry, real, kind } = &self.place;
        let own = match (kind, real) {
            (Kind::Directory(..), Some(real)) => Some((real.as_path(), RecursiveMode::Recursive)),
            _ => None,
        };
        let around = [entry, real].into_iter().flatten();
        let around = around.filter_map(|file| Some((file.parent()?, RecursiveMode::NonRecursive)));
        own.into_iter().chain(around)
    }
}

impl Place {
    fn of(path: &Path) -> Self {
        let parent = path
            .parent()
            .and_then(|parent| fs::canonicalize(parent).ok());
        let real = fs::canonicalize(path).ok();
        let found = real.as_ref().and_then(|real| fs::metadata(real).ok());
        Place {
            entry: parent
                .zip(path.file_name())
                .map(|(parent, name)| parent.join(name)),
            kind: match found {
                None => Kind::Missing,
                Some(found) if found.is_dir() => Kind::Directory(found.dev(), found.ino()),
                Some(_) => Kind::File(Stamp::of(path)),
            },
            real,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn file_behind_a_link_is_found_by_both_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| {
            let directory = fs::canonicalize(directory.path()).expect("it is there");
            directory.join(name)
        };
        fs::create_dir(at("src")).expect("a directory");
        fs::write(at("src/a"), "one").expect("a file");
        symlink(at("src/a"), at("link")).expect("a link");
        let watched = Watched::new(at("src/../link"));
        for name in ["link", "src/a"] {
            assert_eq!(watched.find(&at(name)), Some(at("src/../link")), "{name}");
        }
        assert_eq!(watched.find(&at("src/b")), None);
        let directories: Vec<_> = watched.directories().map(|(path, _)| path).collect();
        assert_eq!(directories, [at(""), at("src")]);
    }

    #[test]
    fn what_lies_in_a_directory_is_found_by_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let real = fs::canonicalize(directory.path()).expect("it is there");
        symlink(&real, real.join("again")).expect("a link");
        let watched = Watched::new(real.join("again"));
        let found = watched.find(&real.join("a/b"));
        assert_eq!(found, Some(real.join("again/a/b")));
        assert_eq!(watched.find(&real.join(".git/HEAD")), None);
        assert_eq!(watched.find(Path::new("/elsewhere")), None);
    }

    #[test]
    fn look_finds_what_has_gone_come_back_or_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("a");
        let mut watched = Watched::new(file.clone());
        assert!(!watched.look());
        fs::write(&file, "one").expect("a file");
        assert!(watched.look() && !watched.look());
        fs::write(&file, "other").expect("a file");
        assert!(watched.look() && !watched.look());
        fs::remove_file(&file).expect("it is there");
        assert!(watched.look() && !watched.look());
    }
}
