//! Files that are read again, which only a regular file can be: [`open`], [`read`].
//!
//! A pipe gives what it has once, and keeps who opens it waiting until somebody writes (fifo(7)); a device may do
//! anything. So whatever is read again when it changes, or on SIGHUP, is read here.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

/// Opens a regular file for reading, whatever has come into its place meanwhile.
///
/// # Errors
/// As open(2) gives them, and for what is no regular file; that is not waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Before it is opened: opening alone may do something to a device.
    check(fs::metadata(path)?.file_type())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // Under a lease (fcntl(2), `F_SETLEASE`), which ends.
        Err(Errno::WOULDBLOCK) => File::open(path)?,
        Err(error) => return Err(error.into()),
    };
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads such a file.
///
/// # Errors
/// As [`open`] and read(2) give them, and for one of more bytes than the longest may have.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(io::Error::other(format!(
            "the file has more than {longest} bytes"
        ))),
        false => Ok(bytes),
    }
}

fn check(kind: FileType) -> io::Result<()> {
    let name = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::other(format!(
        "it is {name}, and it is read again when it changes: expected a regular file"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn pipe_device_and_directory_are_refused_and_not_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        for (path, name) in [
            (pipe.as_path(), "a pipe"),
            (directory.path(), "a directory"),
            (Path::new("/dev/null"), "a device"),
        ] {
            let error = read(path, 9).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains("regular"), "{error}");
        }
    }

    #[test]
    fn file_that_is_too_long_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "123").expect("a file");
        assert_eq!(read(&path, 3).expect("it fits"), b"123");
        assert!(read(&path, 2).is_err());
    }
}
