//! Pipes, close-on-exec.

use std::{io, os::fd::OwnedFd};

/// A pipe: the end to read from, and the end to write to. std's, since pipe2(2) is not everywhere.
///
/// # Errors
/// When there are no descriptors.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}
