//! Flags of wsd that stand behind COMMAND, where they are the program's own.

use std::ffi::OsStr;

use crate::args::{Args, CommandLine};

/// Those which are hardly ever meant for the program, each with what to do; none that wsd was given too.
pub(super) fn misplaced_flags(command_line: &CommandLine, args: &Args) -> Vec<String> {
    let Some((command, arguments)) = command_line.unseparated_command() else {
        return Vec::new();
    };
    if std::path::Path::new(command).file_name() == Some(OsStr::new("wsd")) {
        return Vec::new();
    }
    let words = arguments.iter().map(|word| word.to_string_lossy());
    let words = words.take_while(|word| word != "--");
    let misplaced = words.filter(|word| is_of_server(word, args));
    let advice = |word| {
        let command = command.display();
        format!(
            "'{word}' stands behind COMMAND and is an argument of {command}: if it is meant for wsd, it goes \
             before {command}; if not, '--' before {command} says so"
        )
    };
    misplaced.map(advice).collect()
}

/// Whether a word is spelt as a flag that wsd was not given.
fn is_of_server(word: &str, args: &Args) -> bool {
    let Some(flag) = word.strip_prefix("--").or(word.strip_prefix('-')) else {
        return false;
    };
    match flag.split('=').next().unwrap_or_default() {
        "port" => args.listen.port.is_none(),
        "address" => args.listen.address.is_empty(),
        "ssl" => !args.tls.ssl,
        "staticdir" => args.pages.staticdir.is_none(),
        "cgidir" => args.pages.cgidir.is_none(),
        "devconsole" => !args.pages.devconsole,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misplaced(line: &str) -> Vec<String> {
        let command_line = CommandLine::new(line.split(' ').map(Into::into));
        let args = command_line.parse().expect(line);
        misplaced_flags(&command_line, &args)
    }

    #[test]
    fn flag_of_the_server_behind_the_command_is_misplaced() {
        for (line, flag) in [
            ("cat --port=8093", "--port=8093"),
            ("cat -port=8093", "-port=8093"),
            ("cat --port 8093", "--port"),
            ("--devconsole sh -c x --staticdir=y", "--staticdir=y"),
            ("cat -ssl", "-ssl"),
        ] {
            let found = misplaced(line);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].starts_with(&format!("'{flag}' ")), "{found:?}");
        }
    }

    #[test]
    fn flag_that_is_clearly_the_programs_is_not() {
        for line in [
            "-- cat --port=8093",
            "cat -- --port=8093",
            "--port=1 cat --port=8093",
            "wsd --port=8093 cat",
            "/usr/bin/wsd --port=8093 cat",
            "cat --ports=1",
            "cat port=1",
            "cat --verbose",
        ] {
            assert!(misplaced(line).is_empty(), "{line}");
        }
    }
}
