//! How messages travel between a client and a program.

use std::time::Duration;

use clap::{ValueEnum, builder::RangedU64ValueParser};

use super::{
    durations::{milliseconds, seconds},
    groups::OF_A_PROGRAM,
    numbers::whole_number,
};

/// Flags about messages.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Messages")]
pub struct MessageArgs {
    /// Subprotocols that the program speaks; 'none' selects none [default: the first that is offered].
    #[arg(long, value_name = "NAME,...|none", value_delimiter = ',')]
    pub subprotocol: Vec<String>,

    /// How messages are told apart: a line each, a read of stdout each (chunks, binary; text, newlines
    /// kept), by a length before each (control: Close too), or as LSP and DAP do (headers) [default: lines].
    #[arg(long, value_name = "KIND", value_enum)]
    pub framing: Option<FramingKind>,

    /// The same as --framing=chunks: bytes as they come.
    #[arg(long)]
    pub binary: bool,

    /// What becomes of a newline inside a text message: two lines, close 1008, or a space.
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = NewlinePolicy::Split)]
    pub newline: NewlinePolicy,

    /// Send a line without its newline, such as a prompt, after MS milliseconds of quiet.
    #[arg(long, value_name = "MS", value_parser = milliseconds())]
    pub flush_after: Option<Duration>,

    /// Send stderr to the client too, each line as {"stream":"stdout"|"stderr","data":"..."}.
    #[arg(long, group = OF_A_PROGRAM)]
    pub passstderr: bool,

    /// Open sessions for plain requests too: the lines of a POST's body go in, what comes out is the answer (curl -d), or
    /// an event stream (EventSource).
    #[arg(long, conflicts_with = "connect")]
    pub plain_http: bool,

    /// Seconds in which a client of --plain-http that has lost its event stream may go on with it; 0 ends its session.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "15", requires = "plain_http")]
    pub plain_http_resume: Duration,

    /// Compress messages for clients that offer it (permessage-deflate), and offer it with --connect; not
    /// where secrets travel beside text of others.
    #[arg(long)]
    pub compress: bool,

    /// How hard --compress tries: 1 is fast, 9 is small.
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u8>::new().range(1..=9), default_value_t = 4)]
    pub compress_level: u8,

    /// Shortest message that --compress compresses, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 32, value_parser = whole_number())]
    pub compress_threshold: usize,
}

/// `--framing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FramingKind {
    /// A text message is a line.
    Lines,
    /// A binary message is a read.
    Chunks,
    /// A text message is a read.
    Text,
    /// t or b, four bytes of length, the payload.
    Length,
    /// As length, and c is a Close.
    Control,
    /// Content-Length: N, an empty line, N bytes.
    Headers,
}

impl FramingKind {
    /// The flag as it is typed.
    pub fn flag(self) -> String {
        let value = self.to_possible_value();
        let name = value.as_ref().map_or("", |value| value.get_name());
        format!("--framing={name}")
    }
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
