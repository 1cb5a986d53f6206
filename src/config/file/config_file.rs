//! A configuration file: [`File`].

use std::{io, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    super::{
        config_error::{ConfigError, FileError},
        flag_error::FlagError,
        route::Route,
        tilde,
    },
    keys::Keys,
    section::Section,
    source::Source,
};
use crate::{
    args::{Args, CommandLine},
    regular_file,
};

/// Bytes of the longest file that is read: hundreds of thousands of keys.
const LONGEST_FILE: u64 = 16 << 20;

/// A file, read and checked key by key.
#[derive(Debug)]
pub struct File {
    top: Section,
    /// With the keys of the top that hold for them.
    routes: Vec<Section>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// `file: …` if it cannot be read, else as [`File::parse`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = read(path).map_err(|error| FileError {
            place: path.display().to_string(),
            key: None,
            reason: match path.to_str().and_then(tilde::tip) {
                Some(tip) => format!("cannot be read: {error}\n\n  tip: {tip}"),
                None => format!("cannot be read: {error}"),
            },
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file; its path is for errors.
    ///
    /// # Errors
    /// `file:line: …` where it is no TOML, `file:line: key: …` for a key that does not exist or a value
    /// of another type than its flag has.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let source = Source { path, text };
        let keys = Keys::new();
        let mut table = DeTable::parse(text).map_err(|error| {
            source.error(error.span().unwrap_or_default(), None, error.message())
        })?;
        let routes = match table.get_mut().remove_entry("route") {
            Some((name, routes)) => {
                let DeValue::Array(tables) = routes.get_ref() else {
                    let reason = "routes are [[route]] tables";
                    return Err(source.error(name.span(), Some("route"), reason));
                };
                let route = |table| Section::route(source, &keys, name.span(), table);
                tables.iter().map(route).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        let top = Section::top(source, &keys, table.get_ref())?;
        let inherit = |route: Section| route.with_inherited(&top);
        Ok(File {
            routes: routes.into_iter().map(inherit).collect(),
            top,
        })
    }

    /// The arguments of the file and of the command line together, and the routes; what is typed wins.
    ///
    /// # Errors
    /// Values that are none for their flags, flags that exclude or require each other, typed routes that are
    /// none.
    pub fn merge(&self, typed: &CommandLine) -> Result<(Args, Vec<Route>), ConfigError> {
        let written = self.top.flags(|key| typed.replaces(key));
        let args = typed.parse_after(&written, self.top.command());
        let args = args.map_err(|error| {
            let place = |error| self.top.with_location(&error, |key| typed.has(key));
            match FlagError::of_clap(&error).and_then(place) {
                Some(error) => ConfigError::File(error),
                None => ConfigError::CommandLine(error),
            }
        })?;
        let routes = match typed.replaces("route") {
            true => Route::typed(&args)?,
            false => {
                let route = |section| self.route(section, typed);
                self.routes.iter().map(route).collect::<Result<_, _>>()?
            }
        };
        Ok((args, routes))
    }

    fn route(&self, section: &Section, typed: &CommandLine) -> Result<Route, ConfigError> {
        let written = section.flags(|key| typed.replaces(key));
        let program = typed.parse_route(&written, section.command());
        let program = program.map_err(|error| match FlagError::of_clap(&error) {
            Some(error) => locate_in_route(section, typed, error),
            None => ConfigError::CommandLine(error),
        })?;
        Ok(Route::written(
            section.path(),
            program,
            section.place().clone(),
            section.entry(),
        ))
    }

    /// Puts the place before an error about a flag that the file has, and that was not typed.
    pub fn with_location(&self, typed: &CommandLine, error: ConfigError) -> ConfigError {
        match error {
            ConfigError::Flag(error) => {
                let located = self.top.with_location(&error, |key| typed.has(key));
                located.map_or(error.into(), ConfigError::File)
            }
            ConfigError::Route(index, error) => match self.routes.get(index) {
                Some(section) if !typed.replaces("route") => locate_in_route(section, typed, error),
                _ => error.into(),
            },
            error => error,
        }
    }
}

/// The place of a route's key, or of the route as a whole where the key is missing.
fn locate_in_route(section: &Section, typed: &CommandLine, error: FlagError) -> ConfigError {
    match section.with_location(&error, |key| typed.has(key)) {
        Some(located) => located.into(),
        None if typed.has(error.key()) => error.into(),
        None => section.with_own_location(&error).into(),
    }
}

/// The text of a file, which SIGHUP has read again.
fn read(path: &Path) -> io::Result<String> {
    let bytes = regular_file::read(path, LONGEST_FILE)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}
