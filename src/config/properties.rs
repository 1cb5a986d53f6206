//! What holds for every configuration file.

use std::path::Path;

use anyhow::Error;

use super::{Config, file::File};
use crate::args::{Args, Words};

const NAME: &str = "wsd.toml";

/// It is a configuration, or an error that says where.
pub(crate) fn config_file(text: &str) {
    let typed = Words::new(Vec::new()).expect("nothing is nothing wrong");
    let file = match File::parse(Path::new(NAME), text) {
        Ok(file) => file,
        Err(error) => return assert!(is_located(&error, text), "{error:#}"),
    };
    match file.merge(&typed) {
        Err(error) => assert!(
            is_located(&error, text) || names_a_flag(&error),
            "{error:#}"
        ),
        Ok((args, routes)) if !looks_outside(&args) => {
            if let Err(error) = Config::with_routes(&args, &routes) {
                let error = file.locate(&typed, error);
                assert!(
                    is_located(&error, text) || names_a_flag(&error),
                    "{error:#}"
                );
            }
        }
        Ok(_) => {}
    }
}

/// `wsd.toml:LINE: what is wrong`, with a line that there is.
fn is_located(error: &Error, text: &str) -> bool {
    let message = format!("{error:#}");
    let behind_name = message
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix(':'));
    let Some((line, reason)) = behind_name.and_then(|rest| rest.split_once(": ")) else {
        return false;
    };
    let lines = text.split('\n').count();
    line.parse()
        .is_ok_and(|line: usize| (1..=lines).contains(&line))
        && !reason.trim().is_empty()
}

/// What is missing has no place.
fn names_a_flag(error: &Error) -> bool {
    let message = format!("{error:#}");
    message.contains("--") || message.contains("COMMAND")
}

/// Whether it takes more than a look at the file system to check it: names of hosts, keys, certificates.
fn looks_outside(args: &Args) -> bool {
    let asks_for_names = !args.listen.address.is_empty() || args.operation.admin.is_some();
    let reads_files =
        !args.tls.sslcert.is_empty() || !args.tls.sslkey.is_empty() || args.tls.sslca.is_some();
    asks_for_names || reads_files || args.tls.ssl_selfsigned
}
