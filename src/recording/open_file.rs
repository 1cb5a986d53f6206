//! A recording that is being written: [`OpenFile`].

use std::{
    fs::File,
    io::{self, Write},
};

use memchr::memrchr;

/// The longest recording in bytes. Longer fills the disk with what one client sends, shorter loses the end of a long
/// evening at a terminal.
const LONGEST: u64 = 64 << 20;

/// Bytes that are gathered before they are written unasked. Fewer mean more system calls in a flood, more mean memory
/// for each session in one.
const WRITE_AT: usize = 64 * 1024;

/// Why a recording goes on no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// The disk is full, or gone.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is as long as one may be.
    #[error("it has {} MiB", LONGEST >> 20)]
    Full,
}

/// A file of whole lines.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    /// Bytes of the lines that are in it.
    written: u64,
    /// Lines that are not.
    buffer: Vec<u8>,
}

impl OpenFile {
    /// A file that is empty.
    pub(super) fn new(file: File) -> Self {
        OpenFile {
            file,
            written: 0,
            buffer: Vec::new(),
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When there is no room for it; what is in the file stays.
    pub(super) fn push(&mut self, line: &str) -> Result<(), RecordError> {
        let length = self.written + (self.buffer.len() + line.len()) as u64;
        if length > LONGEST {
            self.flush()?;
            return Err(RecordError::Full);
        }
        self.buffer.extend_from_slice(line.as_bytes());
        match self.buffer.len() >= WRITE_AT {
            true => Ok(self.flush()?),
            false => Ok(()),
        }
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// As write(2) gives them; whole lines stay, half of one is taken back.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let (length, outcome) = write_all(&mut self.file, &buffer);
        self.written += match &outcome {
            Ok(()) => length,
            Err(_) => memrchr(b'\n', &buffer[..length]).map_or(0, |end| end + 1),
        } as u64;
        outcome.inspect_err(|_| drop(self.file.set_len(self.written)))
    }

    /// Whether something was gathered.
    pub(super) fn is_dirty(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// How many bytes were written, and what became of the others.
fn write_all(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        match file.write(&bytes[done..]) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(length) => done += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn recording_ends_with_a_whole_line_where_it_is_as_long_as_it_may_be() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut open = OpenFile::new(file.reopen().expect("the same"));
        let line = format!("{}\n", "x".repeat((1 << 20) - 2));
        let end = (0..100)
            .find_map(|_| open.push(&line).err())
            .expect("an end");
        assert!(matches!(end, RecordError::Full), "{end}");
        assert_eq!(end.to_string(), "it has 64 MiB");
        let length = fs::metadata(file.path()).expect("a file").len();
        assert_eq!(
            (length, length % line.len() as u64),
            (64 * line.len() as u64, 0)
        );
        assert!(length <= LONGEST);
    }
}
