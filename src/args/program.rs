//! What a program may have of its own: the flags that are keys of a `[[route]]`.

use std::ffi::OsString;

use clap::{Arg, Args, Command};

use super::{
    auth::AuthArgs, authorize::AuthorizeArgs, limits::LimitArgs, messages::MessageArgs,
    numbers::whole_number, process::ProcessArgs, sharing::SharingArgs, targets::TargetOptionArgs,
    terminal::TerminalArgs,
};

/// A program and its flags: exactly what a `[[route]]` may have.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct ProgramArgs {
    /// Origins whose pages may connect beside the server's own: HOST, HOST:PORT or SCHEME://HOST:PORT,
    /// with a '*' for one label (*.example.com) or any port (http://localhost:*), 'null' for pages from
    /// file://, '*' for any; repeatable.
    #[arg(long, value_name = "ORIGIN,...", value_delimiter = ',')]
    pub origin: Vec<String>,

    /// Refuse clients that send no Origin header, as command-line clients do.
    #[arg(long, conflicts_with = "connect")]
    pub sameorigin: bool,

    /// Programs that may run at a time; 0 has no limit.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1024,
        conflicts_with = "connect", value_parser = whole_number())]
    pub maxforks: usize,

    /// Who the client is.
    #[command(flatten)]
    pub auth: AuthArgs,

    /// Who decides whether it may come in.
    #[command(flatten)]
    pub authorize: AuthorizeArgs,

    /// How messages travel.
    #[command(flatten)]
    pub messages: MessageArgs,

    /// What is waited for, and how much is taken.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// What the process gets.
    #[command(flatten)]
    pub process: ProcessArgs,

    /// Whether its streams are a terminal.
    #[command(flatten)]
    pub terminals: TerminalArgs,

    /// Whether many clients have one of it.
    #[command(flatten)]
    pub sharing: SharingArgs,

    /// How a target is spoken to, where there is one in its place.
    #[command(flatten)]
    pub target: TargetOptionArgs,

    /// Header of WebSocket handshakes alone, repeatable.
    #[arg(
        long,
        value_name = "HEADER",
        help_heading = "Pages",
        display_order = 101,
        conflicts_with = "connect"
    )]
    pub header_ws: Vec<String>,

    /// The program to run for each connection, and its arguments.
    #[arg(last = true, value_name = "COMMAND", hide = true)]
    pub command: Vec<OsString>,
}

impl ProgramArgs {
    /// The names of its flags, without dashes.
    pub fn names() -> Vec<String> {
        let flags = Self::augment_args(Command::new("route"));
        let names = flags.get_arguments().filter_map(Arg::get_long);
        names.map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_its_groups_and_no_others() {
        let names = ProgramArgs::names();
        for name in [
            "origin",
            "framing",
            "pingms",
            "env",
            "header-ws",
            "maxforks",
        ] {
            assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
        }
        for name in [
            "port",
            "ssl",
            "drain-timeout",
            "header",
            "connect",
            "config",
        ] {
            assert!(
                !names.iter().any(|other| other == name),
                "{name}: {names:?}"
            );
        }
    }
}
