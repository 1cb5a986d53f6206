//! The keys of the file's top, or of one `[[route]]` table, with their places.

use std::{ffi::OsString, ops::Range, path::PathBuf};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    super::{
        config_error::FileError,
        flag_error::FlagError,
        route::{Entry, Place},
    },
    keys::Keys,
    source::Source,
    value,
};
use crate::args::{Flag, SharingArgs, conflicting_flag};

/// Keys with their places.
#[derive(Debug, Clone)]
pub(super) struct Section {
    file: PathBuf,
    /// Where it begins.
    line: usize,
    /// `route.` for a route.
    prefix: &'static str,
    settings: Vec<Setting>,
    command: Option<Vec<OsString>>,
    /// What only a route has.
    path: String,
    place: Place,
    entry: Entry,
}

/// A key with its place, and its values as flags.
#[derive(Debug, Clone)]
struct Setting {
    line: usize,
    /// That of the section which it stands in.
    prefix: &'static str,
    key: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
struct Value {
    line: usize,
    text: String,
    flag: Flag,
}

impl Section {
    /// The keys of the top, but for `route`.
    pub(super) fn top(
        source: Source<'_>,
        keys: &Keys,
        table: &DeTable<'_>,
    ) -> Result<Self, FileError> {
        let mut section = Section::empty(source, 0..0, "");
        for (name, value) in table {
            section.read(source, keys, name, value)?;
        }
        Ok(section)
    }

    /// The keys of a route.
    pub(super) fn route(
        source: Source<'_>,
        keys: &Keys,
        span: Range<usize>,
        table: &Spanned<DeValue<'_>>,
    ) -> Result<Self, FileError> {
        let wrong = |span, reason| Err(source.error(span, Some("route"), reason));
        let DeValue::Table(entries) = table.get_ref() else {
            return wrong(span, "routes are [[route]] tables".to_owned());
        };
        let mut section = Section::empty(source, table.span(), "route.");
        for (name, value) in entries {
            section.read_for_route(source, keys, name, value)?;
        }
        let whole = |reason| wrong(table.span(), reason);
        match section.names_in_place()[..] {
            _ if section.path.is_empty() => whole("'path' is missing".to_owned()),
            [] => whole(
                "'command' is missing, or 'cgi' for a directory of CGI scripts, 'target' or 'target-map' for a socket, 'room = true' for rooms"
                    .to_owned(),
            ),
            [_] => {
                section.check_for_a_program(source, keys)?;
                section.check_entry(source)?;
                Ok(section)
            }
            [first, other, ..] => whole(format!("'{first}' and '{other}' exclude each other")),
        }
    }

    fn empty(source: Source<'_>, span: Range<usize>, prefix: &'static str) -> Self {
        Section {
            file: source.path.to_owned(),
            line: source.line(span),
            prefix,
            settings: Vec::new(),
            command: None,
            path: String::new(),
            place: Place::Command,
            entry: Entry::Checked,
        }
    }

    fn read_for_route(
        &mut self,
        source: Source<'_>,
        keys: &Keys,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), FileError> {
        let key = name.get_ref().as_ref();
        let shown = format!("route.{key}");
        let wrong = |reason| source.error(name.span(), Some(&shown), reason);
        match key {
            "path" => self.path = value::string(value.get_ref()).map_err(wrong)?,
            "cgi" => self.place = Place::Cgi(value::string(value.get_ref()).map_err(wrong)?.into()),
            "target" => self.place = Place::Target(value::string(value.get_ref()).map_err(wrong)?),
            "target-map" => {
                self.place =
                    Place::TargetMap(value::string(value.get_ref()).map_err(wrong)?.into());
            }
            "room" => match value.get_ref() {
                DeValue::Boolean(true) => self.place = Place::Rooms,
                _ => {
                    return Err(wrong(
                        "expected true: the rooms lie beneath the path".to_owned(),
                    ));
                }
            },
            "no-auth" => match value.get_ref() {
                DeValue::Boolean(true) => self.entry = Entry::Open,
                DeValue::Boolean(false) => self.entry = Entry::Checked,
                _ => return Err(wrong("expected true or false".to_owned())),
            },
            key if key == "command" || keys.is_of_routes(key) => {
                return self.read(source, keys, name, value);
            }
            key => return Err(wrong(keys.not_of_routes(key))),
        }
        self.add(source, name, Vec::new());
        Ok(())
    }

    fn read(
        &mut self,
        source: Source<'_>,
        keys: &Keys,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), FileError> {
        let key = name.get_ref().as_ref();
        let shown = format!("{}{key}", self.prefix);
        let wrong = |reason| source.error(name.span(), Some(&shown), reason);
        if key == "command" {
            let words = value::command(value.get_ref()).map_err(wrong)?;
            self.command = Some(words.into_iter().map(OsString::from).collect());
            self.add(source, name, Vec::new());
            return Ok(());
        }
        if key == "no-auth" {
            let reason =
                "this is for a [[route]]: where nobody is to be asked at the top, nothing says so";
            return Err(wrong(reason.to_owned()));
        }
        let argument = keys.find(key).ok_or_else(|| wrong(keys.unknown(key)))?;
        let values = value::values(argument, value).map_err(wrong)?;
        let values = values.into_iter().map(|(text, span)| Value {
            line: source.line(span),
            flag: Flag::written(argument, text.as_deref()),
            text: text.unwrap_or_default(),
        });
        self.add(source, name, values.collect());
        Ok(())
    }

    fn add(&mut self, source: Source<'_>, name: &Spanned<impl AsRef<str>>, values: Vec<Value>) {
        self.settings.push(Setting {
            line: source.line(name.span()),
            prefix: self.prefix,
            key: name.get_ref().as_ref().to_owned(),
            values,
        });
    }

    /// What one would type for its keys, but for those that `is_replaced`.
    pub(super) fn flags(&self, is_replaced: impl Fn(&str) -> bool) -> Vec<Flag> {
        let settings = self.settings.iter();
        let kept = settings.filter(|setting| !is_replaced(&setting.key));
        let values = kept.flat_map(|setting| &setting.values);
        values.map(|value| value.flag.clone()).collect()
    }

    /// The command, empty where there is none.
    pub(super) fn command(&self) -> &[OsString] {
        self.command.as_deref().unwrap_or_default()
    }

    /// Itself, and the keys of the top that it does not replace, with their places.
    pub(super) fn with_inherited(&self, top: &Section) -> Self {
        let has = |name: &str| self.settings.iter().any(|setting| setting.key == name);
        // What is about sharing is of no use to a route that does not share.
        let is_off = |setting: &Setting| setting.key == "share" && setting.values.is_empty();
        let is_own = self.settings.iter().any(is_off);
        let of_sharing = SharingArgs::names();
        let is_replaced = |key: &str| {
            matches!(key, "command" | "target" | "target-map" | "room")
                || has(key)
                || conflicting_flag(key).is_some_and(has)
                || is_own && of_sharing.iter().any(|name| name == key)
        };
        let mut section = self.clone();
        let inherited = top.settings.iter();
        let inherited = inherited.filter(|setting| !is_replaced(&setting.key));
        section.settings.extend(inherited.cloned());
        section
    }

    /// A route's path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What a route has in the place of a command.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether a route asks who its clients are.
    pub(super) fn entry(&self) -> Entry {
        self.entry
    }

    /// The keys of a route that say who answers, of which it has one.
    fn names_in_place(&self) -> Vec<&'static str> {
        let has = |name: &&str| self.settings.iter().any(|setting| setting.key == **name);
        let names = ["command", "cgi", "target", "target-map", "room"].into_iter();
        names.filter(has).collect()
    }

    /// Refuses keys of a route that are about a program, where it has none.
    fn check_for_a_program(&self, source: Source<'_>, keys: &Keys) -> Result<(), FileError> {
        let about = |has| format!("is about a program, and this route has {has}: leave it out");
        match self.place {
            Place::Command | Place::Cgi(_) => Ok(()),
            Place::Target(_) | Place::TargetMap(_) => {
                self.refuse(source, |key| !keys.suits_targets(key), &about("a target"))
            }
            Place::Rooms => self.refuse(source, |key| !keys.suits_rooms(key), &about("rooms")),
        }
    }

    /// Refuses a login of a route that is open: one of the two is not meant.
    fn check_entry(&self, source: Source<'_>) -> Result<(), FileError> {
        const LOGINS: [&str; 3] = ["auth-header", "basic-auth", "bearer-tokens"];
        let is_open = self.entry == Entry::Open;
        let is_wrong = |key: &str| is_open && LOGINS.contains(&key);
        let reason = "excludes no-auth = true: nobody is asked who comes to an open route";
        self.refuse(source, is_wrong, reason)
    }

    /// The error about the first key that is wrong.
    fn refuse(
        &self,
        source: Source<'_>,
        is_wrong: impl Fn(&str) -> bool,
        reason: &str,
    ) -> Result<(), FileError> {
        let mut settings = self.settings.iter();
        match settings.find(|setting| is_wrong(&setting.key)) {
            Some(setting) => Err(FileError {
                place: format!("{}:{}", source.path.display(), setting.line),
                key: Some(format!("{}{}", setting.prefix, setting.key)),
                reason: reason.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The error with the place of its value, or else of its key; `None` if what is wrong stands elsewhere: the
    /// key is not here, or was typed.
    pub(super) fn with_location(
        &self,
        error: &FlagError,
        is_typed: impl Fn(&str) -> bool,
    ) -> Option<FileError> {
        let mut settings = self.settings.iter();
        let setting = settings.find(|setting| setting.key == error.key())?;
        let mut values = setting.values.iter();
        let value = values.find(|value| error.value() == Some(&value.text));
        let line = match value {
            Some(value) => value.line,
            None if is_typed(error.key()) => return None,
            None => setting.line,
        };
        let key = format!("{}{}", setting.prefix, setting.key);
        Some(self.error_at(line, key, error))
    }

    /// The error with the place of the section as a whole.
    pub(super) fn with_own_location(&self, error: &FlagError) -> FileError {
        self.error_at(self.line, "route".to_owned(), error)
    }

    fn error_at(&self, line: usize, key: String, error: &FlagError) -> FileError {
        FileError {
            place: format!("{}:{line}", self.file.display()),
            key: Some(key),
            reason: error.to_string(),
        }
    }
}
