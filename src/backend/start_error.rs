//! Why a program cannot be started, as far as that passes.

use std::io;

/// Whether what failed so may work a moment later: no process, memory or descriptor was free, or somebody is just
/// writing the file.
pub fn passes_with_time(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ETXTBSY)
    )
}
