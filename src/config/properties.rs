//! What holds for every configuration file.

use std::path::Path;

use super::{config_error::ConfigError, file::File, server::Config};
use crate::args::{Args, CommandLine};

const NAME: &str = "wsd.toml";

/// It is a configuration, or an error that says where.
pub(crate) fn config_file(text: &str) {
    let typed = CommandLine::new([]);
    let file = match File::parse(Path::new(NAME), text) {
        Ok(file) => file,
        Err(error) => return check(&error.into(), text),
    };
    match file.merge(&typed) {
        Err(error) => check(&error, text),
        Ok((args, routes)) if !looks_outside(&args) => {
            if let Err(error) = Config::with_routes(&args, &routes) {
                check(&file.with_location(&typed, error), text);
            }
        }
        Ok(_) => {}
    }
}

/// `wsd.toml:LINE: what is wrong`, with a line that there is; what is missing has no place, and names a flag.
fn check(error: &ConfigError, text: &str) {
    let message = error.to_string();
    let holds = is_located(&message, text) || message.contains("--") || message.contains("COMMAND");
    assert!(holds, "{message}");
}

fn is_located(message: &str, text: &str) -> bool {
    let after_name = message
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix(':'));
    let Some((line, reason)) = after_name.and_then(|rest| rest.split_once(": ")) else {
        return false;
    };
    let lines = text.split('\n').count();
    line.parse()
        .is_ok_and(|line: usize| (1..=lines).contains(&line))
        && !reason.trim().is_empty()
}

/// Whether it takes more than a look at the file system to check it: names of hosts, keys, certificates.
fn looks_outside(args: &Args) -> bool {
    let asks_for_names = !args.listen.address.is_empty() || args.operation.admin.is_some();
    let tls = &args.tls;
    let reads_files = !tls.sslcert.is_empty() || !tls.sslkey.is_empty() || tls.sslca.is_some();
    asks_for_names || reads_files || tls.ssl_selfsigned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        // Each key is a command line of its own.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn all_that_holds_for_files_does(lines in prop::collection::vec(
            "(\\[\\[route\\]\\]|path = \"/[a-z]?\"|(command|framing|port|origin|route|maxforks|header|env|cgi|x) = (\"(cat|a b|'|A=b)\"|[0-9]{1,6}|true|\\[(\"a\")?\\]|\\{ A = \"b\" \\})|[a-z =\"]{0,9})\n",
            0..6,
        )) {
            super::config_file(&lines.concat());
        }
    }
}
