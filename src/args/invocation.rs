//! What is for the command line alone, and makes no sense in a file.

use std::path::PathBuf;

use clap::{Arg, Args, Command, ValueEnum};

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

    /// Print what makes a shell complete wsd's flags, for its folder of completions or for source.
    #[arg(long, value_name = "SHELL", value_enum, help_heading = None)]
    pub completions: Option<Shell>,

    /// Print the license.
    #[arg(long, help_heading = None)]
    pub license: bool,
}

/// `--completions`: a shell that completes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

impl InvocationArgs {
    /// The names of its flags, without dashes.
    pub fn names() -> Vec<String> {
        let flags = Self::augment_args(Command::new("invocation"));
        let names = flags.get_arguments().filter_map(Arg::get_long);
        names.map(str::to_owned).collect()
    }
}
