//! The configuration file: TOML whose keys are the flags of the command line.
//!
//! A key is turned into the words that one would type for it, and these are read before those that
//! were typed, so that what is typed wins. So there is one list of flags, one set of types and one
//! set of checks. What the file adds is the place: `file:line: key: what is wrong`.

use std::{
    ffi::OsString,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Error, Result, anyhow};
use clap::{Arg, ArgAction, CommandFactory, builder::ValueParser, error::ContextKind};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::args::{Args, Words};

/// Flags that make no sense in a file.
const TYPED_ONLY: [&str; 5] = ["config", "check-config", "help", "license", "version"];

/// A file, read and checked key by key.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    settings: Vec<Setting>,
}

/// A key with its place and the words that say the same.
#[derive(Debug)]
struct Setting {
    line: usize,
    key: String,
    words: Vec<OsString>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// `file: …` if it cannot be read, `file:line: …` where it is no TOML, `file:line: key: …` for a key
    /// that does not exist or a value that is none for it.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = line_of(&text, error.span().unwrap_or_default());
            anyhow!("{shown}:{line}: {}", error.message())
        })?;
        let mut settings = Vec::new();
        for (name, value) in table.get_ref() {
            let key = name.get_ref().to_string();
            let line = line_of(&text, name.span());
            let words = match key.as_str() {
                "route" => routes(value.get_ref()),
                _ => words(&key, value.get_ref()),
            };
            let words = words.map_err(|reason| anyhow!("{shown}:{line}: {key}: {reason}"))?;
            settings.push(Setting { line, key, words });
        }
        Ok(File {
            path: path.to_owned(),
            settings,
        })
    }

    /// The arguments of the file and of the command line together; what is typed wins.
    ///
    /// # Errors
    /// clap's; both parts have been parsed on their own, so none is known.
    pub fn merge(&self, typed: &Words) -> Result<Args> {
        let is_used = |setting: &&Setting| !typed.replaces(&setting.key);
        let (command, flags): (Vec<&Setting>, Vec<&Setting>) = self
            .settings
            .iter()
            .filter(is_used)
            .partition(|setting| setting.key == "command");
        let words = |settings: Vec<&Setting>| {
            settings
                .into_iter()
                .flat_map(|setting| setting.words.clone())
                .collect()
        };
        let merged = typed.parse_behind(words(flags), words(command));
        merged.map_err(|error| anyhow!("{}: {}", self.path.display(), first_line(&error)))
    }

    /// Puts the place before an error about a flag that the file has.
    pub fn locate(&self, error: Error) -> Error {
        let message = format!("{error:#}");
        let names = |setting: &&Setting| {
            let flag = format!("'--{}'", setting.key);
            message.contains(&flag) || setting.key == "command" && message.starts_with("COMMAND")
        };
        match self.settings.iter().find(names) {
            Some(Setting { line, key, .. }) => {
                anyhow!("{}:{line}: {key}: {message}", self.path.display())
            }
            None => error,
        }
    }
}

/// Lines are counted from 1.
fn line_of(text: &str, span: Range<usize>) -> usize {
    text[..span.start.min(text.len())].matches('\n').count() + 1
}

/// What one would type for a key.
fn words(key: &str, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    if key == "command" {
        return Ok(command_words(value)?
            .into_iter()
            .map(OsString::from)
            .collect());
    }
    let command = Args::command();
    let argument = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(key) && !TYPED_ONLY.contains(&key))
        .ok_or_else(|| unknown(key))?;
    let words: Vec<OsString> = values(argument, value)?
        .into_iter()
        .map(|value| OsString::from(format!("--{key}={value}")))
        .collect();
    match Args::parse_from_words(words.clone()) {
        Ok(_) => Ok(words),
        Err(error) => Err(first_line(&error)),
    }
}

/// clap's own advice, where it has one.
fn unknown(key: &str) -> String {
    let error = Args::parse_from_words([OsString::from(format!("--{key}"))]).err();
    let advice = error.and_then(|error| {
        error
            .get(ContextKind::SuggestedArg)
            .map(ToString::to_string)
    });
    match advice {
        Some(flag) => format!(
            "there is no such key; did you mean '{}'?",
            flag.trim_start_matches('-')
        ),
        None => "there is no such key; keys are the flags of wsd without their dashes".to_owned(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// The values of a key, of the type that its flag has.
fn values(argument: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    match value {
        DeValue::Boolean(on) if !argument.get_action().takes_values() => Ok(vec![on.to_string()]),
        _ if !argument.get_action().takes_values() => Err("true or false is wanted".to_owned()),
        DeValue::Integer(number) if is_number(argument) => {
            let digits = number.as_str().replace('_', "");
            let parsed =
                i128::from_str_radix(&digits, number.radix()).map_err(|error| error.to_string())?;
            Ok(vec![parsed.to_string()])
        }
        _ if is_number(argument) => Err("a number is wanted".to_owned()),
        DeValue::String(text) => Ok(vec![text.to_string()]),
        DeValue::Array(items) if is_list => {
            items.iter().map(|item| string(item.get_ref())).collect()
        }
        _ if is_list => Err("a string or an array of strings is wanted".to_owned()),
        _ => Err("a string is wanted".to_owned()),
    }
}

fn is_number(argument: &Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    [
        ValueParser::from(clap::value_parser!(u16)),
        ValueParser::from(clap::builder::RangedU64ValueParser::<u64>::new()),
        ValueParser::from(clap::builder::RangedU64ValueParser::<usize>::new()),
    ]
    .iter()
    .any(|number| number.type_id() == kind)
}

fn string(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("a string is wanted".to_owned()),
    }
}

/// A command: a string, split as a shell would, or an array of words.
fn command_words(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::String(text) => {
            shell_words::split(text).map_err(|_| "a quote is not closed".to_owned())
        }
        DeValue::Array(items) => items.iter().map(|item| string(item.get_ref())).collect(),
        _ => Err("a string or an array of strings is wanted".to_owned()),
    }
}

/// `[[route]]` tables, as `--route` flags.
fn routes(value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    let DeValue::Array(tables) = value else {
        return Err("routes are [[route]] tables".to_owned());
    };
    tables.iter().map(|table| route(table.get_ref())).collect()
}

fn route(value: &DeValue<'_>) -> Result<OsString, String> {
    let DeValue::Table(table) = value else {
        return Err("routes are [[route]] tables".to_owned());
    };
    if let Some(other) = table
        .keys()
        .map(Spanned::get_ref)
        .find(|key| !matches!(key.as_ref(), "path" | "command"))
    {
        return Err(format!(
            "'{other}' is no key of a route; 'path' and 'command' are"
        ));
    }
    let key = |name: &str| {
        table
            .get(name)
            .map(Spanned::get_ref)
            .ok_or(format!("'{name}' is missing"))
    };
    let path = string(key("path")?).map_err(|reason| format!("path: {reason}"))?;
    let command = command_words(key("command")?).map_err(|reason| format!("command: {reason}"))?;
    Ok(OsString::from(format!(
        "--route={path}={}",
        shell_words::join(command)
    )))
}
