//! Sockets in a program's place: which, and how they are spoken to.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use super::durations::positive_seconds;

/// Flags that name targets for the whole server; a `[[route]]` names its own by keys of the same names.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Targets")]
#[group(conflicts_with = "connect")]
pub struct TargetArgs {
    /// A socket in a program's place, at a path and beneath, or without PATH in COMMAND's place; repeatable:
    /// HOST:PORT or tcp:HOST:PORT, tls:HOST:PORT, unix:PATH or unix:@NAME.
    #[arg(long, value_name = "[PATH=]TARGET")]
    pub target: Vec<String>,

    /// Targets by token, in COMMAND's place: a file of lines 'TOKEN: TARGET', or a directory of such files.
    #[arg(long, value_name = "FILE|DIR")]
    pub target_map: Option<PathBuf>,
}

/// Flags about how targets are spoken to, which a route may have of its own.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Targets")]
pub struct TargetOptionArgs {
    /// Where clients' tokens are for --target-map: query (?token=), path, host (its first label) or
    /// cookie:NAME [default: query].
    #[arg(long, value_name = "PLACE", conflicts_with = "connect")]
    pub target_token: Option<String>,

    /// Authorities (PEM) that issue the certificates of targets by tls:, in place of the system's.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["connect", "target_insecure"]
    )]
    pub target_ca: Option<PathBuf>,

    /// Trust any certificate of targets by tls:.
    #[arg(long, conflicts_with = "connect")]
    pub target_insecure: bool,

    /// Send targets a PROXY header first, with the client's address.
    #[arg(long, value_name = "VERSION", value_enum, conflicts_with = "connect")]
    pub target_proxy_protocol: Option<ProxyVersion>,

    /// Seconds that looking up, connecting to and TLS with a target may take together [default: 10].
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = positive_seconds(),
        conflicts_with = "connect"
    )]
    pub target_timeout: Option<Duration>,
}

/// `--target-proxy-protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}
