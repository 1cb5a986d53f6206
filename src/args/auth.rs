//! Who the client is: passwords, tokens, what a proxy says.

use std::path::PathBuf;

/// Flags about who may connect, which a route may have of its own.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
pub struct AuthArgs {
    /// Ask for a name and a password: a file of lines 'NAME:HASH', as htpasswd -B makes it, or with the hashes of
    /// mkpasswd.
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub basic_auth: Option<PathBuf>,

    /// Ask for a token: a file of lines 'NAME:sha256:HEX'. It comes as Authorization: Bearer TOKEN, as the subprotocol
    /// bearer.TOKEN beside another one, or as ?access_token=TOKEN.
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub bearer_tokens: Option<PathBuf>,

    /// The header in which a proxy of --trust-proxy names the user.
    #[arg(long, value_name = "NAME", conflicts_with = "connect")]
    pub auth_header: Option<String>,
}
