//! The keys of the file's top, or of one `[[route]]` table.

use std::{
    ffi::OsString,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Error, Result};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Source, value};
use crate::args::rival;

/// Flags that a `[[route]]` may have of its own.
pub const ROUTE_FLAGS: [&str; 25] = [
    "binary",
    "cgi-maxbody",
    "cgi-timeout",
    "closems",
    "env",
    "flush-after",
    "framing",
    "group",
    "header-ws",
    "idle-timeout",
    "limits",
    "max-lifetime",
    "maxforks",
    "maxframesize",
    "maxlinesize",
    "newline",
    "origin",
    "passenv",
    "passstderr",
    "pingms",
    "sameorigin",
    "subprotocol",
    "user",
    "workdir",
    "write-timeout",
];

/// Keys with their places.
#[derive(Debug, Clone)]
pub(in crate::config) struct Section {
    file: PathBuf,
    /// Where it begins.
    line: usize,
    /// `route.` for a route.
    prefix: &'static str,
    settings: Vec<Setting>,
    command: Option<Vec<OsString>>,
    /// What only a route has.
    path: String,
    cgi: Option<PathBuf>,
}

/// A key with its place and the words that say the same.
#[derive(Debug, Clone)]
struct Setting {
    line: usize,
    /// That of the section which it stands in.
    prefix: &'static str,
    key: String,
    words: Vec<OsString>,
}

/// An error that names its place already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Located(String);

impl Section {
    /// The keys of the top, but for `route`.
    pub(super) fn top(source: &Source<'_>, table: &DeTable<'_>) -> Result<Self> {
        let mut section = Section::empty(source, 0..0, "");
        for (name, value) in table {
            section.read(source, name, value)?;
        }
        Ok(section)
    }

    /// The keys of a route.
    pub(super) fn route(
        source: &Source<'_>,
        span: Range<usize>,
        table: &Spanned<DeValue<'_>>,
    ) -> Result<Self> {
        let DeValue::Table(keys) = table.get_ref() else {
            return Err(source.error(span, "route", "routes are [[route]] tables"));
        };
        let mut section = Section::empty(source, table.span(), "route.");
        for (name, value) in keys {
            section.read_for_route(source, name, value)?;
        }
        let whole = |reason| Err(source.error(table.span(), "route", reason));
        match (&section.command, &section.cgi) {
            _ if section.path.is_empty() => whole("'path' is missing"),
            (None, None) => whole("'command' is missing, or 'cgi' for a directory of CGI scripts"),
            (Some(_), Some(_)) => whole("'command' and 'cgi' exclude each other"),
            _ => Ok(section),
        }
    }

    fn empty(source: &Source<'_>, span: Range<usize>, prefix: &'static str) -> Self {
        Section {
            file: source.path.to_owned(),
            line: source.line(span),
            prefix,
            settings: Vec::new(),
            command: None,
            path: String::new(),
            cgi: None,
        }
    }

    fn read_for_route(
        &mut self,
        source: &Source<'_>,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        let key = name.get_ref().as_ref();
        let wrong = |reason| source.error(name.span(), &format!("route.{key}"), reason);
        let words = match key {
            "path" => {
                self.path = value::string(value.get_ref()).map_err(wrong)?;
                Vec::new()
            }
            "cgi" => {
                self.cgi = Some(value::string(value.get_ref()).map_err(wrong)?.into());
                Vec::new()
            }
            "command" => return self.read(source, name, value),
            key if ROUTE_FLAGS.contains(&key) => return self.read(source, name, value),
            key => return Err(wrong(value::not_of_a_route(key))),
        };
        self.add(source, name, words);
        Ok(())
    }

    fn read(
        &mut self,
        source: &Source<'_>,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        let key = name.get_ref().as_ref();
        let shown = format!("{}{key}", self.prefix);
        let wrong = |reason| source.error(name.span(), &shown, reason);
        let words = match key {
            "command" => {
                let words = value::command(value.get_ref()).map_err(wrong)?;
                self.command = Some(words.into_iter().map(OsString::from).collect());
                Vec::new()
            }
            key => value::words(key, value.get_ref()).map_err(wrong)?,
        };
        self.add(source, name, words);
        Ok(())
    }

    fn add(&mut self, source: &Source<'_>, name: &Spanned<impl AsRef<str>>, words: Vec<OsString>) {
        self.settings.push(Setting {
            line: source.line(name.span()),
            prefix: self.prefix,
            key: name.get_ref().as_ref().to_owned(),
            words,
        });
    }

    /// What one would type for the keys that are wanted.
    pub(super) fn words(&self, wanted: impl Fn(&str) -> bool) -> Vec<OsString> {
        let wanted = self.settings.iter().filter(|setting| wanted(&setting.key));
        wanted.flat_map(|setting| setting.words.clone()).collect()
    }

    /// The command, empty where there is none.
    pub(super) fn command(&self) -> Vec<OsString> {
        self.command.clone().unwrap_or_default()
    }

    /// Whether its keys take the place of one of the top.
    pub(super) fn replaces(&self, key: &str) -> bool {
        let has = |name: &str| self.settings.iter().any(|setting| setting.key == name);
        has(key) || rival(key).is_some_and(has)
    }

    /// Adds the keys of the top that it does not replace, with their places.
    pub(super) fn inherit(&mut self, top: &Section) {
        let holds = |setting: &&Setting| setting.key != "command" && !self.replaces(&setting.key);
        let inherited: Vec<Setting> = top.settings.iter().filter(holds).cloned().collect();
        self.settings.extend(inherited);
    }

    /// A route's path.
    pub(in crate::config) fn path(&self) -> &str {
        &self.path
    }

    /// A route's directory of CGI scripts.
    pub(in crate::config) fn cgi(&self) -> Option<&Path> {
        self.cgi.as_deref()
    }

    /// Puts the place of a key before what is wrong with it.
    pub(in crate::config) fn wrong(&self, key: &str, reason: &str) -> Error {
        let found = self.settings.iter().find(|setting| setting.key == key);
        let line = found.map_or(self.line, |setting| setting.line);
        let file = self.file.display();
        Located(format!("{file}:{line}: {}{key}: {reason}", self.prefix)).into()
    }

    /// Puts the place before an error about one of its keys, or about the route as a whole.
    pub(in crate::config) fn locate(&self, error: Error) -> Error {
        self.locate_unless(|_| false, error)
    }

    /// The same, but for keys whose value stands elsewhere.
    pub(super) fn locate_unless(&self, is_elsewhere: impl Fn(&str) -> bool, error: Error) -> Error {
        if error.is::<Located>() {
            return error;
        }
        let message = format!("{error:#}");
        let found = self
            .settings
            .iter()
            .find(|setting| is_about(&message, &setting.key) && !is_elsewhere(&setting.key));
        let file = self.file.display();
        match found {
            Some(Setting {
                line, prefix, key, ..
            }) => Located(format!("{file}:{line}: {prefix}{key}: {message}")).into(),
            None if self.prefix.is_empty() => error,
            None => Located(format!("{file}:{}: route: {message}", self.line)).into(),
        }
    }
}

/// Whether a message names a flag, or COMMAND.
fn is_about(message: &str, key: &str) -> bool {
    let flag = format!("--{key}");
    let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    let mut places = message.match_indices(&flag);
    places.any(|(start, _)| is_whole(&message[start + flag.len()..]))
        || key == "command" && message.starts_with("COMMAND")
}
