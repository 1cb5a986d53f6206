//! The groups that a user logs in with (getgrouplist(3)).
#![allow(
    unsafe_code,
    reason = "getgrouplist(3) has no safe form that macOS has too"
)]

use std::ffi::{CString, c_int};

use nix::unistd::{Gid, User};

/// Room at first. Most users are in fewer groups.
const ROOM: usize = 64;
/// Room at most: Linux' NGROUPS_MAX, beyond which no process has groups anywhere.
const MOST_ROOM: usize = 1 << 16;

/// All groups of a user, and `main` as the first of them; no more than a process can have here (sysconf(3),
/// `_SC_NGROUPS_MAX`: 16 on macOS), as a login has no more.
///
/// # Errors
/// When they cannot be looked up.
pub(super) fn memberships(user: &User, main: Gid) -> Result<Vec<Gid>, String> {
    let name = CString::new(user.name.as_str()).map_err(|_| "a NUL in the user's name")?;
    let mut groups: Vec<libc::gid_t> = vec![0; ROOM];
    let count = loop {
        let mut count = c_int::try_from(groups.len()).unwrap_or(c_int::MAX);
        // SAFETY: the name ends with NUL, and there is room for as many numbers as `count` says. macOS has them as
        // `int`, of the same size.
        let found = unsafe {
            let list = groups.as_mut_ptr().cast();
            libc::getgrouplist(name.as_ptr(), main.as_raw() as _, list, &raw mut count)
        };
        match usize::try_from(count) {
            Ok(count) if found >= 0 && count <= groups.len() => break count,
            _ if groups.len() < MOST_ROOM => groups.resize(2 * groups.len(), 0),
            _ => return Err("its groups cannot be looked up: there are too many".to_owned()),
        }
    };
    groups.truncate(count.min(most()));
    Ok(groups.into_iter().map(Gid::from_raw).collect())
}

/// How many a process can have beside its own.
fn most() -> usize {
    // SAFETY: a number, and a number as the answer; negative if there is none.
    let most = unsafe { libc::sysconf(libc::_SC_NGROUPS_MAX) };
    usize::try_from(most).unwrap_or(MOST_ROOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_group_comes_first_and_once() {
        let root = User::from_name("root").expect("users").expect("root");
        for main in [root.gid, Gid::from_raw(12345)] {
            let groups = memberships(&root, main).expect("its groups");
            assert_eq!(groups.first(), Some(&main));
            let same = groups.iter().filter(|group| **group == main);
            assert_eq!(same.count(), 1, "{groups:?}");
        }
    }
}
