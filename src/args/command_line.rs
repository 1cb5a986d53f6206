//! The words of a command line, read flag by flag before clap sees them: [`CommandLine`].
//!
//! Options end where COMMAND begins; Go's `-name` is `--name`, and its `--flag=true` is `--flag`. The flags of
//! a configuration file stand before those that were typed, so that the last, which wins, is the typed
//! one; clap then parses all of them together, once.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};

use super::{arguments::Args, program::ProgramArgs, relations};

/// The words of a command line.
#[derive(Debug, Clone)]
pub struct CommandLine {
    words: Vec<Word>,
    /// COMMAND and its arguments; empty without one.
    command: Vec<OsString>,
    /// Whether `--` stands before it.
    is_separated: bool,
}

/// A word before COMMAND, with its value.
#[derive(Debug, Clone)]
enum Word {
    Flag(Flag),
    /// A short option, or an unknown one: clap knows what to say.
    Other(OsString),
}

/// A flag as it was typed, or as a key of a file says it.
#[derive(Debug, Clone)]
pub struct Flag {
    name: String,
    value: Option<OsString>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Switch,
    Value,
    List,
    /// Perhaps with a value, which stands behind a `=`: what follows may be COMMAND.
    Optional,
}

impl CommandLine {
    /// Reads the words after the program's name.
    pub fn new(words: impl IntoIterator<Item = OsString>) -> Self {
        let command = Args::command();
        let mut words = words.into_iter();
        let mut read = Vec::new();
        let mut first = None;
        let mut is_separated = false;
        while let Some(word) = words.next() {
            if word == "--" {
                is_separated = true;
                break;
            }
            if word.len() < 2 || !word.as_bytes().starts_with(b"-") {
                first = Some(word);
                break;
            }
            read.push(match Flag::typed(&word, &command) {
                Some(flag) if flag.lacks_value() => Word::Flag(Flag {
                    value: words.next(),
                    ..flag
                }),
                Some(flag) => Word::Flag(flag),
                None => Word::Other(with_two_dashes(word)),
            });
        }
        CommandLine {
            words: read,
            command: first.into_iter().chain(words).collect(),
            is_separated,
        }
    }

    /// A typed COMMAND and its arguments, unless `--` before it says what is whose.
    pub fn unseparated_command(&self) -> Option<(&OsString, &[OsString])> {
        self.command.split_first().filter(|_| !self.is_separated)
    }

    /// A flag without the value that it may have, before words that could be that and a COMMAND: `--share tagged cat`.
    pub fn flag_before_its_value(&self) -> Option<(&str, &OsString)> {
        let (word, arguments) = self.unseparated_command()?;
        match self.words.last()? {
            Word::Flag(Flag {
                name,
                value: None,
                kind: Kind::Optional,
            }) if !arguments.is_empty() => Some((name, word)),
            _ => None,
        }
    }

    /// Whether a flag was typed.
    pub fn has(&self, name: &str) -> bool {
        self.flags().any(|flag| flag.name == name)
    }

    /// The flags that were typed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.flags().map(|flag| flag.name.as_str())
    }

    /// Whether what was typed takes the place of a key of the file altogether: a list is not added to,
    /// and of two that exclude each other the typed one is meant. Where there is one value, the typed one
    /// is read last and wins.
    pub fn replaces(&self, key: &str) -> bool {
        let is_list =
            |flag: &Flag| flag.name == key && matches!(flag.kind, Kind::List | Kind::Optional);
        self.flags().any(is_list)
            || conflicting_flag(key).is_some_and(|other| self.has(other))
            || key == "command" && !self.command.is_empty()
    }

    /// The file of `--config`. There is none to be read where the words alone say all that is to be done:
    /// help, the version, the license, a shell's completions, or that a word is wrong.
    pub fn config_file(&self) -> Option<&Path> {
        let says_all = |word: &Word| match word {
            Word::Flag(flag) => matches!(
                flag.name.as_str(),
                "help" | "version" | "license" | "completions"
            ),
            Word::Other(_) => true,
        };
        if self.words.iter().any(says_all) {
            return None;
        }
        let files = self.flags().filter(|flag| flag.name == "config");
        files.last()?.value.as_deref().map(Path::new)
    }

    /// Parses the words alone.
    ///
    /// # Errors
    /// clap's, ready to be printed: it names the flag, the value and the remedy. `--help` and `--version`
    /// are such errors too, with exit status 0.
    pub fn parse(&self) -> Result<Args, clap::Error> {
        self.parse_after(&[], &[])
    }

    /// Parses the words after those of a file; `command` is what is run if none was typed.
    ///
    /// # Errors
    /// As [`CommandLine::parse`].
    pub fn parse_after(&self, written: &[Flag], command: &[OsString]) -> Result<Args, clap::Error> {
        let typed = self.words.iter().cloned();
        let words = after(written, typed).collect::<Vec<_>>();
        let command = match &self.command[..] {
            [] => command,
            typed => typed,
        };
        Args::from_arg_matches(&relations::parse(clap_words(&words), command)?)
    }

    /// Parses what a route may have of its own: the flags of the file, and those of the words that hold for
    /// every program. `command` is the route's, never the typed one.
    ///
    /// # Errors
    /// As [`CommandLine::parse`].
    pub fn parse_route(
        &self,
        written: &[Flag],
        command: &[OsString],
    ) -> Result<ProgramArgs, clap::Error> {
        let names = ProgramArgs::names();
        let typed = self.flags().filter(|flag| names.contains(&flag.name));
        let words = after(written, typed.cloned().map(Word::Flag)).collect::<Vec<_>>();
        ProgramArgs::from_arg_matches(&relations::parse(clap_words(&words), command)?)
    }

    fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.words.iter().filter_map(|word| match word {
            Word::Flag(flag) => Some(flag),
            Word::Other(_) => None,
        })
    }
}

impl Args {
    /// Parses the words after the program's name.
    ///
    /// # Errors
    /// clap's, ready to be printed: it names the flag, the value and the remedy. `--help` and `--version`
    /// are such errors too, with exit status 0.
    pub fn parse_from_words(
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        CommandLine::new(words).parse()
    }
}

/// The flag that says the same thing otherwise.
pub fn conflicting_flag(key: &str) -> Option<&'static str> {
    match key {
        "binary" => Some("framing"),
        "framing" => Some("binary"),
        "target-ca" => Some("target-insecure"),
        "target-insecure" => Some("target-ca"),
        _ => None,
    }
}

/// What was typed, after what was written.
fn after(written: &[Flag], typed: impl Iterator<Item = Word>) -> impl Iterator<Item = Word> {
    written.iter().cloned().map(Word::Flag).chain(typed)
}

/// The words as clap reads them: a switch that is off is as if it were not there.
fn clap_words(words: &[Word]) -> Vec<OsString> {
    let mut read: Vec<OsString> = Vec::new();
    for word in words {
        match word {
            Word::Other(word) => read.push(word.clone()),
            Word::Flag(flag) => match (&flag.value, flag.is_on()) {
                (_, Some(false)) => read.retain(|earlier| *earlier != flag.word(None)),
                (_, Some(true)) => read.push(flag.word(None)),
                (value, None) => read.push(flag.word(value.as_deref())),
            },
        }
    }
    read
}

/// Gives an unknown `-name` its second dash, so that clap's message names the whole of it.
fn with_two_dashes(word: OsString) -> OsString {
    match word.as_bytes() {
        [b'-', first, _, ..] if *first != b'-' => {
            let mut spelt = OsString::from("-");
            spelt.push(&word);
            spelt
        }
        _ => word,
    }
}

impl Flag {
    /// A key of a file with one of its values, or without one where it may be.
    pub fn written(argument: &Arg, value: Option<&str>) -> Self {
        Flag {
            name: argument.get_long().unwrap_or_default().to_owned(),
            value: value.map(Into::into),
            kind: Kind::of(argument),
        }
    }

    /// Reads `-name`, `--name` and either with `=value`; `None` if there is no such option.
    fn typed(word: &OsStr, command: &Command) -> Option<Self> {
        let bytes = word.as_bytes();
        let text = bytes.strip_prefix(b"--").or(bytes.strip_prefix(b"-"))?;
        let mut halves = text.splitn(2, |byte| *byte == b'=');
        let name = std::str::from_utf8(halves.next()?).ok()?;
        let value = halves.next().map(|value| OsStr::from_bytes(value).into());
        let mut arguments = command.get_arguments();
        let argument = arguments.find(|argument| argument.get_long() == Some(name));
        let kind = match argument {
            Some(argument) => Kind::of(argument),
            None if matches!(name, "help" | "version") => Kind::Switch,
            None => return None,
        };
        Some(Flag {
            name: name.to_owned(),
            value,
            kind,
        })
    }

    fn lacks_value(&self) -> bool {
        matches!(self.kind, Kind::Value | Kind::List) && self.value.is_none()
    }

    /// What a switch is set to, in one of the forms that Go's flag package takes.
    fn is_on(&self) -> Option<bool> {
        match (self.kind, self.value.as_ref().map(|value| value.to_str())) {
            (Kind::Switch, None) => Some(true),
            (Kind::Switch, Some(Some("1" | "t" | "T" | "true" | "TRUE" | "True"))) => Some(true),
            (Kind::Switch, Some(Some("0" | "f" | "F" | "false" | "FALSE" | "False"))) => {
                Some(false)
            }
            _ => None,
        }
    }

    /// `--name=value`: joined, so that a value that begins with a dash is seen to be a value.
    fn word(&self, value: Option<&OsStr>) -> OsString {
        let mut word = OsString::from(format!("--{}", self.name));
        if let Some(value) = value {
            word.push("=");
            word.push(value);
        }
        word
    }
}

/// Whether the word behind a flag is its value, where no `=` is.
pub(super) fn takes_next_word(argument: &Arg) -> bool {
    matches!(Kind::of(argument), Kind::Value | Kind::List)
}

impl Kind {
    fn of(argument: &Arg) -> Self {
        let is_optional = argument
            .get_num_args()
            .is_some_and(|number| number.min_values() == 0);
        match argument.get_action() {
            action if action.takes_values() && is_optional => Kind::Optional,
            ArgAction::Append => Kind::List,
            action if action.takes_values() => Kind::Value,
            _ => Kind::Switch,
        }
    }
}
