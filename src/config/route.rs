//! A program or a directory of CGI scripts at a path, typed or written.

use std::path::Path;

use anyhow::{Error, Result, anyhow};

use super::file::Section;
use crate::{args::Args, http::UrlPath};

/// A route, as it was given.
#[derive(Debug)]
pub struct Route {
    /// The arguments as if its program were the only one.
    pub(super) args: Args,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    /// The whole word `PATH=COMMAND`, and its path.
    Typed {
        word: String,
        path: String,
    },
    Written(Section),
}

impl Route {
    /// The routes that were typed.
    ///
    /// # Errors
    /// A word that is not `PATH=COMMAND`.
    pub fn typed(args: &Args) -> Result<Vec<Self>> {
        let route = |word: &String| {
            let invalid = |reason| anyhow!("invalid value '{word}' for '--route': {reason}");
            let (path, command) = word
                .split_once('=')
                .ok_or_else(|| invalid("PATH=COMMAND is wanted"))?;
            let words =
                shell_words::split(command).map_err(|_| invalid("a quote is not closed"))?;
            if words.is_empty() {
                return Err(invalid("the command is missing"));
            }
            let mut route_args = args.clone();
            route_args.program.command = words.into_iter().map(Into::into).collect();
            Ok(Route {
                args: route_args,
                origin: Origin::Typed {
                    word: word.clone(),
                    path: path.to_owned(),
                },
            })
        };
        args.pages.route.iter().map(route).collect()
    }

    pub(super) fn written(section: Section, args: Args) -> Self {
        Route {
            args,
            origin: Origin::Written(section),
        }
    }

    /// Where it answers: begins with `/`, and does not end with one unless it is `/` itself.
    ///
    /// # Errors
    /// What no URL can lead to.
    pub(super) fn path(&self) -> Result<String> {
        let path = match &self.origin {
            Origin::Typed { path, .. } => path,
            Origin::Written(section) => section.path(),
        };
        let path = UrlPath::decode(path).map_err(|reason| self.wrong_path(&reason.to_string()))?;
        Ok(match path.as_str().trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        })
    }

    /// An error about its path.
    pub(super) fn wrong_path(&self, reason: &str) -> Error {
        match &self.origin {
            Origin::Typed { word, .. } => anyhow!("invalid value '{word}' for '--route': {reason}"),
            Origin::Written(section) => section.wrong("path", reason),
        }
    }

    /// Its directory of CGI scripts, if it is one.
    pub(super) fn cgi(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Typed { .. } => None,
            Origin::Written(section) => section.cgi(),
        }
    }

    /// Puts the place before an error.
    pub(super) fn locate(&self, error: Error) -> Error {
        match &self.origin {
            Origin::Typed { word, .. } if error.to_string().starts_with("COMMAND") => {
                error.context(format!("invalid value '{word}' for '--route'"))
            }
            Origin::Typed { .. } => error,
            Origin::Written(section) => section.locate(error),
        }
    }
}
