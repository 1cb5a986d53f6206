//! What `-h` prints: the flags that a beginner needs, on one screen. `--help` prints all, in groups.

use clap::{Arg, Command, builder::Resettable};

/// Flags to begin with, in the order of a first day, each said in a line of an 80 columns' terminal.
const FIRST: [(&str, &str); 11] = [
    ("port", "Port to listen on [default: 8080]"),
    ("address", "0.0.0.0 or :: opens it to the network"),
    ("devconsole", "Serve a page at / to try the program from"),
    ("staticdir", "Serve the files in DIR on the same port"),
    ("route", "A program at a path, repeatable"),
    ("cgidir", "Run the CGI scripts in DIR"),
    ("binary", "Bytes as they come in place of lines"),
    ("origin", "Whose pages may connect beside its own"),
    ("passenv", "Variables that the program gets"),
    ("connect", "Be the client of a server (ws://, wss://)"),
    ("config", "Read flags from a TOML file too"),
];

const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}\n\n{options}\n\n{after-help}";

/// The command as `-h` shows it.
pub(super) fn for_beginners(command: Command) -> Command {
    command
        .help_template(TEMPLATE)
        .after_help(
            "Options end where COMMAND begins. All flags, in groups: wsd --help\n\
             \n\
             Example: wsd --devconsole ./fizzbuzz.py, then open http://localhost:8080/",
        )
        .mut_args(shown_or_hidden)
}

fn shown_or_hidden(argument: Arg) -> Arg {
    let place = FIRST
        .iter()
        .position(|(name, _)| argument.get_long() == Some(name));
    let argument = argument.help_heading(Resettable::Reset);
    match place {
        Some(place) => argument.display_order(place).help(FIRST[place].1),
        None => argument.hide(true),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[test]
    fn clap_finds_nothing_wrong_and_every_flag_exists() {
        let command = for_beginners(Args::command());
        let shown = command.get_arguments().filter(|flag| !flag.is_hide_set());
        assert_eq!(shown.count(), FIRST.len());
        command.debug_assert();
    }
}
