//! What a command says outside the log: one message, and the exit status that goes with it. A stdout or
//! stderr that is closed is no reason to panic. What others have written in a message, a file's name or a server's
//! words, moves no terminal.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Error;
use wsd::{exit_status, printable::printable_lines};

/// Prints to stdout; the command has done what was asked for, unless that could not be written.
pub(crate) fn print(text: &str) -> ExitCode {
    match write(io::stdout(), text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&Error::new(error).context("cannot write to stdout")),
    }
}

/// Says why the command cannot run or go on.
pub(crate) fn fail(error: &Error) -> ExitCode {
    warn(&format!("error: {error:#}{}\n", remedy(error)));
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
    let text = error.render().to_string();
    if !error.use_stderr() {
        return print(&text);
    }
    warn(&text);
    ExitCode::from(error.exit_code() as u8)
}

/// Says on stderr what is wrong.
pub(super) fn complain(error: &Error) {
    warn(&format!("error: {error:#}\n"));
}

/// Nobody is there to be told that stderr is closed.
fn warn(text: &str) {
    let _ = write(io::stderr(), text);
}

/// Who reads no further, as head(1), has what was asked for.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    let written = to.write_all(printable_lines(text).as_bytes());
    match written.and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
