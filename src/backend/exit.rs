//! How a program's exit is told, to its clients and to the log.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use crate::message::Close;

/// The same in words, behind a name: `exited with status 3`.
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    }
}

/// The close that tells a program's exit status: 1000 for 0, 4000+n for n, 4128+s for signal s.
pub fn close_for(status: ExitStatus) -> Close {
    match (status.code(), status.signal()) {
        (Some(0), _) => Close::new(Close::NORMAL, ""),
        (Some(code), _) => Close::new(
            Close::PROGRAM + code as u16,
            format!("the program {}", describe_exit(status)),
        ),
        (None, Some(signal)) => Close::new(
            Close::PROGRAM + 128 + signal as u16,
            format!("the program {}", describe_exit(status)),
        ),
        (None, None) => Close::new(Close::INTERNAL, "the program's end is not known"),
    }
}
