//! What a command says outside the log: one message, and the exit status that goes with it. A stdout or
//! stderr that is closed is no reason to panic.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Error;
use wsd::exit_status;

/// Prints to stdout; the command has done what was asked for.
pub(crate) fn print(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Says why the command cannot run or go on.
pub(crate) fn fail(error: &Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {error:#}{}", remedy(error));
    ExitCode::from(exit_status::FAILURE)
}

/// Which limit of this machine is behind an error, and how it is raised.
fn remedy(error: &Error) -> &'static str {
    let number = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>()?.raw_os_error()
    };
    match error.chain().find_map(number) {
        Some(libc::EMFILE) => ": raise the limit of open files (ulimit -n)",
        Some(libc::EAGAIN) => {
            ": raise the limits of processes (ulimit -u, a service's TasksMax) and memory (ulimit -v)"
        }
        Some(libc::ENOMEM) => ": raise the limit of memory (ulimit -v)",
        _ => "",
    }
}

/// Says what is wrong with the command line or the configuration; nothing was started.
pub(crate) fn refuse(error: &Error) -> ExitCode {
    complain(error);
    ExitCode::from(exit_status::USAGE)
}

/// Prints what clap has to say, as it would: help and version too, with status 0.
pub(crate) fn print_as_clap(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(error.exit_code() as u8)
}

/// Says on stderr what is wrong.
pub(super) fn complain(error: &Error) {
    let _ = writeln!(io::stderr(), "error: {error:#}");
}
