//! What a program's process gets: environment, directory, user, resource limits.

use std::path::PathBuf;

use super::groups::OF_A_PROGRAM;

/// Flags about a program's process.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Programs")]
pub struct ProcessArgs {
    /// Variables of wsd's own environment that programs get [default: PATH,LD_LIBRARY_PATH].
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', group = OF_A_PROGRAM)]
    pub passenv: Option<Vec<String>>,

    /// Variable that programs get, repeatable.
    #[arg(long, value_name = "NAME=VALUE", group = OF_A_PROGRAM)]
    pub env: Vec<String>,

    /// Working directory of COMMAND and routes [default: wsd's own].
    #[arg(long, value_name = "DIR", group = OF_A_PROGRAM)]
    pub workdir: Option<PathBuf>,

    /// User that programs run as, by name or number; needs root.
    #[arg(long, value_name = "USER", group = OF_A_PROGRAM)]
    pub user: Option<String>,

    /// Group that programs run as [default: those of --user]; needs root.
    #[arg(long, value_name = "GROUP", group = OF_A_PROGRAM)]
    pub group: Option<String>,

    /// Resource limits of each program: nofile (descriptors), cpu-seconds, memory (bytes), processes.
    #[arg(long, value_name = "NAME=N,...", value_delimiter = ',', group = OF_A_PROGRAM)]
    pub limits: Vec<String>,
}
