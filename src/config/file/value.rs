//! From a TOML value to the values of a flag, each with its place.

use std::ops::Range;

use clap::{Arg, ArgAction, builder::ValueParser};
use toml::{
    Spanned,
    de::{DeInteger, DeValue},
};

use crate::args::{milliseconds_or_never, seconds, seconds_or_always};

/// A value as one would type it, `None` for a flag that stands without one, and where it stands.
pub(super) type Value = (Option<String>, Range<usize>);

/// The values of a key, of the type that its flag has.
pub(super) fn values(argument: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<Value>, String> {
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    let takes_values = argument.get_action().takes_values();
    let one = |text: String| Ok(vec![(Some(text), value.span())]);
    match value.get_ref() {
        DeValue::Boolean(on) if !takes_values => one(on.to_string()),
        _ if !takes_values => Err("expected true or false".to_owned()),
        DeValue::Boolean(true) if is_switch_too(argument) => Ok(vec![(None, value.span())]),
        DeValue::Boolean(false) if is_switch_too(argument) => Ok(Vec::new()),
        DeValue::Integer(number) if is_number(argument) || may_be_port(argument) => {
            one(integer(number)?.to_string())
        }
        _ if is_number(argument) => Err("expected a number".to_owned()),
        DeValue::Integer(number) if is_duration(argument) => one(integer(number)?.to_string()),
        DeValue::Table(table) if is_list && is_table(argument) => table
            .iter()
            .map(|(name, value)| Ok((Some(entry(name.get_ref(), value.get_ref())?), name.span())))
            .collect(),
        DeValue::String(text) => one(text.to_string()),
        // No word would be the default, which passes two.
        DeValue::Array(none) if none.is_empty() && argument.get_long() == Some("passenv") => {
            one(String::new())
        }
        DeValue::Array(_) if is_command_or_url(argument) => one(joined(value.get_ref())?),
        DeValue::Array(items) if is_list && is_command(argument) => items
            .iter()
            .map(|item| Ok((Some(joined(item.get_ref())?), item.span())))
            .collect(),
        DeValue::Array(items) if is_list => items
            .iter()
            .map(|item| Ok((Some(string(item.get_ref())?), item.span())))
            .collect(),
        _ if is_list => Err("expected a string or an array of strings".to_owned()),
        _ if is_duration(argument) => {
            Err("expected a number, or a string with a unit such as \"10s\"".to_owned())
        }
        _ => Err("expected a string".to_owned()),
    }
}

/// Whether it may stand without a value.
fn is_switch_too(argument: &Arg) -> bool {
    let number = argument.get_num_args();
    number.is_some_and(|number| number.min_values() == 0)
}

/// Whether its value is a port, and more if it is a string.
fn may_be_port(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.starts_with("PORT["))
}

/// Whether its values are commands, each of which may be an array of words.
fn is_command(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().any(|name| *name == "COMMAND")
}

/// Whether its value is a command, which may be an array of words, or a URL.
fn is_command_or_url(argument: &Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().any(|name| *name == "COMMAND|URL")
}

/// A command as one would type it.
fn joined(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::Array(_) => Ok(shell_words::join(command(value)?)),
        _ => string(value)
            .map_err(|_| "expected commands, each a string or an array of words".to_owned()),
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
        _ => Err(format!("expected a string or a number for '{name}'")),
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

/// Whether it is a time, which may have a unit.
fn is_duration(argument: &Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    kind == ValueParser::from(seconds()).type_id()
        || kind == ValueParser::from(milliseconds_or_never()).type_id()
        || kind == ValueParser::from(seconds_or_always()).type_id()
}

pub(super) fn string(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("expected a string".to_owned()),
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
        _ => return Err("expected a string or an array of strings".to_owned()),
    };
    match words.iter().find(|word| word.contains('\0')) {
        _ if words.is_empty() => Err("the command is missing".to_owned()),
        Some(word) => Err(format!("a NUL byte in {word:?}")),
        None => Ok(words),
    }
}
