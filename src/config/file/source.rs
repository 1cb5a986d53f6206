//! A file's text, for places in it.

use std::{fmt::Display, ops::Range, path::Path};

use super::super::config_error::FileError;

/// A file's text, with its path for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Lines are counted from 1.
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        let before = &self.text[..span.start.min(self.text.len())];
        before.matches('\n').count() + 1
    }

    /// What is wrong with a key, or with no key in particular.
    pub(super) fn error(
        &self,
        span: Range<usize>,
        key: Option<&str>,
        reason: impl Display,
    ) -> FileError {
        FileError {
            place: format!("{}:{}", self.path.display(), self.line(span)),
            key: key.map(str::to_owned),
            reason: reason.to_string(),
        }
    }
}
