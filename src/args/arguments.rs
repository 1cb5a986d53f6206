//! All flags together: [`Args`].

use clap::{ArgGroup, CommandFactory, Parser};

use super::{
    access::AccessArgs,
    client::ClientArgs,
    groups::{OF_A_PROGRAM, SPEAKS_TLS},
    hub::HubArgs,
    invocation::InvocationArgs,
    listen::ListenArgs,
    log::{LogArgs, LogLevel},
    operation::OperationArgs,
    pages::PagesArgs,
    program::ProgramArgs,
    sharing::RoomArgs,
    targets::TargetArgs,
    tls::TlsArgs,
};

/// Turns any program that reads lines and writes lines into a WebSocket server.
///
/// One process per connection: each text message becomes a line on the program's stdin, each line on
/// its stdout becomes a message.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "wsd",
    version,
    args_override_self = true,
    override_usage = "wsd [OPTIONS] COMMAND [ARGS...]",
    max_term_width = 100,
    group = ArgGroup::new(SPEAKS_TLS).multiple(true),
    group = ArgGroup::new(OF_A_PROGRAM).multiple(true),
    after_help = "Options end where COMMAND begins. -name=value works as well as --name=value.\n\
                  A time takes a unit, such as 500ms, 10s, 5m or 1h; a bare number has that of its flag.\n\
                  \n\
                  Example: wsd --port=8080 --devconsole ./fizzbuzz.py, then open http://localhost:8080/"
)]
pub struct Args {
    /// Where a server listens.
    #[command(flatten)]
    pub listen: ListenArgs,

    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// COMMAND, and what holds for every program that has nothing of its own.
    #[command(flatten)]
    pub program: ProgramArgs,

    /// Who may connect, and how many.
    #[command(flatten)]
    pub access: AccessArgs,

    /// Sockets in a program's place.
    #[command(flatten)]
    pub targets: TargetArgs,

    /// What answers beside COMMAND.
    #[command(flatten)]
    pub pages: PagesArgs,

    /// Rooms without a program.
    #[command(flatten)]
    pub rooms: RoomArgs,

    /// How a server is run.
    #[command(flatten)]
    pub operation: OperationArgs,

    /// Rooms of several machines.
    #[command(flatten)]
    pub hub: HubArgs,

    /// The client in place of a server.
    #[command(flatten)]
    pub client: ClientArgs,

    /// The log.
    #[command(flatten)]
    pub log: LogArgs,

    /// What is for the command line alone.
    #[command(flatten)]
    pub invocation: InvocationArgs,
}

impl Args {
    /// How much is logged; a client's stderr belongs to the user who started it.
    pub fn loglevel(&self) -> LogLevel {
        self.log.loglevel.unwrap_or(match self.client.connect {
            Some(_) => LogLevel::Error,
            None => LogLevel::Access,
        })
    }

    /// The names of the flags that make no sense without a program, without dashes.
    pub fn names_of_a_program() -> Vec<String> {
        let mut flags = Args::command();
        flags.build();
        let mut groups = flags.get_groups();
        let group = groups.find(|group| group.get_id() == OF_A_PROGRAM);
        let ids = group.into_iter().flat_map(ArgGroup::get_args);
        ids.map(|id| id.as_str().replace('_', "-")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::parse_from_words(line.split_whitespace().map(OsString::from))
    }

    fn error(line: &str) -> String {
        parse(line).expect_err(line).to_string()
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_declaration() {
        Args::command().debug_assert();
    }

    #[test]
    fn value_is_taken_in_every_form() {
        for line in [
            "--port=81 cat",
            "--port 81 cat",
            "-port=81 cat",
            "-port 81 cat",
            "--port=81 -- cat",
        ] {
            let args = parse(line).expect(line);
            assert_eq!(
                (args.listen.port, args.program.command),
                (Some(81), vec!["cat".into()]),
                "{line}"
            );
        }
    }

    #[test]
    fn boolean_is_taken_in_every_form() {
        for (line, binary) in [
            ("--binary cat", true),
            ("-binary cat", true),
            ("--binary=true cat", true),
            ("-binary=1 cat", true),
            ("--binary=false cat", false),
            ("--binary --binary=false cat", false),
            ("cat", false),
        ] {
            assert_eq!(
                parse(line).expect(line).program.messages.binary,
                binary,
                "{line}"
            );
        }
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let args = parse("--port=81 sh -c --port=82 --bogus").expect("the rest is the program's");
        assert_eq!(args.listen.port, Some(81));
        assert_eq!(
            args.program.command,
            ["sh", "-c", "--port=82", "--bogus"].map(OsString::from)
        );
    }

    #[test]
    fn lists_are_separated_by_commas_and_repeated() {
        let args = parse("--origin=a,b --origin=c --passenv=X,Y cat").expect("lists");
        assert_eq!(args.program.origin, ["a", "b", "c"]);
        assert_eq!(
            args.program.process.passenv,
            Some(vec!["X".to_owned(), "Y".to_owned()])
        );
    }

    #[test]
    fn first_line_of_an_error_names_flag_and_value() {
        for (line, words) in [
            ("--port=http cat", ["--port", "http"]),
            ("--port=70000 cat", ["--port", "70000"]),
            ("--closems=-1 cat", ["--closems", "-1"]),
            ("--binary=maybe cat", ["--binary", "maybe"]),
            ("--loglevel=loud cat", ["--loglevel", "loud"]),
            (
                "--pingms=99999999999999 cat",
                ["--pingms", "99999999999999"],
            ),
            ("--prot=80 cat", ["--prot", "unexpected"]),
            ("-prot=80 cat", ["--prot", "unexpected"]),
            ("--closems -1 cat", ["--closems", "-1"]),
        ] {
            let message = error(line);
            let first = message.lines().next().expect("a line");
            assert!(
                words.iter().all(|word| first.contains(word)),
                "{line}: {first}"
            );
        }
    }

    #[test]
    fn switch_that_is_neither_on_nor_off_says_what_it_may_be() {
        for (flag, value) in [("ssl", "yes"), ("binary", ""), ("help", "maybe")] {
            let message = error(&format!("--{flag}={value} cat"));
            let expected =
                format!("invalid value '{value}' for '--{flag}': expected true or false");
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn last_of_a_repeated_flag_counts() {
        let args = parse("--port=1 --binary --binary --port=2 cat").expect("repeated");
        assert_eq!(
            (args.listen.port, args.program.messages.binary),
            (Some(2), true)
        );
    }

    #[test]
    fn names_of_a_program_are_those_that_connect_needs_a_command_for() {
        let names = Args::names_of_a_program();
        for name in ["env", "closems", "finish-timeout", "unbuffer", "user"] {
            assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
        }
        assert!(!names.iter().any(|name| name == "pingms"), "{names:?}");
    }

    #[test]
    fn misspelt_flag_gets_a_tip() {
        assert!(error("--prot=80 cat").contains("--port"));
    }
}
