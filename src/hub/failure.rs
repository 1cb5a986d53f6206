//! Why there is no connection to the broker: [`Failure`].

use std::{error::Error, fmt};

/// Why a connection could not be made, or was lost. Never holds what it was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The broker knows no such user, or another password.
    Refused,
    /// Anything else; the text makes a sentence behind a colon.
    Other(String),
}

impl Failure {
    /// Of an error, with its causes.
    #[cfg(any(feature = "nats", feature = "redis"))]
    pub(super) fn of(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors tell their causes themselves.
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        Failure::Other(text)
    }

    /// In our own words.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Failure::Other(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused => {
                formatter.write_str("it refuses the password, the user or the token")
            }
            Failure::Other(text) => formatter.write_str(text),
        }
    }
}

impl Error for Failure {}
