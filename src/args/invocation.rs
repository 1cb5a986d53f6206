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

    /// Be a program that says again what the program or target of a recorded session said, at its times, and ends as
    /// that did: the COMMAND of another wsd.
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Programs",
        conflicts_with = "connect"
    )]
    pub replay: Option<PathBuf>,

    /// How many times as fast --replay is; 0 is at once.
    #[arg(long, value_name = "N", help_heading = "Programs", value_parser = speed, default_value = "1", requires = "replay")]
    pub replay_speed: f64,

    /// Say the lines of stdin in ROOM, a path such as /chat/lobby, of a wsd that runs on this machine.
    #[arg(
        long = "pub",
        value_name = "ROOM",
        help_heading = "Sharing",
        conflicts_with_all = ["connect", "subscribe"]
    )]
    pub publish: Option<String>,

    /// Print what is said in ROOM, a path such as /chat/lobby, of a wsd that runs on this machine, a line each.
    #[arg(
        long = "sub",
        value_name = "ROOM",
        help_heading = "Sharing",
        conflicts_with = "connect"
    )]
    pub subscribe: Option<String>,

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

/// How many times as fast.
fn speed(word: &str) -> Result<f64, String> {
    let number = word.parse().ok();
    let speed = number.filter(|speed: &f64| speed.is_finite() && !speed.is_sign_negative());
    speed.ok_or_else(|| "expected a number, 0 or more".to_owned())
}
