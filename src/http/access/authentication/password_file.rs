//! Users and their passwords, `NAME:HASH` lines: [`PasswordFile`].

use std::{collections::HashMap, fmt, sync::Arc};

use ring::digest::{SHA256, digest};

use super::{
    password_hash::PasswordHash,
    watched_file::{WatchedFile, checked_name, lines},
};

/// A file of users.
pub type PasswordFile = WatchedFile<Users>;

/// Users by name.
#[derive(Default)]
pub struct Users {
    by_name: HashMap<String, Arc<User>>,
    in_order: Vec<Arc<User>>,
}

/// A user.
pub(super) struct User {
    pub(super) hash: PasswordHash,
    /// Of the line, which a cookie and a session hold on to.
    pub(super) digest: [u8; 32],
}

impl fmt::Debug for Users {
    /// Without hashes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} users", self.in_order.len())
    }
}

impl TryFrom<&[u8]> for Users {
    type Error = String;

    fn try_from(bytes: &[u8]) -> Result<Self, String> {
        let mut users = Users::default();
        for (number, line) in lines(bytes) {
            let added = line.and_then(|line| users.add(line));
            added.map_err(|reason| format!("line {number}: {reason}"))?;
        }
        Ok(users)
    }
}

impl Users {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let (name, hash) = line.split_once(':').ok_or(
            "expected NAME:HASH, with a bcrypt ($2y$) or SHA-crypt ($5$, $6$) hash, as 'htpasswd -B' makes it",
        )?;
        let name = checked_name(name)?;
        let user = Arc::new(User {
            hash: hash.parse()?,
            digest: digest_of(name, hash),
        });
        self.in_order.push(Arc::clone(&user));
        match self.by_name.insert(name.to_owned(), user) {
            Some(_) => Err("the name stands further up already".to_owned()),
            None => Ok(()),
        }
    }

    /// The user of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<User>> {
        self.by_name.get(name)
    }

    /// The user whose hash stands for those of a name that there is not, so that an answer takes as long; always the same
    /// for a name. `chosen` is a number that nobody can tell from a name.
    pub(super) fn stand_in(&self, chosen: u64) -> Option<&Arc<User>> {
        let count = self.in_order.len() as u64;
        let index = chosen.checked_rem(count)?;
        self.in_order.get(index as usize)
    }
}

fn digest_of(name: &str, hash: &str) -> [u8; 32] {
    let line = format!("{name}:{hash}");
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, line.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn line_that_is_wrong_is_named_by_its_number_and_not_repeated() {
        for (text, number, word) in [
            (
                format!("# users\n\na:{HASH}\nb:hunter2\n"),
                4,
                "htpasswd -B",
            ),
            (format!("a:{HASH}\r\nb:{HASH}\r\na:{HASH}"), 3, "further up"),
            (format!(":{HASH}"), 1, "empty"),
            ("hunter2".to_owned(), 1, "NAME:HASH"),
            (format!("a\u{1}:{HASH}"), 1, "control"),
            (format!("#\n  a:{HASH}"), 2, "space"),
            (format!("a :{HASH}"), 1, "space"),
        ] {
            let error = Users::try_from(text.as_bytes()).expect_err("it is wrong");
            assert!(error.starts_with(&format!("line {number}: ")), "{error}");
            assert!(
                error.contains(word) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn file_of_windows_with_comments_is_read() {
        let text = format!("\u{feff}# users\r\n\r\na:{HASH}\r\nb c:{HASH}");
        let users = Users::try_from(text.as_bytes()).expect("users");
        assert!(users.find("a").is_some() && users.find("b c").is_some());
        assert!(users.find("b").is_none() && users.stand_in(7).is_some());
    }
}
