//! A route as it was given: a program, or a directory of CGI scripts, at a path.

use std::path::PathBuf;

use super::flag_error::FlagError;
use crate::{
    args::{Args, ProgramArgs},
    http::UrlPath,
};

/// A route, as it was given.
#[derive(Debug)]
pub struct Route {
    /// As it was given; see [`Route::path`].
    path: String,
    /// Its program, with its flags.
    pub(super) program: ProgramArgs,
    /// Its directory of CGI scripts, if it is one.
    pub(super) cgi: Option<PathBuf>,
    /// `PATH=COMMAND`, where it was typed.
    word: Option<String>,
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
            let words =
                shell_words::split(command).map_err(|_| invalid("a quote is not closed"))?;
            if words.is_empty() {
                return Err(invalid("the command is missing"));
            }
            Ok(Route {
                path: path.to_owned(),
                program: ProgramArgs {
                    command: words.into_iter().map(Into::into).collect(),
                    ..args.program.clone()
                },
                cgi: None,
                word: Some(word.clone()),
            })
        };
        args.pages.route.iter().map(route).collect()
    }

    /// A route of a file.
    pub(super) fn written(path: &str, program: ProgramArgs, cgi: Option<PathBuf>) -> Self {
        Route {
            path: path.to_owned(),
            program,
            cgi,
            word: None,
        }
    }

    /// Where it answers: begins with `/`, and does not end with one unless it is `/` itself.
    ///
    /// # Errors
    /// What no URL can lead to.
    pub(super) fn path(&self) -> Result<String, FlagError> {
        let path = UrlPath::decode(&self.path);
        let path = path.map_err(|reason| self.path_error(&reason.to_string()))?;
        Ok(match path.as_str().trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        })
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
