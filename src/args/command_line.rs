//! Words as they are typed, made into words as clap reads them.
//!
//! Options end where COMMAND begins; Go's `-name` is `--name`, and its `--flag=true` is `--flag`. The words of
//! a configuration file stand before those that were typed, so that the last, which wins, is the typed
//! one.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use clap::{Arg, ArgAction, Command, CommandFactory, parser::ValueSource};

use super::arguments::Args;

/// The words of a command line, to be read together with those of a configuration file.
#[derive(Debug, Clone)]
pub struct Words {
    typed: Vec<OsString>,
    /// Names of the flags that were typed.
    names: Vec<String>,
    /// Those of them that are lists.
    lists: Vec<String>,
    has_command: bool,
}

impl Words {
    /// Takes words that have been parsed already.
    ///
    /// # Errors
    /// As [`Args::parse_from_words`].
    pub fn new(typed: Vec<OsString>) -> Result<Self, clap::Error> {
        let command = Args::command();
        let words = [OsString::from("wsd")]
            .into_iter()
            .chain(normalise(typed.clone(), &command));
        let matches = command.clone().try_get_matches_from(words)?;
        let is_typed = |argument: &&Arg| {
            matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let is_list = |argument: &&Arg| matches!(argument.get_action(), ArgAction::Append);
        let name = |argument: &Arg| argument.get_long().map(str::to_owned);
        let given: Vec<&Arg> = command.get_arguments().filter(is_typed).collect();
        Ok(Words {
            typed,
            names: given.iter().copied().filter_map(name).collect(),
            lists: given
                .iter()
                .copied()
                .filter(is_list)
                .filter_map(name)
                .collect(),
            has_command: matches.get_raw("command").is_some(),
        })
    }

    /// Whether a flag was typed.
    pub fn has(&self, key: &str) -> bool {
        self.names.iter().any(|name| name == key)
    }

    /// Whether what was typed takes the place of a key of the file altogether: a list is not added to,
    /// and of two that exclude each other the typed one is meant. Where there is one value, the typed one
    /// is read last and wins.
    pub fn replaces(&self, key: &str) -> bool {
        let has = |names: &[String], name: &str| names.iter().any(|other| other == name);
        has(&self.lists, key)
            || rival(key).is_some_and(|rival| has(&self.names, rival))
            || key == "command" && self.has_command
    }

    /// The arguments of `flags` with the typed words behind them; `command` is what is run if none was
    /// typed.
    ///
    /// # Errors
    /// As [`Args::parse_from_words`].
    pub fn parse_behind(
        &self,
        flags: Vec<OsString>,
        command: Vec<OsString>,
    ) -> Result<Args, clap::Error> {
        let mut words = self.behind(flags);
        if !command.is_empty() {
            words.push("--".into());
            words.extend(command);
        }
        Args::parse_normalised(words)
    }

    /// The same for a route, whose command is never the typed one.
    ///
    /// # Errors
    /// As [`Args::parse_from_words`].
    pub fn parse_route(
        &self,
        flags: Vec<OsString>,
        command: Vec<OsString>,
    ) -> Result<Args, clap::Error> {
        let mut words = self.behind(flags);
        words.truncate(
            words
                .iter()
                .position(|word| word == "--")
                .unwrap_or(words.len()),
        );
        words.push("--".into());
        words.extend(command);
        Args::parse_normalised(words)
    }

    fn behind(&self, flags: Vec<OsString>) -> Vec<OsString> {
        let words = flags.into_iter().chain(self.typed.iter().cloned());
        normalise(words, &Args::command())
    }
}

/// The flag that says the same thing otherwise.
pub fn rival(key: &str) -> Option<&'static str> {
    match key {
        "binary" => Some("framing"),
        "framing" => Some("binary"),
        _ => None,
    }
}

/// Writes what was typed as clap reads it: Go's `-name` as `--name`, `--flag=true` as `--flag`, and `--`
/// before COMMAND.
pub(super) fn normalise(
    words: impl IntoIterator<Item = OsString>,
    command: &Command,
) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut normalised: Vec<OsString> = Vec::new();
    while let Some(word) = words.next() {
        if word == "--" {
            normalised.push(word);
            break;
        }
        if word.len() < 2 || !word.as_bytes().starts_with(b"-") {
            normalised.extend(["--".into(), word]);
            break;
        }
        let Some(typed) = Typed::find(&word, command) else {
            // A short option, or unknown: clap knows what to say.
            normalised.push(spelt_out(word));
            continue;
        };
        let name = OsString::from(format!("--{}", typed.name));
        match (typed.value, typed.takes_value) {
            (Some(value), true) => normalised.push(joined(name, value)),
            // Joined, so that a value that begins with a dash is seen to be a value.
            (None, true) => normalised.push(match words.next() {
                Some(value) => joined(name, &value),
                None => name,
            }),
            (None, false) => normalised.push(name),
            (Some(value), false) => match go_bool(value) {
                Some(true) => normalised.push(name),
                Some(false) => normalised.retain(|earlier| *earlier != name),
                None => normalised.push(joined(name, value)),
            },
        }
    }
    normalised.extend(words);
    normalised
}

/// Gives an unknown `-name` its second dash, so that clap's message names the whole of it.
fn spelt_out(word: OsString) -> OsString {
    match word.as_bytes() {
        [b'-', first, _, ..] if *first != b'-' => {
            let mut spelt = OsString::from("-");
            spelt.push(&word);
            spelt
        }
        _ => word,
    }
}

/// An option as it was typed.
struct Typed<'a> {
    name: &'a str,
    value: Option<&'a OsStr>,
    takes_value: bool,
}

impl<'a> Typed<'a> {
    /// Reads `-name`, `--name` and either with `=value`; `None` if there is no such option.
    fn find(word: &'a OsStr, command: &Command) -> Option<Self> {
        let bytes = word.as_bytes();
        let text = bytes.strip_prefix(b"--").or(bytes.strip_prefix(b"-"))?;
        let mut halves = text.splitn(2, |byte| *byte == b'=');
        let name = std::str::from_utf8(halves.next()?).ok()?;
        let value = halves.next().map(OsStr::from_bytes);
        let is_flag = matches!(name, "help" | "version");
        let argument = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some(name));
        (is_flag || argument.is_some()).then(|| Typed {
            name,
            value,
            takes_value: argument.is_some_and(|argument| argument.get_action().takes_values()),
        })
    }
}

fn joined(mut name: OsString, value: &OsStr) -> OsString {
    name.push("=");
    name.push(value);
    name
}

/// What Go's flag package takes for a boolean.
fn go_bool(value: &OsStr) -> Option<bool> {
    match value.to_str()? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
