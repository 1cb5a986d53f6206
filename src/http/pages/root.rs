//! A directory whose files are served or run: from a URL's path to a file beneath it, with no way out.
//!
//! A [`Root`] opens what a [`UrlPath`] names in one step that the kernel keeps beneath the root
//! (openat2(2); elsewhere by a `walk`), so that there is no gap between a check and an open for a symlink to change in. If the root's own path
//! names another directory than before, that is the root ([`Place`]).

mod location;
mod place;
mod walk;

use std::{
    fs::{self, File, Metadata},
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use rustix::{
    fs::{Access, AtFlags, OFlags, Stat, accessat, fstat, statat},
    io::Errno,
};
use tokio::task::spawn_blocking;

use location::location;
use place::Place;
pub use place::Relation;
pub(super) use place::id;
use walk::walk;

use crate::{
    backend::DirectoryEntry,
    http::url_path::{UrlPath, is_hidden},
};

/// Opens a file to look at it alone: a program need not be readable.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
const LOOK: OFlags = OFlags::PATH;
#[cfg(any(not(target_os = "linux"), wsd_portable))]
const LOOK: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK);

/// Opens a directory to change to it: it need not be readable.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
const DIRECTORY: OFlags = OFlags::PATH;
#[cfg(any(not(target_os = "linux"), wsd_portable))]
const DIRECTORY: OFlags = OFlags::RDONLY;

/// A program beneath a root, and how a URL's path is split at it (RFC 3875 §3.2 and §3.3).
#[derive(Debug, Clone)]
pub struct Script {
    /// The file, absolute.
    pub file: PathBuf,
    /// The part of the path that names it: `/env.sh` of `/env.sh/extra`.
    pub name: String,
    /// The rest: `/extra`, or empty.
    pub info: String,
    /// Where it was found, whatever becomes of the path.
    pub entry: DirectoryEntry,
}

impl Script {
    /// Whether its name has a segment that begins with a dot, as `.git/hooks/update` does.
    pub fn is_hidden(&self) -> bool {
        is_hidden(&self.name)
    }
}

/// How far opening and reading may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What the kernel has in memory: it never waits, so a worker of the runtime may do it. What is not
    /// there is `EAGAIN`, as is everything before Linux 5.12.
    Memory,
    /// The disk, which is for blocking threads.
    Disk,
}

/// A directory that files are opened beneath.
#[derive(Debug)]
pub struct Root {
    place: Arc<Place>,
    /// Directories whose files are not this root's.
    without: Vec<Arc<Place>>,
    /// Files that are not, absolute.
    without_files: Vec<PathBuf>,
}

impl Root {
    /// Opens the directory itself.
    ///
    /// # Errors
    /// As open(2) gives them; `ENOTDIR` for anything but a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Root {
            place: Arc::new(Place::open(path)?),
            without: Vec::new(),
            without_files: Vec::new(),
        })
    }

    /// Leaves out what lies beneath another root, whichever path or link leads there.
    pub fn leave_out(&mut self, other: &Root) {
        self.without.push(Arc::clone(&other.place));
    }

    /// Leaves out a file, if it lies beneath, whichever path or link leads there.
    pub fn leave_out_file(&mut self, file: &Path) {
        if let (true, Ok(absolute)) = (self.has_beneath(file), absolute(file)) {
            self.without_files.push(absolute);
        }
    }

    /// Whether a file lies beneath, whichever path or link leads there. Where that cannot be told, it does.
    pub fn has_beneath(&self, file: &Path) -> bool {
        let root = self.place.directory().ok();
        let real = root.and_then(|root| {
            let real = location(&root).or_else(|_| fs::canonicalize(self.path()));
            real.ok()
        });
        match (real, fs::canonicalize(file)) {
            (Some(root), Ok(file)) => file.starts_with(root),
            _ => true,
        }
    }

    /// How it lies to another root. Neither follows its path to where that would be different.
    pub fn relate(&self, other: &Root) -> Relation {
        self.place.relate(&other.place)
    }

    /// Where the directory is, absolute.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Looks at once which directory its path names, for who knows that it may have changed.
    pub fn look_at_place(&self) {
        self.place.look();
    }

    /// Whether a file, absolute, lies beneath by its name, and is not left out by it.
    pub fn may_have(&self, file: &Path) -> bool {
        let is_of_other = |other: &Arc<Place>| file.starts_with(other.path());
        file.starts_with(self.path())
            && !self.without.iter().any(is_of_other)
            && !self.without_files.iter().any(|other| other == file)
    }

    /// Opens what a URL names for reading. Symbolic links are followed as long as they stay beneath.
    ///
    /// # Errors
    /// As openat2(2) gives them: `ENOENT`, `ENOTDIR`; `EXDEV` for a link that leads out; `EAGAIN` for what
    /// is out of reach, or not ready: under a lease (fcntl(2), `F_SETLEASE`).
    pub fn open_beneath(&self, path: &UrlPath, reach: Reach) -> io::Result<File> {
        let relative = path.relative().ok_or(Errno::NOENT)?;
        // NONBLOCK: a FIFO without a writer must not hold the thread (open(2)).
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        self.open_with(relative, flags, reach)
    }

    /// What a URL names at present, wherever links lead to: to be compared with what was opened, and for
    /// nothing else.
    ///
    /// # Errors
    /// As stat(2) gives them.
    pub fn look(&self, path: &UrlPath) -> io::Result<Stat> {
        let relative = path.relative().ok_or(Errno::NOENT)?;
        Ok(statat(self.place.directory()?, relative, AtFlags::empty())?)
    }

    /// Looks at `name` in the directory that a URL names, without opening it for reading.
    ///
    /// # Errors
    /// As [`Root::open_beneath`].
    pub fn metadata_in(&self, path: &UrlPath, name: &str) -> io::Result<Metadata> {
        let relative = path.relative().ok_or(Errno::NOENT)?;
        self.open_with(&relative.join(name), LOOK | OFlags::CLOEXEC, Reach::Disk)?
            .metadata()
    }

    /// [`Root::find_script`] on the worker if all that it takes is in memory, else on a blocking thread; `None` if there
    /// is none.
    ///
    /// # Errors
    /// When that cannot be told, for want of descriptors or memory.
    pub(in crate::http) async fn search_script(
        self: &Arc<Self>,
        path: &UrlPath,
    ) -> io::Result<Option<Script>> {
        let found = match self.find_script(path, Reach::Memory) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let (root, path) = (Arc::clone(self), path.clone());
                let search = spawn_blocking(move || root.find_script(&path, Reach::Disk));
                search.await.map_err(io::Error::other)?
            }
            found => found,
        };
        match found {
            Err(error) if is_inconclusive(&error) => Err(error),
            found => Ok(found.ok()),
        }
    }

    /// Finds the program that a URL's path leads to: its first segments up to a file.
    ///
    /// # Errors
    /// `NotFound` if there is none, if the path is a directory's, or if the file cannot be executed;
    /// `EAGAIN` for what is out of reach.
    pub fn find_script(&self, path: &UrlPath, reach: Reach) -> io::Result<Script> {
        let text = path.as_str();
        let ends = text
            .match_indices('/')
            .map(|(end, _)| end)
            .skip(1)
            .chain([text.len()]);
        for end in ends {
            let (name, info) = text.split_at(end);
            // Empty segments are PATH_INFO's to have (RFC 3875 §4.1.5), and no file's.
            if name.contains("//") {
                break;
            }
            let relative = Path::new(&name[1..]);
            let opened = self.open_with(relative, LOOK | OFlags::CLOEXEC, reach)?;
            if opened.metadata()?.is_dir() {
                continue;
            }
            if !opened.metadata()?.is_file() {
                return Err(Errno::NOENT.into());
            }
            let entry = self.entry_of(relative, &opened, reach)?;
            let access = accessat(
                &entry.directory,
                &entry.name,
                Access::EXEC_OK,
                AtFlags::empty(),
            );
            if access.is_err() {
                return Err(Errno::NOENT.into());
            }
            return Ok(Script {
                file: self.path().join(relative),
                name: name.to_owned(),
                info: info.to_owned(),
                entry,
            });
        }
        Err(Errno::NOENT.into())
    }

    /// The directory beneath that has an open file as an entry of its own, which is no link.
    ///
    /// # Errors
    /// `ENOENT` for a file that is being moved; `EAGAIN` for what is out of reach.
    fn entry_of(&self, relative: &Path, file: &File, reach: Reach) -> io::Result<DirectoryEntry> {
        match self.entry(relative, file, reach) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A link leads there: beneath, for it was opened so.
                let (root, real) = (location(&self.place.directory()?)?, location(file)?);
                let real = real.strip_prefix(root).map_err(|_| Errno::NOENT)?;
                self.entry(real, file, reach)
            }
            found => found,
        }
    }

    /// The last segment of a path and its directory, if that segment is the open file itself.
    fn entry(&self, relative: &Path, file: &File, reach: Reach) -> io::Result<DirectoryEntry> {
        let name = relative.file_name().ok_or(Errno::NOENT)?;
        let directory = match relative.parent() {
            Some(parent) if parent != Path::new("") => {
                let flags = DIRECTORY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Arc::new(self.open_with(parent, flags, reach)?.into())
            }
            _ => self.place.directory()?,
        };
        let (found, expected) = (
            statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?,
            fstat(file)?,
        );
        if (found.st_dev, found.st_ino) != (expected.st_dev, expected.st_ino) {
            return Err(Errno::NOENT.into());
        }
        Ok(DirectoryEntry {
            directory,
            name: name.to_owned(),
        })
    }

    fn open_with(&self, relative: &Path, flags: OFlags, reach: Reach) -> io::Result<File> {
        let root = self.place.directory()?;
        let opened: File = match open_resolved(&root, relative, flags, reach) {
            // No openat2(2): a kernel before 5.6, or a sandbox that forbids it.
            Err(Errno::NOSYS | Errno::PERM) if reach == Reach::Disk => {
                walk(&root, relative, flags, DIRECTORY)?.into()
            }
            // Or no RESOLVE_CACHED.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) if reach == Reach::Memory => {
                return Err(Errno::AGAIN.into());
            }
            opened => opened?.into(),
        };
        let is_left_out = self.without.iter().any(|other| other.contains(&opened));
        match is_left_out || self.is_left_out_file(&opened) {
            true => Err(Errno::NOENT.into()),
            false => Ok(opened),
        }
    }

    /// Whether an open file is one of those that are left out, at present. Where that cannot be told, it is.
    fn is_left_out_file(&self, opened: &File) -> bool {
        if self.without_files.is_empty() {
            return false;
        }
        let Ok(opened) = location(opened) else {
            return true;
        };
        let is_it = |file: &PathBuf| fs::canonicalize(file).is_ok_and(|file| file == opened);
        self.without_files.iter().any(is_it)
    }
}

/// Whether an error of opening says nothing of what is there: there was too little of something, or a disk failed.
pub(in crate::http) fn is_inconclusive(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    // EAGAIN may have come without its number.
    error.kind() == io::ErrorKind::WouldBlock
        || matches!(
            errno,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO)
        )
}

/// How often a file is opened again at once that could not be opened for the moment.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
const RACES: usize = 16;

#[cfg(all(target_os = "linux", not(wsd_portable)))]
fn open_resolved(
    root: &OwnedFd,
    path: &Path,
    flags: OFlags,
    reach: Reach,
) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{Mode, ResolveFlags, openat2};
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if reach == Reach::Memory {
        resolve |= ResolveFlags::CACHED;
    }
    let mut tries = RACES;
    loop {
        match openat2(root, path, flags, Mode::empty(), resolve) {
            // A rename raced with the resolution of a `..` in a link; or somebody has a lease, which lasts.
            Err(Errno::AGAIN) if reach == Reach::Disk && tries > 0 => tries -= 1,
            Err(Errno::INTR) => {}
            opened => return opened,
        }
    }
}

#[cfg(any(not(target_os = "linux"), wsd_portable))]
fn open_resolved(_: &OwnedFd, _: &Path, _: OFlags, _: Reach) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, os::unix::fs::symlink};

    fn read(root: &Root, raw: &str) -> io::Result<String> {
        let path = UrlPath::decode(raw).expect(raw);
        let mut text = String::new();
        root.open_beneath(&path, Reach::Disk)?
            .read_to_string(&mut text)?;
        Ok(text)
    }

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(tree.path().join("root/sub")).expect("a directory");
        fs::write(tree.path().join("secret"), "secret").expect("a file");
        fs::write(tree.path().join("root/a"), "a").expect("a file");
        symlink("../secret", tree.path().join("root/out")).expect("a link");
        symlink("/etc/passwd", tree.path().join("root/absolute")).expect("a link");
        symlink("../a", tree.path().join("root/sub/in")).expect("a link");
        tree
    }

    #[test]
    fn links_are_followed_inside_and_not_out() {
        let tree = tree();
        let root = Root::open(&tree.path().join("root")).expect("the root");
        assert_eq!(read(&root, "/a").expect("a file"), "a");
        assert_eq!(read(&root, "/sub/in").expect("a link inside"), "a");
        for raw in ["/out", "/absolute", "//a", "/sub//in", "/a/", "/nothing"] {
            assert!(read(&root, raw).is_err(), "{raw}");
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", not(wsd_portable)))]
    fn what_was_just_opened_is_in_memory_and_stays_beneath() {
        let tree = tree();
        let root = Root::open(&tree.path().join("root")).expect("the root");
        for raw in ["/a", "/sub/in", "/out", "/absolute", "/nothing"] {
            let path = UrlPath::decode(raw).expect(raw);
            let on_disk = root.open_beneath(&path, Reach::Disk);
            match root.open_beneath(&path, Reach::Memory) {
                // Whatever the machine has dropped, or a kernel that is older.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                in_memory => assert_eq!(in_memory.is_ok(), on_disk.is_ok(), "{raw}"),
            }
        }
    }

    #[test]
    fn path_is_split_at_the_program() {
        use std::os::unix::fs::PermissionsExt;
        let tree = tree();
        let program = tree.path().join("root/sub/run.sh");
        fs::write(&program, "#!/bin/sh\n").expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its mode");
        let root = Root::open(&tree.path().join("root")).expect("the root");
        let find = |raw: &str| root.find_script(&UrlPath::decode(raw).expect(raw), Reach::Disk);
        for (raw, info) in [
            ("/sub/run.sh", ""),
            ("/sub/run.sh/", "/"),
            ("/sub/run.sh/a/b%20c", "/a/b c"),
            ("/sub/run.sh//a", "//a"),
            ("/sub/run.sh//", "//"),
        ] {
            let script = find(raw).expect(raw);
            assert_eq!(
                (script.name.as_str(), script.info.as_str()),
                ("/sub/run.sh", info),
                "{raw}"
            );
            assert_eq!(script.file, program);
        }
        // Directories, what is not executable, what is not there, what leads out.
        for raw in [
            "/",
            "/sub",
            "/sub/",
            "/a",
            "/nothing",
            "/out",
            "/absolute",
            "//sub/run.sh",
            "/sub//run.sh",
        ] {
            assert!(find(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn a_root_that_is_a_file_is_an_error() {
        let tree = tree();
        assert!(Root::open(&tree.path().join("secret")).is_err());
    }
}
