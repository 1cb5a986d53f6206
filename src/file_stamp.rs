//! Whether a file is the one that it was: [`Stamp`]; and when one that changes is to be read: [`Changes`].

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// What tells one state of a file from another: device, inode, length, and when it was changed in any way
/// (stat(2), `st_ctim`), which copies cannot set back. `None` where there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    pub(crate) fn of(file: &Path) -> Self {
        let found = fs::metadata(file).ok();
        Stamp(found.map(|found| {
            let (device, inode, length) = (found.dev(), found.ino(), found.len());
            (device, inode, length, found.ctime(), found.ctime_nsec())
        }))
    }
}

/// Looks at which something has been different from the one before, behind which it is read all the same: who goes on
/// changing a file must not keep what it says from being in force. Fewer would read what is being written.
const RESTLESS: u32 = 3;

/// When what changes is to be read, by one look after another.
#[derive(Debug)]
pub(crate) struct Changes<S> {
    /// As it was at the last look.
    last: S,
    /// As it was when it was read, or could not be.
    tried: S,
    /// How often in a row it was another than at the look before.
    restless: u32,
}

/// In which state something that has changed is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has stood still for a look. It is not to be read again before it changes.
    Settled,
    /// It has not for a while: it may be half-written, and counts as read when [`Changes::set_read`] says so.
    Restless,
}

impl<S: PartialEq + Clone> Changes<S> {
    /// It was read in this state.
    pub(crate) fn new(read: S) -> Self {
        Changes {
            last: read.clone(),
            tried: read,
            restless: 0,
        }
    }

    /// It is in this state now: whether it is to be read.
    pub(crate) fn look(&mut self, now: &S) -> Option<Change> {
        let stands_still = *now == self.last;
        self.last.clone_from(now);
        self.restless = match stands_still {
            true => 0,
            false => self.restless + 1,
        };
        if *now == self.tried {
            return None;
        }
        if stands_still {
            self.tried.clone_from(now);
            return Some(Change::Settled);
        }
        (self.restless >= RESTLESS).then_some(Change::Restless)
    }

    /// It was read in this state.
    pub(crate) fn set_read(&mut self, state: S) {
        self.tried = state;
        self.restless = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_read_once() {
        let mut changes = Changes::new(0);
        let looks = [0, 1, 1, 1, 2, 1, 1].map(|state| changes.look(&state));
        let expected = [None, None, Some(Change::Settled), None, None, None, None];
        assert_eq!(looks, expected);
    }

    #[test]
    fn what_goes_on_changing_is_read_all_the_same() {
        let mut changes = Changes::new(0);
        assert_eq!([1, 2].map(|state| changes.look(&state)), [None, None]);
        // As long as it could not be.
        for state in [3, 4] {
            assert_eq!(changes.look(&state), Some(Change::Restless));
        }
        changes.set_read(4);
        assert_eq!([5, 6].map(|state| changes.look(&state)), [None, None]);
        assert_eq!(changes.look(&7), Some(Change::Restless));
        assert_eq!(changes.look(&7), Some(Change::Settled));
    }
}
