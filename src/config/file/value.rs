//! From a TOML value to the words that one would type.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, CommandFactory, builder::ValueParser, error::ContextKind};
use toml::de::{DeInteger, DeValue};

use crate::args::Args;

/// Flags that make no sense in a file.
pub const TYPED_ONLY: [&str; 6] = [
    "config",
    "check-config",
    "doctor",
    "help",
    "license",
    "version",
];

/// What one would type for a key.
pub(super) fn words(key: &str, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    let command = Args::command();
    let argument = find(&command, key).ok_or_else(|| unknown(key))?;
    let words: Vec<OsString> = values(argument, value)?
        .into_iter()
        .map(|value| OsString::from(format!("--{key}={value}")))
        .collect();
    match Args::parse_from_words(words.clone()) {
        Ok(_) => Ok(words),
        Err(error) => Err(first_line(&error)),
    }
}

/// A key after `[[route]]` belongs to the route, which surprises who does not know TOML.
pub(super) fn not_of_a_route(key: &str) -> String {
    match find(&Args::command(), key) {
        Some(_) => "this is for the whole server, and stands before the first [[route]]".to_owned(),
        None => unknown(key),
    }
}

fn find<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    let is_named = |argument: &&Arg| argument.get_long() == Some(key);
    let known = command.get_arguments().find(is_named);
    known.filter(|_| !TYPED_ONLY.contains(&key))
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

pub(super) fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default();
    let line = line.trim_start_matches("error: ");
    match lines.next().map(str::trim) {
        Some(values) if values.starts_with('[') => format!("{line} {values}"),
        _ => line.to_owned(),
    }
}

/// The values of a key, of the type that its flag has.
fn values(argument: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    match value {
        DeValue::Boolean(on) if !argument.get_action().takes_values() => Ok(vec![on.to_string()]),
        _ if !argument.get_action().takes_values() => Err("true or false is wanted".to_owned()),
        DeValue::Integer(number) if is_number(argument) => Ok(vec![integer(number)?.to_string()]),
        _ if is_number(argument) => Err("a number is wanted".to_owned()),
        DeValue::Table(table) if is_list && is_table(argument) => table
            .iter()
            .map(|(name, value)| entry(name.get_ref(), value.get_ref()))
            .collect(),
        DeValue::String(text) => Ok(vec![text.to_string()]),
        // No word would be the default, which passes two.
        DeValue::Array(none) if none.is_empty() && argument.get_long() == Some("passenv") => {
            Ok(vec![String::new()])
        }
        DeValue::Array(items) if is_list => {
            items.iter().map(|item| string(item.get_ref())).collect()
        }
        _ if is_list => Err("a string or an array of strings is wanted".to_owned()),
        _ => Err("a string is wanted".to_owned()),
    }
}

/// Whether its values are `NAME=…`, which a table says better.
fn is_table(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.starts_with("NAME="))
}

fn entry(name: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        _ if name.contains('=') => Err(format!("the name '{name}' has a '=' in it")),
        DeValue::String(text) => Ok(format!("{name}={text}")),
        DeValue::Integer(number) => Ok(format!("{name}={}", integer(number)?)),
        _ => Err(format!("a string or a number is wanted for '{name}'")),
    }
}

fn integer(number: &DeInteger<'_>) -> Result<i128, String> {
    let digits = number.as_str().replace('_', "");
    i128::from_str_radix(&digits, number.radix()).map_err(|error| error.to_string())
}

fn is_number(argument: &Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    [
        ValueParser::from(clap::value_parser!(u16)),
        ValueParser::from(clap::builder::RangedU64ValueParser::<u8>::new()),
        ValueParser::from(clap::builder::RangedU64ValueParser::<u64>::new()),
        ValueParser::from(clap::builder::RangedU64ValueParser::<usize>::new()),
    ]
    .iter()
    .any(|number| number.type_id() == kind)
}

pub(super) fn string(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("a string is wanted".to_owned()),
    }
}

/// A command: a string, split as a shell would, or an array of words; at least one, and of what an
/// execve(2) takes.
pub(super) fn command(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let words: Vec<String> = match value {
        DeValue::String(text) => {
            shell_words::split(text).map_err(|_| "a quote is not closed".to_owned())?
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| string(item.get_ref()))
            .collect::<Result<_, _>>()?,
        _ => return Err("a string or an array of strings is wanted".to_owned()),
    };
    match words.iter().find(|word| word.contains('\0')) {
        _ if words.is_empty() => Err("the command is missing".to_owned()),
        Some(word) => Err(format!("a NUL byte in {word:?}")),
        None => Ok(words),
    }
}
