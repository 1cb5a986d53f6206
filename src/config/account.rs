//! Users and groups by name or number. As for chown(1), a name that is a number counts as a name first;
//! a number need not be anybody's.

use nix::{
    errno::Errno,
    unistd::{Gid, Group, Uid, User},
};

/// -1, by which chown(2) and setresuid(2) mean that nothing changes: nobody can have it.
const UNCHANGED: u32 = u32::MAX;

/// A user, and what the system knows of it.
pub(super) struct Account {
    pub(super) id: Uid,
    pub(super) entry: Option<User>,
}

/// The user that a word names.
///
/// # Errors
/// When there is none, or users cannot be looked up.
pub(super) fn user(word: &str) -> Result<Account, String> {
    let number = number(word)?.map(Uid::from_raw);
    let mut entry = User::from_name(word).map_err(unknown)?;
    if let (None, Some(id)) = (&entry, number) {
        entry = User::from_uid(id).map_err(unknown)?;
    }
    match entry.as_ref().map(|entry| entry.uid).or(number) {
        Some(id) => Ok(Account { id, entry }),
        None => Err(format!("there is no user '{word}'")),
    }
}

/// The group that a word names.
///
/// # Errors
/// As [`user`].
pub(super) fn group(word: &str) -> Result<Gid, String> {
    let found = Group::from_name(word).map_err(unknown)?;
    let number = number(word)?.map(Gid::from_raw);
    match found.map(|group| group.gid).or(number) {
        Some(id) => Ok(id),
        None => Err(format!("there is no group '{word}'")),
    }
}

/// The number that a word is, if it is one.
fn number(word: &str) -> Result<Option<u32>, String> {
    match word.parse() {
        Ok(UNCHANGED) => Err("no user or group can have this number".to_owned()),
        number => Ok(number.ok()),
    }
}

fn unknown(error: Errno) -> String {
    format!("it cannot be looked up: {error}")
}
