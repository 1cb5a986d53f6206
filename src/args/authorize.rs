//! Who decides about each request.

use std::time::Duration;

use super::durations::{positive_seconds, seconds};

/// Flags about authorization, which a route may have of its own.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
pub struct AuthorizeArgs {
    /// Ask about each request whether it may go on: a program, split into words as a shell does, that exits with 0 or
    /// 1 or prints a CGI header; or a server, by http://, https:// or unix:PATH, which answers with 2xx or another
    /// status.
    #[arg(long, value_name = "COMMAND|URL", conflicts_with = "connect")]
    pub authorize: Option<String>,

    /// Seconds that an answer of --authorize may take; then the request is refused [default: 5].
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = positive_seconds(),
        conflicts_with = "connect"
    )]
    pub authorize_timeout: Option<Duration>,

    /// Seconds that an answer of --authorize holds for the same question; 0 asks each time [default: 0].
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds(),
        conflicts_with = "connect"
    )]
    pub authorize_cache: Option<Duration>,
}
