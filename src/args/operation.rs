//! How a server is run: its stop, its threads, what operators ask.

use std::{path::PathBuf, time::Duration};

use clap::builder::RangedU64ValueParser;

use super::durations::{positive_seconds, seconds};

/// Flags about operation.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Operation")]
#[group(conflicts_with = "connect")]
pub struct OperationArgs {
    /// Seconds that sessions get to end by themselves when the server is told to stop.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "10", help_heading = "Limits")]
    pub drain_timeout: Duration,

    /// Seconds that the server goes on as ever after it was told to stop, while /readyz of --admin says
    /// that it leaves.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "0", help_heading = "Limits")]
    pub drain_delay: Duration,

    /// Seconds that a connection may wait for its next request; longer than a balancer in front keeps it.
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds(), default_value = "75", help_heading = "Limits")]
    pub keepalive_timeout: Duration,

    /// Answer operators at an address of their own: /healthz, /readyz, /metrics, /sessions.
    #[arg(long, value_name = "ADDRESS:PORT|unix:PATH")]
    pub admin: Option<String>,

    /// Threads that serve connections [default: one for each CPU].
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub workers: Option<usize>,

    /// A server that is started before the first connection, kept running, and ended with wsd: its words are
    /// split as those of --route; repeatable.
    #[arg(
        long,
        value_name = "COMMAND",
        help_heading = "Programs",
        conflicts_with = "inetd"
    )]
    pub start: Vec<String>,

    /// Record each session in a file of its own in DIR, with all that was typed and said.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
}
