//! What is wrong with a flag: [`FlagError`], which every check of a configuration returns.

use std::{error::Error, fmt::Display};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::tilde;
use crate::masked::mask_secrets;

/// A flag, its value where that is what is wrong, and the reason with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentence(flag, value.as_deref(), reason))]
pub struct FlagError {
    flag: String,
    value: Option<String>,
    reason: String,
}

impl FlagError {
    /// A value that is wrong for its flag (`--flag`, or a key that is no flag).
    pub fn new(flag: &str, value: impl Display, reason: impl Display) -> Self {
        FlagError {
            flag: flag.to_owned(),
            value: Some(value.to_string()),
            reason: reason.to_string(),
        }
    }

    /// A flag that is wrong whatever its value is, or COMMAND; the reason makes a sentence behind it.
    pub fn about(flag: &str, reason: impl Display) -> Self {
        FlagError {
            flag: flag.to_owned(),
            value: None,
            reason: reason.to_string(),
        }
    }

    /// The same with one more sentence that helps.
    pub(super) fn with_tip(self, tip: &str) -> Self {
        let separator = match self.reason.contains("\n\n") {
            true => "\n",
            false => "\n\n",
        };
        let reason = format!("{}{separator}  tip: {tip}", self.reason);
        FlagError { reason, ..self }
    }

    /// What clap finds wrong with a flag.
    pub(super) fn of_clap(error: &clap::Error) -> Option<Self> {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let flag = text(ContextKind::InvalidArg)?
            .split([' ', '=', '['])
            .next()?;
        if let Some(reason) = text(ContextKind::Custom) {
            return Some(FlagError::about(flag, reason));
        }
        let value = text(ContextKind::InvalidValue)?;
        let reason = match (error.kind(), error.get(ContextKind::ValidValue)) {
            (ErrorKind::ValueValidation, _) => error.source()?.to_string(),
            (_, Some(ContextValue::Strings(values))) => format!("expected {}", any_of(values)),
            _ => return None,
        };
        Some(FlagError::new(flag, value, reason))
    }

    /// The key of a file that says the same.
    pub fn key(&self) -> &str {
        match self.flag.as_str() {
            "COMMAND" => "command",
            flag => {
                // With what makes it wrong: `--share=tagged`.
                let flag = flag.split_once('=').map_or(flag, |(flag, _)| flag);
                flag.trim_start_matches('-')
            }
        }
    }

    /// The value, where that is what is wrong.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

fn sentence(flag: &str, value: Option<&str>, reason: &str) -> String {
    let sentence = bare_sentence(flag, value, reason);
    match value.and_then(tilde::tip) {
        Some(tip) => format!("{sentence}\n\n  tip: {tip}"),
        None => sentence,
    }
}

fn bare_sentence(flag: &str, value: Option<&str>, reason: &str) -> String {
    match value.map(mask_secrets).as_deref() {
        // Escaped, so that it stays on one line.
        Some(value) if value.contains(char::is_control) => {
            format!("invalid value {value:?} for '{flag}': {reason}")
        }
        Some(value) => format!("invalid value '{value}' for '{flag}': {reason}"),
        None => format!("{flag} {reason}"),
    }
}

/// `a, b or c`.
fn any_of(values: &[String]) -> String {
    match values {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        values => values.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    fn of_clap(word: &str) -> FlagError {
        let error = Args::parse_from_words([word.into()]).expect_err(word);
        FlagError::of_clap(&error).expect(word)
    }

    #[test]
    fn first_line_names_flag_value_and_reason() {
        for (error, text) in [
            (
                FlagError::new("--host", "a:b", "expected a name"),
                "invalid value 'a:b' for '--host': expected a name",
            ),
            (
                FlagError::new("--header", "a\nb", "no"),
                "invalid value \"a\\nb\" for '--header': no",
            ),
            (
                FlagError::new("--authorize", "http://user:pw@h/", "no"),
                "invalid value 'http://***@h/' for '--authorize': no",
            ),
            (
                FlagError::about("--ssl", "needs a certificate"),
                "--ssl needs a certificate",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn what_clap_finds_is_told_the_same_way() {
        for (word, text) in [
            (
                "--port=70000",
                "invalid value '70000' for '--port': 70000 is not in 0..=65535",
            ),
            (
                "--framing=words",
                "invalid value 'words' for '--framing': expected lines, chunks, text, length, control or headers",
            ),
            (
                "--spa",
                "--spa is about the files of --staticdir: give that too",
            ),
        ] {
            assert_eq!(of_clap(word).to_string(), text);
        }
    }

    #[test]
    fn key_is_the_flag_without_its_dashes() {
        assert_eq!(FlagError::about("--max-lifetime", "").key(), "max-lifetime");
        assert_eq!(FlagError::about("--share=tagged", "").key(), "share");
        assert_eq!(FlagError::about("COMMAND", "").key(), "command");
        assert_eq!(FlagError::new("path", "/", "").key(), "path");
    }
}
