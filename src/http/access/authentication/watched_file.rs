//! A file of secrets as it was read last, and read again when it has changed: [`WatchedFile`].
//!
//! # How it works
//! Whoever watches looks now and then (stat(2)). What has changed is read when it has stood still for one look: a file
//! that is being written has lost users for a moment, whose sessions must not end. One that goes on changing is read
//! all the same, as long as it has whole lines. One that is broken, or has gone, is told of once, and what was read
//! before stays.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    file_stamp::{Change, Changes, Stamp},
    regular_file,
};

/// Bytes of the longest file that is read: a hundred thousand users. A longer one is hardly one.
const LONGEST_FILE: u64 = 16 << 20;

/// What a file says, as its lines are read by `Content::try_from`.
#[derive(Debug)]
pub struct WatchedFile<Content> {
    path: PathBuf,
    changes: Mutex<Changes<Stamp>>,
    content: Mutex<Arc<Content>>,
}

impl<Content> WatchedFile<Content>
where
    Content: for<'a> TryFrom<&'a [u8], Error = String>,
{
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is broken: what is wrong with which line.
    pub fn open(path: &Path) -> Result<Self, String> {
        let stamp = Stamp::of(path);
        let content = Content::try_from(&read(path)?)?;
        Ok(WatchedFile {
            path: path.to_owned(),
            changes: Mutex::new(Changes::new(stamp)),
            content: Mutex::new(Arc::new(content)),
        })
    }

    /// Looks whether it has changed, and reads it then: whether that changed something.
    ///
    /// # Errors
    /// What is wrong with it, once.
    pub(super) fn refresh(&self) -> Result<bool, String> {
        let now = Stamp::of(&self.path);
        let change = self.changes.lock().look(&now);
        let content = match change {
            None => return Ok(false),
            Some(Change::Settled) => self.read().map_err(|reason| {
                format!(
                    "{}: {reason}; what it said before stays",
                    self.path.display()
                )
            })?,
            Some(Change::Restless) => match self.read_whole_lines() {
                Some(content) => {
                    self.changes.lock().set_read(now);
                    content
                }
                None => return Ok(false),
            },
        };
        *self.content.lock() = Arc::new(content);
        Ok(true)
    }

    fn read(&self) -> Result<Content, String> {
        Content::try_from(&read(&self.path)?)
    }

    /// What it says, if it is not in the middle of being written, as far as that can be seen: what is wrong with it is
    /// told when it stands still.
    fn read_whole_lines(&self) -> Option<Content> {
        let bytes = read(&self.path).ok()?;
        let is_whole = bytes.ends_with(b"\n");
        is_whole.then(|| Content::try_from(&bytes).ok())?
    }
}

impl<Content> WatchedFile<Content> {
    /// What it said when it was read last.
    pub(super) fn content(&self) -> Arc<Content> {
        Arc::clone(&self.content.lock())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    regular_file::read(path, LONGEST_FILE).map_err(|error| format!("cannot be read: {error}"))
}

/// The lines of a file that say something, each with its number: not those that are empty or begin with `#`.
///
/// # Errors
/// The number of a line that is not UTF-8.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<&str, String>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines.filter_map(|(index, line)| {
        let line = line.trim_ascii_end();
        let says_nothing = line.trim_ascii_start().is_empty() || line.trim_ascii_start()[0] == b'#';
        let text = str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned());
        (!says_nothing).then_some((index + 1, text))
    })
}

/// A name, as a line may begin with one.
///
/// # Errors
/// What is wrong with it.
pub(super) fn checked_name(name: &str) -> Result<&str, String> {
    match name {
        "" => Err("the name is empty".to_owned()),
        name if name.contains(char::is_control) => {
            Err("the name has a control character".to_owned())
        }
        name if name.trim() != name => {
            Err("the name begins or ends with a space: leave that out".to_owned())
        }
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Text(String);

    impl TryFrom<&[u8]> for Text {
        type Error = String;

        fn try_from(bytes: &[u8]) -> Result<Self, String> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            match text.contains("broken") {
                true => Err("line 1: broken".to_owned()),
                false => Ok(Text(text)),
            }
        }
    }

    #[test]
    fn change_is_read_when_it_has_stood_still_for_a_look() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "one").expect("a file");
        let file: WatchedFile<Text> = WatchedFile::open(&path).expect("it is there");
        assert_eq!(file.refresh(), Ok(false));
        fs::write(&path, "two, longer").expect("a file");
        assert_eq!(file.refresh(), Ok(false));
        assert_eq!(file.content().0, "one");
        assert_eq!(file.refresh(), Ok(true));
        assert_eq!(file.content().0, "two, longer");
    }

    #[test]
    fn file_that_goes_on_changing_is_read_when_it_has_whole_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "one\n").expect("a file");
        let file: WatchedFile<Text> = WatchedFile::open(&path).expect("it is there");
        let look = |text: &str| {
            fs::write(&path, text).expect("a file");
            assert!(file.refresh().is_ok(), "{text}");
            file.content().0.clone()
        };
        for text in ["two!\n", "three!\n", "", "half a li", "broken line\n"] {
            assert_eq!(look(text), "one\n", "{text}");
        }
        assert_eq!(look("a whole line\n"), "a whole line\n");
    }

    #[test]
    fn pipe_in_the_place_of_a_file_keeps_what_was_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "one").expect("a file");
        let file: WatchedFile<Text> = WatchedFile::open(&path).expect("it is there");
        fs::remove_file(&path).expect("it is there");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo").success());
        let looks = [file.refresh(), file.refresh(), file.refresh()];
        let faults = looks.iter().filter_map(|look| look.as_ref().err());
        let faults: Vec<&String> = faults.collect();
        assert!(
            faults.len() == 1 && faults[0].contains("a pipe"),
            "{looks:?}"
        );
        assert_eq!(file.content().0, "one");
    }

    #[test]
    fn broken_file_and_none_keep_what_was_read_and_are_told_of_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "one").expect("a file");
        let file: WatchedFile<Text> = WatchedFile::open(&path).expect("it is there");
        fs::write(&path, "broken").expect("a file");
        let looks: Vec<_> = (0..4).map(|_| file.refresh()).collect();
        assert!(
            looks[1]
                .as_ref()
                .is_err_and(|error| error.contains("line 1: broken"))
        );
        assert_eq!(
            (&looks[0], &looks[2], &looks[3]),
            (&Ok(false), &Ok(false), &Ok(false))
        );
        fs::remove_file(&path).expect("it is there");
        let looks: Vec<_> = (0..4).map(|_| file.refresh()).collect();
        assert_eq!(looks.iter().filter(|look| look.is_err()).count(), 1);
        assert_eq!(file.content().0, "one");
    }

    #[test]
    fn lines_are_numbered_and_comments_left_out() {
        let text = b"\xef\xbb\xbfone\r\n# two\n\n  # four\nfive  \n\xff";
        let found: Vec<_> = lines(text).collect();
        assert_eq!(found[..2], [(1, Ok("one")), (5, Ok("five"))]);
        assert!(found[2].0 == 6 && found[2].1.is_err());
    }
}
