//! Bursts of changes of watched files: [`FileWatcher`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::pending,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{error, info};

use super::{
    directories::{Directories, Reason},
    events::{Events, Origin},
    own_output::OwnOutput,
    watched::Watched,
};

/// What a burst is over after its last change. Shorter would take a file for saved of which half is, longer has somebody
/// wait who has saved and looks.
const QUIET: Duration = Duration::from_millis(100);
/// The longest burst. Without it a log that is written without a pause would hide all other changes; shorter would cut
/// in two what a build writes.
const LONGEST: Duration = Duration::from_secs(5);
/// Between two looks for what the kernel does not tell. Longer has somebody wait, shorter wakes an idle machine.
const LOOK: Duration = Duration::from_secs(1);

/// Tells of changes of files, and of all beneath directories, that may not be there at times.
#[derive(Debug)]
pub struct FileWatcher {
    events: Events,
    directories: Directories,
    watched: Vec<Watched>,
    burst: Option<Burst>,
    looks: Interval,
    own_output: OwnOutput,
}

/// Changes that have not been told yet.
#[derive(Debug)]
struct Burst {
    begun: Instant,
    last: Instant,
    files: BTreeMap<PathBuf, Change>,
}

#[derive(Debug)]
struct Change {
    origin: Origin,
    /// What is watched, and has the file in it.
    of: PathBuf,
}

/// Why no files can be watched.
#[derive(Debug, thiserror::Error)]
#[error("files cannot be watched: {0}")]
pub struct WatchError(String);

impl FileWatcher {
    /// One that watches nothing yet. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system gives nothing to watch with: the user has too many (`fs.inotify.max_user_instances`).
    pub fn new() -> Result<Self, WatchError> {
        let events = Events::default();
        let noting = events.clone();
        let config = notify::Config::default().with_follow_symlinks(false);
        let kernel = notify::Watcher::new(move |event| noting.note(event), config);
        let kernel = kernel.map_err(|error| WatchError(Reason(&error).to_string()))?;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(FileWatcher {
            events,
            directories: Directories::new(kernel),
            watched: Vec::new(),
            burst: None,
            looks,
            own_output: OwnOutput::new(),
        })
    }

    /// Watches these, absolute paths, in the place of others. A directory that the kernel cannot watch is logged. What
    /// has changed and was not told yet will be.
    pub fn replace(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        self.watched = paths.into_iter().map(Watched::new).collect();
        self.directories.replace(&self.watched);
    }

    /// What has changed, once that is over: files by the names of what is watched; such a path itself if it is a file, is
    /// there again, or has changed as a whole. Of what is watched and not there nothing is told before it is back.
    ///
    /// Cancel safe: yes.
    pub async fn next(&mut self) -> BTreeSet<PathBuf> {
        loop {
            if self.watched.is_empty() {
                pending::<()>().await;
            }
            let due = self.burst.as_ref().map(Burst::due);
            tokio::select! {
                () = self.events.wait() => self.take_events(),
                () = until(due) => {
                    let changed = self.finish_burst();
                    if !changed.is_empty() {
                        return changed;
                    }
                }
                _ = self.looks.tick() => self.look(),
            }
        }
    }

    /// Counts what the kernel has told.
    fn take_events(&mut self) {
        let told = self.events.take();
        if told.is_over_limit {
            let error = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
            error!("changes go unnoticed: {}", Reason(&error));
        }
        if told.is_incomplete {
            let all: Vec<_> = self
                .watched
                .iter()
                .map(|watched| watched.path.clone())
                .collect();
            for path in all {
                self.note(path.clone(), path, Origin::Known);
            }
        }
        let mut has_moved = false;
        for (file, origin) in told.files {
            if self.own_output.is_at(&file) {
                continue;
            }
            has_moved |= self.directories.forget_beneath(&file);
            let found: Vec<_> = self.find(&file).collect();
            for (named, of) in found {
                // It has come back, and the kernel does not look at it yet.
                has_moved |= named == of && origin == Origin::New;
                self.note(named, of, origin);
            }
        }
        if has_moved {
            self.look();
        }
    }

    /// The names by which a file is watched, each with what is watched.
    fn find(&self, file: &Path) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let watched = self.watched.iter();
        watched.filter_map(|watched| Some((watched.find(file)?, watched.path.clone())))
    }

    fn note(&mut self, file: PathBuf, of: PathBuf, origin: Origin) {
        let now = Instant::now();
        let burst = self.burst.get_or_insert_with(|| Burst {
            begun: now,
            last: now,
            files: BTreeMap::new(),
        });
        burst.last = now;
        burst.files.entry(file).or_insert(Change { origin, of });
    }

    /// Looks for what is not told: another file, or none, at a path.
    fn look(&mut self) {
        let watched = self.watched.iter_mut();
        let changed = watched.filter_map(|watched| watched.look().then(|| watched.path.clone()));
        for path in changed.collect::<Vec<_>>() {
            self.note(path.clone(), path, Origin::Known);
        }
        self.directories.replace(&self.watched);
    }

    /// The burst, if nothing more has come; with it what is watched is as it is now.
    fn finish_burst(&mut self) -> BTreeSet<PathBuf> {
        self.take_events();
        let is_over = |burst: &mut Burst| burst.due() <= Instant::now();
        let Some(burst) = self.burst.take_if(is_over) else {
            return BTreeSet::new();
        };
        let touched: BTreeSet<&PathBuf> = burst.files.values().map(|change| &change.of).collect();
        for watched in &mut self.watched {
            if touched.contains(&watched.path) {
                watched.look();
            }
        }
        self.directories.replace(&self.watched);
        let gone: BTreeSet<&PathBuf> = touched.into_iter().filter(|of| !of.exists()).collect();
        for path in &gone {
            let path = path.display();
            info!("{path} is gone: it is watched for until it is back");
        }
        let is_to_be_told = |(file, change): &(&PathBuf, &Change)| {
            // What has come and gone meanwhile, an editor has needed.
            let is_passing = change.origin == Origin::New && fs::symlink_metadata(file).is_err();
            !is_passing && !gone.contains(&change.of)
        };
        let changed = burst.files.iter().filter(is_to_be_told);
        changed.map(|(file, _)| file.clone()).collect()
    }
}

impl Burst {
    /// When it is over, if nothing more comes.
    fn due(&self) -> Instant {
        (self.last + QUIET).min(self.begun + LONGEST)
    }
}

/// Waits until a moment; for ever without one. Cancel safe: yes.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;
    use tokio::time::timeout;

    /// What is never waited for when all is well.
    const PATIENCE: Duration = Duration::from_secs(30);

    struct Fixture {
        directory: TempDir,
        watcher: FileWatcher,
    }

    impl Fixture {
        /// Watches these of `a`, `b` and `dir/c`, which are there.
        fn watching(names: &[&str]) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let mut fixture = Fixture {
                directory,
                watcher: FileWatcher::new().expect("inotify"),
            };
            fs::create_dir(fixture.at("dir")).expect("a directory");
            for name in ["a", "b", "dir/c"] {
                fixture.write(name);
            }
            let paths: Vec<_> = names.iter().map(|name| fixture.at(name)).collect();
            fixture.watcher.replace(paths);
            fixture
        }

        fn at(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn write(&self, name: &str) {
            fs::write(self.at(name), "text").expect("a file");
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.at(from), self.at(to)).expect("one file system");
        }

        /// The names of what has changed.
        async fn next(&mut self) -> Vec<String> {
            let changed = timeout(PATIENCE, self.watcher.next()).await;
            let changed = changed.expect("something has changed").into_iter();
            let root = self.directory.path().to_owned();
            let relative = |file: PathBuf| {
                let relative = file.strip_prefix(&root).expect("beneath");
                relative.display().to_string()
            };
            changed.map(relative).collect()
        }
    }

    #[tokio::test]
    async fn burst_is_told_once_and_has_what_is_watched_alone() {
        let mut fixture = Fixture::watching(&["a", "dir"]);
        for _ in 0..10 {
            for name in ["a", "b", "dir/c", "dir/d"] {
                fixture.write(name);
            }
        }
        assert_eq!(fixture.next().await, ["a", "dir/c", "dir/d"]);
        let more = timeout(2 * QUIET, fixture.watcher.next()).await;
        assert!(more.is_err(), "{more:?}");
    }

    #[tokio::test]
    async fn file_may_be_put_in_the_place_of_another() {
        let mut fixture = Fixture::watching(&["a", "dir"]);
        // As vim does by default, and as most others do.
        fixture.write("4913");
        fs::remove_file(fixture.at("4913")).expect("it is there");
        fixture.rename("a", "a~");
        fixture.write("a");
        fs::remove_file(fixture.at("a~")).expect("it is there");
        fixture.write("dir/c.tmp1");
        fixture.rename("dir/c.tmp1", "dir/c");
        assert_eq!(fixture.next().await, ["a", "dir/c"]);
        fixture.write("a");
        assert_eq!(fixture.next().await, ["a"]);
    }

    #[tokio::test]
    async fn what_has_gone_is_told_of_when_it_is_back() {
        let mut fixture = Fixture::watching(&["a", "dir"]);
        fs::remove_file(fixture.at("a")).expect("it is there");
        fs::remove_dir_all(fixture.at("dir")).expect("it is there");
        let gone = timeout(2 * QUIET, fixture.watcher.next()).await;
        assert!(gone.is_err(), "{gone:?}");
        fixture.write("a");
        fs::create_dir(fixture.at("dir")).expect("a directory");
        assert_eq!(fixture.next().await, ["a", "dir"]);
        fs::create_dir(fixture.at("dir/new")).expect("a directory");
        assert_eq!(fixture.next().await, ["dir/new"]);
        fixture.write("dir/new/e");
        assert_eq!(fixture.next().await, ["dir/new/e"]);
    }

    #[tokio::test]
    async fn directory_around_it_may_be_another() {
        let mut fixture = Fixture::watching(&["dir/c"]);
        fixture.rename("dir", "old");
        fs::create_dir(fixture.at("new")).expect("a directory");
        fixture.write("new/c");
        fixture.rename("new", "dir");
        assert_eq!(fixture.next().await, ["dir/c"]);
        fixture.write("dir/c");
        assert_eq!(fixture.next().await, ["dir/c"]);
    }

    #[tokio::test]
    async fn what_was_not_told_yet_outlives_another_list() {
        let mut fixture = Fixture::watching(&["a"]);
        fixture.write("a");
        let waiting = timeout(QUIET / 2, fixture.watcher.next()).await;
        assert!(waiting.is_err(), "{waiting:?}");
        let paths = [fixture.at("a"), fixture.at("b")];
        fixture.watcher.replace(paths);
        assert_eq!(fixture.next().await, ["a"]);
    }
}
