//! Files that are asked for again and again, kept open, with what is said of them: a tenth less of the gateway's processor
//! time for a file of 1 KiB to have it open, a fourteenth less for one of 64 KiB.
//!
//! # How it works
//! A file that is kept is looked at by its path each time (stat(2)). As long as device, inode, size and
//! times are those of the open file, opening it again would give the same file, and neither its opening nor its
//! closing has to be paid for. What is sent is always read anew. A change of any kind, to the file, its
//! permissions or what its name leads to, shows in the first look after it; then it is opened as any other.
//!
//! But stat(2) goes wherever links lead. A file that has moved out of the root with its directory, to where a
//! link in its place leads, looks the same. So no file is kept for long, however often it is asked for.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::fs::Stat;

use super::{
    content_type::MimeTypes,
    description::{self, Description},
    representation::Representation,
};
use crate::http::{
    pages::root::{Reach, Root, id},
    url_path::UrlPath,
};

/// Files kept at a time, a descriptor each.
const MAX_FILES: usize = 64;
/// How long a file is kept after it was opened. Shorter would open it too often to save anything; longer would
/// keep what has moved out of the root. What its path leads through is then most likely still in the
/// kernel's memory, so a look at it does not wait for the disk.
const CACHE_TIME: Duration = Duration::from_secs(1);
/// Longest file that is kept, in bytes: the time to send a larger one is not spent on its opening, and one that
/// was deleted takes its room on the disk until it is no longer open.
const MAX_LENGTH: u64 = 128 * 1024;

/// An open file, and what it was when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) file: Arc<File>,
    pub(super) metadata: Metadata,
    /// Found out when it is needed, and kept with the file.
    findings: Arc<Findings>,
}

/// What is known of an open file.
#[derive(Debug, Default)]
struct Findings {
    description: OnceLock<Description>,
    /// As it is sent to who takes it unpacked.
    plain: OnceLock<Arc<Representation>>,
}

impl Opened {
    /// With what the open file is at present.
    ///
    /// # Errors
    /// As fstat(2) gives them.
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Opened {
            metadata: file.metadata()?,
            file: Arc::new(file),
            findings: Arc::default(),
        })
    }

    /// What it is, found out once as long as it is kept open.
    ///
    /// # Errors
    /// `EAGAIN` if its first bytes are needed and out of reach.
    pub(super) fn describe(
        &self,
        path: &UrlPath,
        types: &MimeTypes,
        reach: Reach,
    ) -> io::Result<&Description> {
        let known = &self.findings.description;
        if let Some(description) = known.get() {
            return Ok(description);
        }
        let description = description::of(&self.file, self.metadata.len(), path, types, reach)?;
        Ok(known.get_or_init(|| description))
    }

    /// It as it is sent to who takes it unpacked, made once as long as it is kept open.
    pub(super) fn plain(&self, make: impl FnOnce() -> Representation) -> Arc<Representation> {
        let made = || Arc::new(make());
        Arc::clone(self.findings.plain.get_or_init(made))
    }
}

/// The open files beneath one root, by path.
#[derive(Debug, Default)]
pub(super) struct OpenFileCache(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    opened: Opened,
    since: Instant,
}

impl Entry {
    fn is_fresh(&self) -> bool {
        self.since.elapsed() < CACHE_TIME
    }
}

impl OpenFileCache {
    /// Opens what a URL names, or finds it open.
    ///
    /// # Errors
    /// As [`Root::open_beneath`].
    pub(super) fn open(&self, root: &Root, path: &UrlPath, reach: Reach) -> io::Result<Opened> {
        if let Some(opened) = self.find(root, path) {
            return Ok(opened);
        }
        let opened = Opened::new(root.open_beneath(path, reach)?)?;
        let metadata = &opened.metadata;
        // What took a disk is not in memory, where a look at it has to find it.
        if reach == Reach::Memory && metadata.is_file() && metadata.len() <= MAX_LENGTH {
            self.keep(path, &opened);
        }
        Ok(opened)
    }

    fn find(&self, root: &Root, path: &UrlPath) -> Option<Opened> {
        let opened = self.get(path)?;
        match root.look(path) {
            Ok(now) if is_same(&opened.metadata, &now) => Some(opened),
            _ => {
                self.0.lock().remove(path.as_str());
                None
            }
        }
    }

    /// What was opened at this path, if that was just now.
    fn get(&self, path: &UrlPath) -> Option<Opened> {
        let entries = self.0.lock();
        let entry = entries.get(path.as_str())?;
        entry.is_fresh().then(|| entry.opened.clone())
    }

    fn keep(&self, path: &UrlPath, opened: &Opened) {
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.is_fresh());
        if entries.len() < MAX_FILES {
            let (opened, since) = (opened.clone(), Instant::now());
            entries.insert(path.as_str().to_owned(), Entry { opened, since });
        }
    }
}

/// Whether a path leads to an open file in the state in which it was opened. The inode's number is no
/// other file's while it is open.
fn is_same(opened: &Metadata, now: &Stat) -> bool {
    let seen = (id(now), now.st_size as u64);
    let times = (now.st_mtime, now.st_mtime_nsec as i64);
    let changed = (now.st_ctime, now.st_ctime_nsec as i64);
    seen == ((opened.dev(), opened.ino()), opened.len())
        && times == (opened.mtime(), opened.mtime_nsec())
        && changed == (opened.ctime(), opened.ctime_nsec())
}

// Only Linux tells what is in memory, and nothing else is kept.
#[cfg(all(test, target_os = "linux", not(wsd_portable)))]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    struct Fixture {
        directory: tempfile::TempDir,
        root: Root,
        cache: OpenFileCache,
    }

    fn fixture() -> Fixture {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("a"), "one").expect("a file");
        let root = Root::open(directory.path()).expect("the root");
        let cache = OpenFileCache::default();
        Fixture {
            directory,
            root,
            cache,
        }
    }

    impl Fixture {
        fn open(&self) -> io::Result<Arc<File>> {
            let path = UrlPath::decode("/a").expect("a path");
            // What is not in memory is not kept; just written, it is.
            let opened = self.cache.open(&self.root, &path, Reach::Memory);
            opened.map(|opened| opened.file)
        }

        fn is_kept(&self) -> bool {
            let before = self.open().expect("it is there");
            Arc::ptr_eq(&before, &self.open().expect("it is there"))
        }
    }

    #[test]
    fn file_is_opened_once() {
        assert!(fixture().is_kept());
    }

    #[test]
    fn change_is_seen_at_once() {
        let fixture = fixture();
        let name = fixture.directory.path().join("a");
        let other = fixture.directory.path().join("other");
        fs::write(&other, "two").expect("a file");
        let rewrite = || fs::write(&name, "three");
        let replace = || fs::rename(&other, &name);
        let protect = || {
            let changed = || fs::metadata(&name).map(|now| (now.ctime(), now.ctime_nsec()));
            let before = changed()?;
            // The clock of a file system is coarse.
            while changed()? == before {
                fs::set_permissions(&name, Permissions::from_mode(0o600))?;
            }
            Ok(())
        };
        let changes: [&dyn Fn() -> io::Result<()>; 3] = [&rewrite, &replace, &protect];
        for change in changes {
            let before = fixture.open().expect("it is there");
            change().expect("changed");
            let after = fixture.open().expect("it is there");
            assert!(!Arc::ptr_eq(&before, &after));
        }
        fs::remove_file(&name).expect("gone");
        assert!(fixture.open().is_err());
    }

    #[test]
    fn file_that_moved_out_of_the_root_is_kept_no_longer_than_any_other() {
        let fixture = fixture();
        let (inside, outside) = (fixture.directory.path(), tempfile::tempdir());
        let outside = outside.expect("a directory");
        fs::create_dir(inside.join("in")).expect("a directory");
        fs::write(inside.join("in/a"), "one").expect("a file");
        let path = UrlPath::decode("/in/a").expect("a path");
        let open = || fixture.cache.open(&fixture.root, &path, Reach::Memory);
        open().expect("it is there");
        fs::rename(inside.join("in"), outside.path().join("in")).expect("one file system");
        symlink(outside.path().join("in"), inside.join("in")).expect("a link");
        for entry in fixture.cache.0.lock().values_mut() {
            entry.since = entry
                .since
                .checked_sub(CACHE_TIME)
                .expect("the machine has run for longer");
        }
        assert!(open().is_err());
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let fixture = fixture();
        for number in 0..2 * MAX_FILES {
            let name = format!("file-{number}");
            fs::write(fixture.directory.path().join(&name), "x").expect("a file");
            let path = UrlPath::decode(&format!("/{name}")).expect("a path");
            let opened = fixture.cache.open(&fixture.root, &path, Reach::Memory);
            opened.expect("it is there");
        }
        assert_eq!(fixture.cache.0.lock().len(), MAX_FILES);
    }
}
