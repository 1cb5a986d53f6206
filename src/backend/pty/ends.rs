//! A new pty: both ends, with its line discipline and its size.

use std::{io, os::fd::OwnedFd};

use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr, tcsetwinsize},
};

use super::{mode::Pty, size::TerminalSize};

/// Both ends of a pty, close-on-exec.
#[derive(Debug)]
pub(in crate::backend) struct PtyEnds {
    pub(in crate::backend) master: OwnedFd,
    pub(in crate::backend) slave: OwnedFd,
}

/// The system has no pty left, for the moment.
#[derive(Debug, thiserror::Error)]
#[error("no pseudoterminal is left (kernel.pty.max): {0}")]
pub(in crate::backend) struct NoPty(#[source] io::Error);

/// Opens a pty of a kind that has one.
///
/// # Errors
/// [`NoPty`] if there is none left; else those of open(2), as of `/dev/ptmx`.
pub(in crate::backend) fn open_pty(pty: Pty, size: TerminalSize) -> io::Result<PtyEnds> {
    let master = openpt(flags()).map_err(|error| match error {
        // POSIX has the latter for what the kernel calls the former.
        Errno::NOSPC | Errno::AGAIN => {
            io::Error::new(io::ErrorKind::StorageFull, NoPty(error.into()))
        }
        error => error.into(),
    })?;
    // Elsewhere that is no flag of posix_openpt(3).
    #[cfg(any(not(target_os = "linux"), wsd_portable))]
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = open(
        ptsname(&master, Vec::new())?,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut modes = tcgetattr(&slave)?;
    pty.set_modes(&mut modes);
    tcsetattr(&slave, OptionalActions::Now, &modes)?;
    tcsetwinsize(&slave, size.to_winsize())?;
    Ok(PtyEnds { master, slave })
}

fn flags() -> OpenptFlags {
    #[cfg(all(target_os = "linux", not(wsd_portable)))]
    return OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    #[cfg(any(not(target_os = "linux"), wsd_portable))]
    return OpenptFlags::RDWR | OpenptFlags::NOCTTY;
}
