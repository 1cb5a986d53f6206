//! Rooms of several machines.

use std::path::PathBuf;

/// Flags about the broker through which rooms of several machines meet.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sharing")]
pub struct HubArgs {
    /// Have rooms reach the members on other machines through the broker at URL: nats://HOST:PORT, tls:// (NATS),
    /// redis:// or rediss://, with USER:PASSWORD@ or TOKEN@ before the host where it asks for one.
    #[arg(long, value_name = "URL", conflicts_with = "connect")]
    pub hub: Option<String>,

    /// First word of the subjects and channels; machines that are to meet have the same.
    #[arg(
        long,
        value_name = "WORD",
        default_value = "wsd",
        requires = "hub",
        conflicts_with = "connect"
    )]
    pub hub_prefix: String,

    /// Trust these authorities (PEM) and no other to have issued the broker's certificate.
    #[arg(
        long,
        value_name = "FILE",
        requires = "hub",
        conflicts_with = "connect"
    )]
    pub hub_ca: Option<PathBuf>,

    /// Take USER:PASSWORD or TOKEN from a file, which only its owner may read, in place of the URL.
    #[arg(
        long,
        value_name = "FILE",
        requires = "hub",
        conflicts_with = "connect"
    )]
    pub hub_credentials: Option<PathBuf>,
}
