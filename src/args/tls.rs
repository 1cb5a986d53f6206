//! TLS: a server's, and the certificates of both ends.

use std::path::PathBuf;

use super::groups::SPEAKS_TLS;

/// Flags about TLS.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Speak TLS: https:// and wss://.
    #[arg(long, group = SPEAKS_TLS, conflicts_with = "connect")]
    pub ssl: bool,

    /// Certificate in PEM, with the chain above it; repeatable, chosen by the name that a client asks for.
    #[arg(long, value_name = "FILE", requires_all = [SPEAKS_TLS, "sslkey"])]
    pub sslcert: Vec<PathBuf>,

    /// Private key of the certificate in PEM; one for each --sslcert, in the same order.
    #[arg(long, value_name = "FILE", requires_all = [SPEAKS_TLS, "sslcert"])]
    pub sslkey: Vec<PathBuf>,

    /// Ask clients for a certificate that one of these authorities (PEM) has issued; with --connect, trust these and
    /// no other to have issued the server's.
    #[arg(long, value_name = "FILE", requires = SPEAKS_TLS)]
    pub sslca: Option<PathBuf>,

    /// Let clients without a certificate in, too.
    #[arg(long, requires = "sslca", conflicts_with = "connect")]
    pub sslca_optional: bool,

    /// Serve clients without TLS as well, on the same port.
    #[arg(long, requires = SPEAKS_TLS, conflicts_with = "connect")]
    pub ssl_optional: bool,

    /// Speak TLS with a certificate for this machine and --host that is made at the start, for development.
    #[arg(long, group = SPEAKS_TLS, conflicts_with_all = ["connect", "sslcert", "sslkey"])]
    pub ssl_selfsigned: bool,
}
