//! Who is at the other end of a unix socket (unix(7), `SO_PEERCRED`; getpeereid(3)).

use std::{io, os::fd::AsFd};

/// Whether the process at the other end belongs to our user; of a listener it is who made it listen.
///
/// # Errors
/// When the system does not tell.
pub(super) fn is_own(stream: &impl AsFd) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    let user = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    #[cfg(not(target_os = "linux"))]
    let user = nix::unistd::getpeereid(stream)?.0.as_raw();
    Ok(user == nix::unistd::geteuid().as_raw())
}
