//! The directories in which the kernel looks: [`Directories`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::error;

use super::watched::Watched;

/// Directories that the kernel looks at, and what of it.
#[derive(Debug)]
pub(super) struct Directories {
    kernel: RecommendedWatcher,
    watched: BTreeMap<PathBuf, RecursiveMode>,
    /// Those that it does not, though they were asked for: they are told of once.
    failed: BTreeSet<PathBuf>,
}

impl Directories {
    pub(super) fn new(kernel: RecommendedWatcher) -> Self {
        Directories {
            kernel,
            watched: BTreeMap::new(),
            failed: BTreeSet::new(),
        }
    }

    /// Has the kernel look at those that are needed, and at no others. One that cannot be watched is logged.
    pub(super) fn replace(&mut self, files: &[Watched]) {
        let wanted = wanted(files);
        let mut gone = self.watched.clone();
        gone.retain(|directory, mode| wanted.get(directory) != Some(mode));
        for directory in gone.keys() {
            self.forget(directory);
        }
        self.failed.retain(|failed| wanted.contains_key(failed));
        for (directory, mode) in wanted {
            if self.watched.contains_key(&directory) {
                continue;
            }
            match self.kernel.watch(&directory, mode) {
                Ok(()) => {
                    self.failed.remove(&directory);
                    self.watched.insert(directory, mode);
                }
                Err(failure) => {
                    if self.failed.insert(directory.clone()) {
                        let directory = directory.display();
                        error!("{directory} cannot be watched: {}", Reason(&failure));
                    }
                }
            }
        }
    }

    /// Something has happened to a file: if it is one of these directories, or one around it, the kernel may look at
    /// what is not there any more. Whether it is.
    pub(super) fn forget_beneath(&mut self, file: &Path) -> bool {
        let beneath = self.watched.keys();
        let beneath: Vec<PathBuf> = beneath
            .filter(|directory| directory.starts_with(file))
            .cloned()
            .collect();
        for directory in &beneath {
            self.forget(directory);
        }
        !beneath.is_empty()
    }

    fn forget(&mut self, directory: &Path) {
        self.watched.remove(directory);
        // The kernel may have forgotten it by itself.
        let _ = self.kernel.unwatch(directory);
    }
}

/// Why something cannot be watched, and what helps.
pub(super) struct Reason<'a>(pub(super) &'a notify::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: &str = "there are more directories than the system watches: raise \
            fs.inotify.max_user_watches (sysctl), or watch less";
        const INSTANCES: &str =
            "there is nothing left to watch with: raise fs.inotify.max_user_instances (sysctl)";
        match &self.0.kind {
            ErrorKind::MaxFilesWatch => formatter.write_str(LIMIT),
            ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                write!(formatter, "{error}: {INSTANCES}")
            }
            ErrorKind::Io(error) => error.fmt(formatter),
            _ => self.0.fmt(formatter),
        }
    }
}

/// Which directories are needed: none twice, since the kernel knows each by one name.
fn wanted(files: &[Watched]) -> BTreeMap<PathBuf, RecursiveMode> {
    let all: Vec<_> = files.iter().flat_map(Watched::directories).collect();
    let whole = all
        .iter()
        .filter(|(_, mode)| *mode == RecursiveMode::Recursive);
    let whole: BTreeSet<&Path> = whole.map(|(directory, _)| *directory).collect();
    let is_within = |directory: &Path| {
        let mut around = directory.ancestors().skip(1);
        around.any(|directory| whole.contains(directory))
    };
    let mut wanted = BTreeMap::new();
    for (directory, _) in all.iter().filter(|(directory, _)| !is_within(directory)) {
        let mode = match whole.contains(directory) {
            true => RecursiveMode::Recursive,
            false => RecursiveMode::NonRecursive,
        };
        wanted.insert(directory.to_path_buf(), mode);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn directory_is_watched_once_and_within_another_not_at_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("it is there");
        for name in ["www/css", "bin"] {
            fs::create_dir_all(root.join(name)).expect("a directory");
        }
        for name in ["www/css/a", "www/b", "bin/c"] {
            fs::write(root.join(name), "x").expect("a file");
        }
        let names = ["www/css/a", "www/b", "bin/c", "www", "www/css"];
        let files: Vec<_> = names
            .map(|name| Watched::new(root.join(name)))
            .into_iter()
            .collect();
        let expected = [
            (root.clone(), RecursiveMode::NonRecursive),
            (root.join("bin"), RecursiveMode::NonRecursive),
            (root.join("www"), RecursiveMode::Recursive),
        ];
        assert_eq!(wanted(&files), BTreeMap::from(expected));
    }
}
