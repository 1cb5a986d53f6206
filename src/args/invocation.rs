//! What is for the command line alone, and makes no sense in a file.

use std::path::PathBuf;

use clap::{Arg, Args, Command};

/// Flags of one invocation.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Configuration")]
pub struct InvocationArgs {
    /// Read flags from FILE (TOML) too; what is typed wins over what is written.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Check flags and file, say so, and stop.
    #[arg(long)]
    pub check_config: bool,

    /// Start the program once, print what it takes, what this machine allows, how many sessions follow,
    /// and stop.
    #[arg(long, help_heading = "Operation", conflicts_with = "connect")]
    pub doctor: bool,

    /// Print the license.
    #[arg(long, help_heading = None)]
    pub license: bool,
}

impl InvocationArgs {
    /// The names of its flags, without dashes.
    pub fn names() -> Vec<String> {
        let flags = Self::augment_args(Command::new("invocation"));
        let names = flags.get_arguments().filter_map(Arg::get_long);
        names.map(str::to_owned).collect()
    }
}
