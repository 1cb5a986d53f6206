//! A new pty: both ends, with its line discipline and its size.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{Mode, OFlags, open},
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

/// The system has no pty, for the moment or until somebody mends it: it is none of the program's faults.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum NoPty {
    /// As many as there may be are open.
    #[error("no pseudoterminal is left (kernel.pty.max): {0}")]
    NoneLeft(#[source] io::Error),
    /// They cannot be opened at all.
    #[error("no pseudoterminal can be opened (is devpts mounted at /dev/pts?): {0}")]
    Unavailable(#[source] io::Error),
}

impl NoPty {
    /// What keeps a pty from being opened, but for descriptors and memory, which everything takes.
    fn behind(error: io::Error) -> io::Error {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM) => error,
            // POSIX has the latter for what the kernel calls the former.
            Some(libc::ENOSPC | libc::EAGAIN) => {
                io::Error::new(io::ErrorKind::StorageFull, NoPty::NoneLeft(error))
            }
            _ => io::Error::other(NoPty::Unavailable(error)),
        }
    }
}

/// Opens a pty of a kind that has one.
///
/// # Errors
/// [`NoPty`] if there is none to be had; else that there is no descriptor or memory.
pub(in crate::backend) fn open_pty(pty: Pty, size: TerminalSize) -> io::Result<PtyEnds> {
    open_ends(pty, size).map_err(NoPty::behind)
}

/// Whether the system has ptys at all, though all of them may be open.
pub fn has_ptys() -> bool {
    let error = match open_pty(Pty::Output, TerminalSize::default()) {
        Ok(_) => return true,
        Err(error) => error,
    };
    let reason = error.get_ref().and_then(|reason| reason.downcast_ref());
    !matches!(reason, Some(NoPty::Unavailable(_)))
}

fn open_ends(pty: Pty, size: TerminalSize) -> io::Result<PtyEnds> {
    let master = openpt(flags())?;
    // Elsewhere that is no flag of posix_openpt(3).
    #[cfg(any(not(target_os = "linux"), wsd_portable))]
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = open_slave(&master)?;
    let mut modes = tcgetattr(&slave)?;
    pty.set_modes(&mut modes);
    tcsetattr(&slave, OptionalActions::Now, &modes)?;
    tcsetwinsize(&slave, size.to_winsize())?;
    Ok(PtyEnds { master, slave })
}

/// Opens the program's end, close-on-exec, and not as our controlling terminal.
///
/// # Errors
/// Those of open(2).
pub(super) fn open_slave(master: impl AsFd) -> io::Result<OwnedFd> {
    let file = ptsname(master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(open(file, flags, Mode::empty())?)
}

fn flags() -> OpenptFlags {
    #[cfg(all(target_os = "linux", not(wsd_portable)))]
    return OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    #[cfg(any(not(target_os = "linux"), wsd_portable))]
    return OpenptFlags::RDWR | OpenptFlags::NOCTTY;
}
