//! The client in place of a server.

use std::time::Duration;

use super::{durations::milliseconds, groups::SPEAKS_TLS};

/// Flags of the client.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Client")]
pub struct ClientArgs {
    /// Be the client of the server at URL (ws://, wss:// or ws+unix:PATH[:/TARGET]) in place of a server:
    /// COMMAND, or else stdin and stdout, are joined to it.
    #[arg(long, value_name = "URL", group = SPEAKS_TLS)]
    pub connect: Option<String>,

    /// Milliseconds without a message after the end of stdin until the connection is closed
    /// [default: 1000].
    #[arg(long, value_name = "MS", value_parser = milliseconds(), requires = "connect")]
    pub linger: Option<Duration>,

    /// Connect again when there is no connection, or none any more, after 1 s, 2 s, 4 s and so on.
    #[arg(long, requires = "connect")]
    pub reconnect: bool,

    /// Trust any certificate of the server: what is sent may be read and changed on its way.
    #[arg(long, requires = "connect", conflicts_with = "sslca")]
    pub insecure: bool,
}
