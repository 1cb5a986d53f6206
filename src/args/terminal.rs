//! Whether programs hold back output, and terminals for them.

use clap::ValueEnum;

use super::groups::OF_A_PROGRAM;

/// Flags about buffered output and terminals, which a route may have of its own.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Terminals")]
pub struct TerminalArgs {
    /// Have programs send output when they write it, as far as their environment can; with --unbuffer=pty
    /// their stdout is a pty too, which reaches more.
    #[arg(
        long,
        value_name = "env|pty",
        value_enum,
        hide_possible_values = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "env",
        group = OF_A_PROGRAM
    )]
    pub unbuffer: Option<UnbufferBy>,

    /// Run programs on a pty, their controlling terminal; messages stay what they are.
    #[arg(long, group = OF_A_PROGRAM, conflicts_with_all = ["share", "passstderr"])]
    pub pty: bool,

    /// A terminal for each client, and at its path a page with it; with 'tmux new -A -s main' one for all.
    #[arg(
        long,
        conflicts_with_all = [
            "connect", "share", "passstderr", "framing", "binary", "flush_after", "pty"
        ]
    )]
    pub terminal: bool,

    /// Let whoever can connect type on a --terminal that is open to the network without a login.
    #[arg(long, requires = "terminal", conflicts_with = "readonly")]
    pub writable: bool,
}

/// `--unbuffer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnbufferBy {
    /// The environment.
    #[value(alias = "true")]
    Env,
    /// The environment, and stdout as a pty.
    Pty,
}
