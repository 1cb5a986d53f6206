//! Values that are one of a few words.

use clap::ValueEnum;

/// `--framing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FramingKind {
    /// A text message is a line.
    Lines,
    /// A binary message is a read.
    Chunks,
    /// t or b, four bytes of length, the payload.
    Length,
}

/// `--newline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewlinePolicy {
    /// It makes two lines.
    Split,
    /// The session is closed with 1008.
    Reject,
    /// It becomes a space.
    Space,
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
