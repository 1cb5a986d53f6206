//! A route as it was given: a program, a directory of CGI scripts, a target, or rooms, at a path.

use std::path::PathBuf;

use super::{command, flag_error::FlagError};
use crate::{
    args::{Args, ProgramArgs},
    http::url_path::{BadPath, UrlPath},
};

/// What a route has in the place of a command.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Nothing: it has a command.
    Command,
    /// A directory of CGI scripts.
    Cgi(PathBuf),
    /// A socket, as it was written.
    Target(String),
    /// Targets by token: a file, or a directory of such.
    TargetMap(PathBuf),
    /// Rooms without a program.
    Rooms,
}

/// Whether a route asks who its clients are, where it or the server says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Entry {
    #[default]
    Checked,
    /// It is open: `no-auth`.
    Open,
}

/// A route, as it was given.
#[derive(Debug)]
pub struct Route {
    /// As it was given; see [`Route::path`].
    path: String,
    /// Its program, with its flags.
    pub(super) program: ProgramArgs,
    /// What it has in the place of a command.
    pub(super) place: Place,
    pub(super) entry: Entry,
    /// `PATH=COMMAND`, where it was typed.
    word: Option<String>,
}

/// A path as a mount has it.
///
/// # Errors
/// What no URL can lead to.
pub(super) fn mount_path(raw: &str) -> Result<String, BadPath> {
    let path = UrlPath::decode(raw)?;
    Ok(match path.as_str().trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

impl Route {
    /// The routes that were typed.
    ///
    /// # Errors
    /// A word that is not `PATH=COMMAND`.
    pub fn typed(args: &Args) -> Result<Vec<Self>, FlagError> {
        let route = |word: &String| {
            let invalid = |reason| FlagError::new("--route", word, reason);
            let (path, command) = word
                .split_once('=')
                .ok_or_else(|| invalid("expected PATH=COMMAND"))?;
            let words = command::split(command).map_err(invalid)?;
            Ok(Route {
                path: path.to_owned(),
                program: ProgramArgs {
                    command: words,
                    ..args.program.clone()
                },
                place: Place::Command,
                entry: Entry::Checked,
                word: Some(word.clone()),
            })
        };
        args.pages.route.iter().map(route).collect()
    }

    /// A route of a file.
    pub(super) fn written(path: &str, program: ProgramArgs, place: Place, entry: Entry) -> Self {
        Route {
            path: path.to_owned(),
            program,
            place,
            entry,
            word: None,
        }
    }

    /// Where it answers: begins with `/`, and does not end with one unless it is `/` itself.
    ///
    /// # Errors
    /// What no URL can lead to.
    pub(super) fn path(&self) -> Result<String, FlagError> {
        mount_path(&self.path).map_err(|reason| self.path_error(&reason.to_string()))
    }

    /// An error about its path.
    pub(super) fn path_error(&self, reason: &str) -> FlagError {
        match &self.word {
            Some(word) => FlagError::new("--route", word, reason),
            None => FlagError::new("path", &self.path, reason),
        }
    }

    /// An error about its command is one about the word that was typed.
    pub(super) fn with_word(&self, error: FlagError) -> FlagError {
        match &self.word {
            Some(word) if error.key() == "command" => FlagError::new("--route", word, error),
            _ => error,
        }
    }
}
