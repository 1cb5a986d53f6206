//! Exit statuses of the process (POSIX `wait`), in one place; docs/processes.md and docs/client.md have the
//! same tables for users.
//!
//! | status | when |
//! |---|---|
//! | 0 | stopped in order; `--help`, `--version`, `--license`, `--completions`, `--check-config`, `--doctor`; a client whose server closed with 1000 |
//! | [`FAILURE`] | it cannot run or go on; `--doctor` found that no session is possible; a client's every other end |
//! | [`USAGE`] | the command line or the configuration is wrong; nothing was started |
//! | [`of_signal`] | a signal ended a client, or a server that did not wait for its sessions |
//! | [`of_process`] | a client's own COMMAND ended first |
//! | 1 to 255 | a client whose server closed with 4000 and this number |

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// It cannot run, or cannot go on.
pub const FAILURE: u8 = 1;
/// Wrong usage or configuration; nothing was started.
pub const USAGE: u8 = 2;
/// What shells add a signal's number to (POSIX XCU 2.8.2).
const SIGNAL: i32 = 128;

/// The status of a process that ended because of a signal.
pub fn of_signal(number: i32) -> u8 {
    u8::try_from(SIGNAL + number).unwrap_or(FAILURE)
}

/// The status that says how another process has ended.
pub fn of_process(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(FAILURE),
        (None, Some(signal)) => of_signal(signal),
        (None, None) => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_of_a_process_is_its_own_or_says_its_signal() {
        for (raw, status) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (9, 137), (15, 143)] {
            assert_eq!(of_process(ExitStatus::from_raw(raw)), status, "{raw}");
        }
    }
}
