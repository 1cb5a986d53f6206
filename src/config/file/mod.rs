//! The configuration file: TOML whose keys are the flags of the command line.
//!
//! A key is turned into the words that one would type for it, and these are read before those that
//! were typed, so that what is typed wins. So there is one list of flags, one set of types and one
//! set of checks. A `[[route]]` table is read as if its program were the only one, after the keys of the
//! top. What the file adds is the place: `file:line: key: what is wrong`.

mod section;
mod value;

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, Error, Result, anyhow};
use toml::de::{DeTable, DeValue};

use super::route::Route;
use crate::args::{Args, Words};
pub use section::ROUTE_FLAGS;
pub(super) use section::Section;
pub use value::TYPED_ONLY;

/// A file, read and checked key by key.
#[derive(Debug)]
pub struct File {
    top: Section,
    routes: Vec<Section>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// `file: …` if it cannot be read, else as [`File::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file; its path is for errors.
    ///
    /// # Errors
    /// `file:line: …` where it is no TOML, `file:line: key: …` for a key that does not exist or a value
    /// that is none for it.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let source = Source { path, text };
        let mut table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            anyhow!("{}: {}", source.place(span), error.message())
        })?;
        let routes = match table.get_mut().remove_entry("route") {
            Some((name, routes)) => {
                let DeValue::Array(tables) = routes.get_ref() else {
                    return Err(source.error(name.span(), "route", "routes are [[route]] tables"));
                };
                let route = |table| Section::route(&source, name.span(), table);
                tables.iter().map(route).collect::<Result<_>>()?
            }
            None => Vec::new(),
        };
        Ok(File {
            top: Section::top(&source, table.get_ref())?,
            routes,
        })
    }

    /// The arguments of the file and of the command line together, and the routes; what is typed wins.
    ///
    /// # Errors
    /// Typed routes that are none; clap's, of which none is known, for both parts have been parsed on
    /// their own.
    pub fn merge(&self, typed: &Words) -> Result<(Args, Vec<Route>)> {
        let top = self.top.words(|key| !typed.replaces(key));
        let command = match typed.replaces("command") {
            true => Vec::new(),
            false => self.top.command(),
        };
        let args = typed
            .parse_behind(top, command)
            .map_err(|error| self.top.locate(anyhow!(value::first_line(&error))))?;
        let routes = match typed.replaces("route") {
            true => Route::typed(&args)?,
            false => {
                let route = |section| self.route(section, typed);
                self.routes.iter().map(route).collect::<Result<_>>()?
            }
        };
        Ok((args, routes))
    }

    /// The keys of the top hold for a route too, unless it has its own.
    fn route(&self, section: &Section, typed: &Words) -> Result<Route> {
        let mut section = section.clone();
        section.inherit(&self.top);
        let words = section.words(|key| !typed.replaces(key));
        let args = typed.parse_route(words, section.command());
        let args = args.map_err(|error| section.locate(anyhow!(value::first_line(&error))))?;
        Ok(Route::written(section, args))
    }

    /// Puts the place before an error about a flag that the file has, and that was not typed.
    pub fn locate(&self, typed: &Words, error: Error) -> Error {
        self.top.locate_unless(|key| typed.has(key), error)
    }
}

/// A file's text, for places in it.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// Lines are counted from 1.
    fn line(&self, span: Range<usize>) -> usize {
        let before = &self.text[..span.start.min(self.text.len())];
        before.matches('\n').count() + 1
    }

    fn place(&self, span: Range<usize>) -> String {
        format!("{}:{}", self.path.display(), self.line(span))
    }

    fn error(&self, span: Range<usize>, key: &str, reason: impl std::fmt::Display) -> Error {
        anyhow!("{}: {key}: {reason}", self.place(span))
    }
}
