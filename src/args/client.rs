//! The client in place of a server.

use super::{durations::milliseconds_or_never, groups::SPEAKS_TLS};
use crate::{backend::Linger, fingerprint::Fingerprint};

/// Flags of the client.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Client")]
pub struct ClientArgs {
    /// Be the client of the server at URL (ws://, wss:// or ws+unix:PATH[:/TARGET]) in place of a server:
    /// COMMAND, or else stdin and stdout, are joined to it.
    #[arg(long, value_name = "URL", group = SPEAKS_TLS)]
    pub connect: Option<String>,

    /// Milliseconds without a message after the end of stdin until the connection is closed; 'never' stays, to
    /// listen only, whatever stdin is [default: 1000].
    #[arg(long, value_name = "MS", value_parser = milliseconds_or_never(), requires = "connect")]
    pub linger: Option<Linger>,

    /// Connect again when there is no connection, or none any more, after 1 s, 2 s, 4 s and so on.
    #[arg(long, requires = "connect")]
    pub reconnect: bool,

    /// Trust the server's certificate if its SHA-256 is this, whoever issued it and for whatever name:
    /// --ssl-selfsigned prints it; 64 hexadecimal digits, with colons or without.
    #[arg(
        long,
        value_name = "SHA256",
        requires = "connect",
        conflicts_with = "sslca"
    )]
    pub fingerprint: Option<Fingerprint>,

    /// Trust any certificate of the server: what is sent may be read and changed on its way.
    #[arg(long, requires = "connect", conflicts_with_all = ["sslca", "fingerprint"])]
    pub insecure: bool,
}
