//! Who may connect, and how many: what is the whole server's.

use std::path::PathBuf;

use super::numbers::whole_number;

/// Flags about access to the server.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
#[group(conflicts_with = "connect")]
pub struct AccessArgs {
    /// Connections that may be open at a time, those of sessions too; 0 has no limit.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole_number())]
    pub max_connections: usize,

    /// Connections that one client address may have open at a time; 0 has no limit.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole_number())]
    pub max_connections_per_ip: usize,

    /// Proxies that are believed what Forwarded and X-Forwarded-For, -Proto and -Host say of clients:
    /// addresses and networks, 'unix' for those that come through a unix socket; repeatable.
    #[arg(long, value_name = "CIDR,...", value_delimiter = ',')]
    pub trust_proxy: Vec<String>,

    /// Believe these proxies too in which path they have the site: X-Forwarded-Prefix or X-Ingress-Path, which then
    /// leads SCRIPT_NAME.
    #[arg(long, requires = "trust_proxy")]
    pub trust_prefix: bool,

    /// Sign the cookies of --basic-auth with this key, 32 random bytes in a file of mode 0600, so that they hold across
    /// restarts and on other machines with the same key.
    #[arg(long, value_name = "FILE")]
    pub cookie_key: Option<PathBuf>,

    /// Look up clients' host names for REMOTE_HOST.
    #[arg(long, help_heading = "Programs")]
    pub reverselookup: bool,
}
