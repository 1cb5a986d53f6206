//! The send queue of a socket: what it was given and the other end has not taken.

#![cfg_attr(
    all(target_os = "linux", not(wsd_portable)),
    allow(unsafe_code, reason = "nothing safe asks the kernel for it")
)]

use std::{
    io::{self, IoSlice},
    os::fd::BorrowedFd,
};

use rustix::net::{SendAncillaryBuffer, SendFlags, send as send_one, sendmsg};

/// No signal where the other end has gone, and no waiting.
#[cfg(not(target_vendor = "apple"))]
const FLAGS: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);
/// Here there is no such flag, and the signal is ignored, as in all that is written in Rust.
#[cfg(target_vendor = "apple")]
const FLAGS: SendFlags = SendFlags::DONTWAIT;

/// Puts as much into it as there is room for, without waiting; so many bytes.
///
/// # Errors
/// Those of send(2); `WouldBlock` where there is no room.
pub(crate) fn send(socket: BorrowedFd<'_>, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let sent = match pieces {
        [piece] => send_one(socket, piece, FLAGS),
        _ => sendmsg(socket, pieces, &mut SendAncillaryBuffer::default(), FLAGS),
    };
    sent.map_err(io::Error::from)
}

/// Bytes in it (`SIOCOUTQ`, which is `TIOCOUTQ` by another name): of tcp(7) what is not acknowledged, of unix(7) what
/// is not read.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
pub(crate) fn length(socket: BorrowedFd<'_>) -> usize {
    use rustix::ioctl::{Getter, ioctl};

    // SAFETY: the operation writes a `c_int`, and nothing else (tcp(7), unix(7)).
    let bytes = unsafe {
        let getter = Getter::<{ libc::TIOCOUTQ as _ }, libc::c_int>::new();
        ioctl(socket, getter)
    };
    bytes.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(0))
}

/// Nobody can tell in the same words.
#[cfg(any(not(target_os = "linux"), wsd_portable))]
pub(crate) fn length(_: BorrowedFd<'_>) -> usize {
    0
}

#[cfg(all(test, target_os = "linux", not(wsd_portable)))]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        os::{fd::AsFd, unix::net::UnixStream},
    };

    #[test]
    fn what_the_other_end_has_taken_is_in_it_no_more() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        (&near).write_all(b"hello").expect("room");
        assert!(length(near.as_fd()) >= 5);
        far.read_exact(&mut [0; 5]).expect("all of it");
        assert_eq!(length(near.as_fd()), 0);
    }
}
