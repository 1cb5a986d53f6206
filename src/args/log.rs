//! What is logged, and how.

use clap::ValueEnum;

/// Flags about the log.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// How much goes to the log on stderr [default: access, with --connect error].
    #[arg(long, value_name = "LEVEL", value_enum, ignore_case = true)]
    pub loglevel: Option<LogLevel>,

    /// One line of text an event, or one JSON object.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// `--loglevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens to connections.
    Trace,
    /// Requests and sessions.
    Access,
    /// What the server does.
    Info,
    /// What went wrong, and programs' stderr.
    Error,
    /// Only what ends the server.
    Fatal,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
