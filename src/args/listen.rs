//! Where a server listens.

use std::path::PathBuf;

/// Flags about listening.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Listening")]
#[group(conflicts_with = "connect")]
pub struct ListenArgs {
    /// Port to listen on; 0 takes a free one and prints it [default: 8080, with --ssl 8443].
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Address to listen on, repeatable; 0.0.0.0 or :: opens the server to the network
    /// [default: localhost, 127.0.0.1 and ::1].
    #[arg(long, value_name = "ADDRESS")]
    pub address: Vec<String>,

    /// Name that this server answers to beside localhost, repeatable; matters on loopback addresses.
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,

    /// Unix socket to listen on, repeatable; '@NAME' is one of Linux's abstract names. Without --port and
    /// --address, there is no other.
    #[arg(long, value_name = "PATH")]
    pub unixsocket: Vec<PathBuf>,

    /// Mode of the file of --unixsocket, in octal; who may write may connect [default: 600].
    #[arg(long, value_name = "MODE", requires = "unixsocket")]
    pub unixsocket_mode: Option<String>,

    /// Owner of the file of --unixsocket: a user, a group or both, by name or number.
    #[arg(long, value_name = "[USER][:GROUP]", requires = "unixsocket")]
    pub unixsocket_owner: Option<String>,

    /// Let other processes listen on the same addresses and port, so that the next one takes over while
    /// this one finishes.
    #[arg(long)]
    pub reuseport: bool,

    /// Take clients' addresses from the PROXY protocol header (v1, v2) that every connection has to
    /// begin with.
    #[arg(long)]
    pub proxy_protocol: bool,

    /// Speak HTTP/2 without TLS too, to clients that begin with it (prior knowledge); by TLS it is spoken
    /// anyway.
    #[arg(long)]
    pub h2c: bool,

    /// Serve the one connection on stdin, as inetd passes it, and end.
    #[arg(long, conflicts_with_all = ["port", "address", "unixsocket", "reuseport", "redirport"])]
    pub inetd: bool,

    /// Port that sends plain HTTP clients on to --port, at a name that is the server's own; PORT:PUBLIC where
    /// clients reach --port under another number.
    #[arg(long, value_name = "PORT[:PUBLIC]")]
    pub redirport: Option<String>,
}
