//! Why a program cannot be started, as far as that passes.

use std::io;

use super::pty::NoPty;

/// Whether what failed so may work a moment later: no process, memory, descriptor or pty was free, or somebody is just
/// writing the file.
pub fn passes_with_time(error: &io::Error) -> bool {
    let has_pty = !error.get_ref().is_some_and(|inner| inner.is::<NoPty>());
    let number = error.raw_os_error();
    !has_pty
        || matches!(
            number,
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ETXTBSY)
        )
}
