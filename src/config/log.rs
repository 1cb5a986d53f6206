//! What is logged, and how.

use crate::args::{Args, LogFormat, LogLevel};

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// How much.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

impl LogOptions {
    pub(super) fn new(args: &Args) -> Self {
        LogOptions {
            level: args.loglevel(),
            format: args.log.log_format,
        }
    }
}
