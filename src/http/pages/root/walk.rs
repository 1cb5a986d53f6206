//! From a directory to what lies beneath it, where the kernel does not go there in one step (openat2(2)): segment by
//! segment, with no way out either.
//!
//! # How it works
//! Each segment is looked for in the directory that was opened before it, and no link is left to the kernel: what a link
//! says is walked in its place. `..` of a link is the directory that the walk came through, which has stayed open, so
//! whoever moves directories meanwhile leads nowhere else.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags, openat, readlinkat},
    io::Errno,
};

/// Bytes of the longest path, with the NUL that would end it, as the kernel has it (PATH_MAX).
const LONGEST: usize = 4096;
/// Links on one way, as many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Opens a file beneath a directory; `directory` is how those on the way are opened.
///
/// # Errors
/// As openat2(2) gives them: `EXDEV` for a path or a link that leads out, `ELOOP` for too many links, `ENAMETOOLONG`.
pub(super) fn walk(
    root: &OwnedFd,
    path: &Path,
    flags: OFlags,
    directory: OFlags,
) -> rustix::io::Result<OwnedFd> {
    if path.as_os_str().len() >= LONGEST {
        return Err(Errno::NAMETOOLONG);
    }
    let directory = directory | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let open = |here: &OwnedFd, name: &OsStr, flags| openat(here, name, flags, Mode::empty());
    let mut here = open(root, OsStr::new("."), directory)?;
    // Those above it, up to the root.
    let mut above = Vec::new();
    let mut rest = VecDeque::new();
    prepend(&mut rest, path.as_os_str())?;
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == "." {
            continue;
        }
        if name == ".." {
            here = above.pop().ok_or(Errno::XDEV)?;
            continue;
        }
        match readlinkat(&here, &name, Vec::new()) {
            Ok(_) if links == MOST_LINKS => return Err(Errno::LOOP),
            Ok(target) => {
                links += 1;
                prepend(&mut rest, OsStr::from_bytes(target.to_bytes()))?;
            }
            // It is no link. One that is put there now is not followed.
            Err(Errno::INVAL) if rest.is_empty() => {
                return open(&here, &name, flags | OFlags::NOFOLLOW);
            }
            Err(Errno::INVAL) => {
                let next = open(&here, &name, directory)?;
                above.push(std::mem::replace(&mut here, next));
            }
            Err(error) => return Err(error),
        }
    }
    open(&here, OsStr::new("."), flags)
}

/// Puts the segments of a path before others.
///
/// # Errors
/// `EXDEV` for one that begins at the top of all directories.
fn prepend(rest: &mut VecDeque<OsString>, path: &OsStr) -> rustix::io::Result<()> {
    let bytes = path.as_bytes();
    if bytes.starts_with(b"/") {
        return Err(Errno::XDEV);
    }
    // What ends with a slash has to be a directory.
    if bytes.ends_with(b"/") {
        rest.push_front(".".into());
    }
    let segments = bytes.rsplit(|byte| *byte == b'/');
    for segment in segments.filter(|segment| !segment.is_empty()) {
        rest.push_front(OsStr::from_bytes(segment).to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File},
        io::Read,
        os::unix::fs::symlink,
    };

    /// What is read by a walk from `root` in a tree with these links.
    fn read(links: &[(&str, &str)], path: &str) -> Result<String, Errno> {
        let tree = tempfile::tempdir().expect("a directory");
        let root = tree.path().join("root");
        fs::create_dir_all(root.join("sub/deep")).expect("a directory");
        fs::write(tree.path().join("secret"), "secret").expect("a file");
        fs::write(root.join("a"), "a").expect("a file");
        fs::write(root.join("sub/deep/b"), "b").expect("a file");
        for (name, target) in links {
            symlink(target, root.join(name)).expect("a link");
        }
        let root: OwnedFd = File::open(root).expect("the root").into();
        let mut file = File::from(walk(
            &root,
            Path::new(path),
            OFlags::RDONLY | OFlags::CLOEXEC,
            OFlags::RDONLY,
        )?);
        let mut text = String::new();
        match file.metadata().expect("its kind").is_dir() {
            true => text.push_str("a directory"),
            false => drop(file.read_to_string(&mut text).expect("text")),
        }
        Ok(text)
    }

    #[test]
    fn links_are_followed_inside() {
        let links = [
            ("sub/up", "../a"),
            ("sub/deep/far", "../../sub/deep/../up"),
            ("dir", "sub//deep/"),
            ("here", "."),
        ];
        for (path, text) in [
            ("a", "a"),
            ("sub/deep/b", "b"),
            ("sub/up", "a"),
            ("sub/deep/far", "a"),
            ("dir/b", "b"),
            ("here/here/dir/far", "a"),
            (".", "a directory"),
            ("sub/", "a directory"),
            ("dir", "a directory"),
            ("here", "a directory"),
        ] {
            assert_eq!(read(&links, path).as_deref(), Ok(text), "{path}");
        }
    }

    #[test]
    fn nothing_leads_out() {
        let links = [
            ("out", "../secret"),
            ("absolute", "/etc/passwd"),
            ("sub/out", "../../root/a"),
            ("sub/deep/late", "../../a/../../secret"),
            ("by", "sub/out"),
        ];
        for path in ["out", "absolute", "sub/out", "by", "..", "../secret"] {
            assert_eq!(read(&links, path), Err(Errno::XDEV), "{path}");
        }
        assert_eq!(read(&links, "/etc/passwd"), Err(Errno::XDEV));
        assert_eq!(read(&links, "sub/deep/late"), Err(Errno::NOTDIR));
    }

    #[test]
    fn what_is_no_directory_and_what_goes_round_is_told() {
        let links = [("round", "round"), ("file", "a/"), ("lost", "nothing")];
        assert_eq!(read(&links, "round"), Err(Errno::LOOP));
        assert_eq!(read(&links, "file"), Err(Errno::NOTDIR));
        assert_eq!(read(&links, "a/"), Err(Errno::NOTDIR));
        assert_eq!(read(&links, "a/b"), Err(Errno::NOTDIR));
        assert_eq!(read(&links, "lost"), Err(Errno::NOENT));
        let long = "a/".repeat(LONGEST / 2);
        assert_eq!(read(&links, &long), Err(Errno::NAMETOOLONG));
        assert_eq!(read(&links, &long[2..]), Err(Errno::NOTDIR));
    }
}
