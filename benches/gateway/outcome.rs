//! What a figure hands back: measures, or the reason why there are none.

use std::fmt;
use std::io;
use std::time::Duration;

/// Which direction is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

/// One number, with its meaning.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) better: Better,
    pub(crate) value: f64,
}

impl Measure {
    pub(crate) fn less(name: &'static str, value: f64) -> Self {
        let better = Better::Less;
        Self {
            name,
            better,
            value,
        }
    }

    pub(crate) fn more(name: &'static str, value: f64) -> Self {
        let better = Better::More;
        Self {
            name,
            better,
            value,
        }
    }
}

/// One run of one figure.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) measures: Vec<Measure>,
    /// What a reader of the numbers should know about this server.
    pub(crate) remark: Option<&'static str>,
}

impl From<Vec<Measure>> for Outcome {
    fn from(measures: Vec<Measure>) -> Self {
        Self {
            measures,
            remark: None,
        }
    }
}

/// Why a run of a figure gave no numbers.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The server does not do this; the figure stays empty.
    Cannot(String),
    /// The server answered, and wrongly; the whole run counts as failed.
    Wrong(String),
}

impl Failure {
    /// The same, of a server that has accepted the session: it owed an answer.
    pub(crate) fn of_session(self) -> Self {
        let (Self::Cannot(reason) | Self::Wrong(reason)) = self;
        Self::Wrong(reason)
    }

    /// The same failure, with more to say about it.
    pub(crate) fn and(self, more: &str) -> Self {
        match self {
            Self::Cannot(reason) => Self::Cannot(format!("{reason}{more}")),
            Self::Wrong(reason) => Self::Wrong(format!("{reason}{more}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cannot(reason) => write!(out, "{reason}"),
            Self::Wrong(reason) => write!(out, "WRONG ANSWER: {reason}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Cannot(error.to_string())
    }
}

/// The sample below which `percent` of all samples lie, in seconds; sorts.
pub(crate) fn percentile(samples: &mut [Duration], percent: usize) -> f64 {
    samples.sort_unstable();
    let index = samples.len() * percent / 100;
    samples
        .get(index.min(samples.len().saturating_sub(1)))
        .map_or(0.0, Duration::as_secs_f64)
}
