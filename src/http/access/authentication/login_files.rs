//! All files of passwords and tokens of a server: [`LoginFiles`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    login::{Login, Source},
    password_file::PasswordFile,
    token_file::TokenFile,
};

/// The files, each once however many routes have it.
#[derive(Debug, Clone, Default)]
pub struct LoginFiles {
    passwords: BTreeMap<PathBuf, Arc<PasswordFile>>,
    tokens: BTreeMap<PathBuf, Arc<TokenFile>>,
}

impl LoginFiles {
    /// A file of passwords, which is read the first time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn passwords(&mut self, path: &Path) -> Result<Arc<PasswordFile>, String> {
        if let Some(file) = self.passwords.get(path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(PasswordFile::open(path)?);
        self.passwords.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The same of tokens.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn tokens(&mut self, path: &Path) -> Result<Arc<TokenFile>, String> {
        if let Some(file) = self.tokens.get(path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(TokenFile::open(path)?);
        self.tokens.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.passwords.is_empty() && self.tokens.is_empty()
    }

    /// Whether there are passwords, and so cookies that stand for them.
    pub fn has_passwords(&self) -> bool {
        !self.passwords.is_empty()
    }

    /// Whether there are tokens, and so some in URLs.
    pub(in crate::http) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Reads what has changed: whether anything has, and what is wrong, a sentence each. It waits for a disk.
    pub(in crate::http) fn refresh(&self) -> (bool, Vec<String>) {
        let passwords = self.passwords.values().map(|file| file.refresh());
        let tokens = self.tokens.values().map(|file| file.refresh());
        let (mut has_changed, mut faults) = (false, Vec::new());
        for outcome in passwords.chain(tokens) {
            match outcome {
                Ok(changed) => has_changed |= changed,
                Err(fault) => faults.push(fault),
            }
        }
        (has_changed, faults)
    }

    /// Whether what has let a client in still would.
    pub(in crate::http) fn still_have(&self, login: &Login) -> bool {
        if login
            .expires
            .is_some_and(|expires| expires <= SystemTime::now())
        {
            return false;
        }
        match login.source {
            Source::Passwords => self.passwords.get(&login.path).is_some_and(|file| {
                let users = file.content();
                users
                    .find(&login.name)
                    .is_some_and(|user| user.digest == login.digest)
            }),
            Source::Tokens => self
                .tokens
                .get(&login.path)
                .is_some_and(|file| file.content().name_of(&login.digest) == Some(&login.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, time::Duration};

    #[test]
    fn login_is_over_when_its_cookie_expires_its_line_changes_or_its_file_is_another() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("users");
        let hash = "$2y$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        fs::write(&path, format!("alice:{hash}\n")).expect("a file");
        let mut files = LoginFiles::default();
        let file = files.passwords(&path).expect("users");
        let digest = file.content().find("alice").expect("a user").digest;
        let login = Login {
            source: Source::Passwords,
            path: path.clone(),
            name: "alice".to_owned(),
            digest,
            expires: None,
        };
        assert!(files.still_have(&login));
        let at = |expires| Login {
            expires: Some(expires),
            ..login.clone()
        };
        let minute = Duration::from_secs(60);
        assert!(files.still_have(&at(SystemTime::now() + minute)));
        assert!(!files.still_have(&at(SystemTime::now() - minute)));
        for other in [
            Login {
                digest: [0; 32],
                ..login.clone()
            },
            Login {
                name: "bob".to_owned(),
                ..login.clone()
            },
            Login {
                path: directory.path().join("others"),
                ..login.clone()
            },
            Login {
                source: Source::Tokens,
                ..login.clone()
            },
        ] {
            assert!(!files.still_have(&other), "{other:?}");
        }
    }
}
