//! Room in memory, asked for so that it may be refused, and given back: what clients and programs say takes memory.
//! Where there is none it is their session that ends, not the process (`RLIMIT_AS`; a failed allocation aborts
//! otherwise); where it is needed no more it is the system's again.

use std::{hint::black_box, io};

use bytes::{Bytes, BytesMut};
use rustix::process::{Resource, getrlimit};

/// Up to so many bytes memory is taken for granted, as all else that is small.
pub(crate) const SMALL: usize = 64 * 1024;
/// What has to be free beyond the room that is asked for, in bytes: it is for all that is small, of every session.
/// Less, and the next connection could be the end of the process; more refuses what would have had its place.
const SPARE: usize = 4 * 1024 * 1024;

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for the message")]
pub struct NoRoom;

impl From<NoRoom> for io::Error {
    fn from(error: NoRoom) -> Self {
        io::Error::new(io::ErrorKind::OutOfMemory, error)
    }
}

/// Whether large things may still be had.
///
/// # Errors
/// [`NoRoom`].
pub(crate) fn check() -> Result<(), NoRoom> {
    is_free(SPARE)
}

fn is_free(bytes: usize) -> Result<(), NoRoom> {
    let mut spare = Vec::<u8>::new();
    let had = spare.try_reserve_exact(bytes);
    black_box(&spare);
    had.map_err(|_| NoRoom)
}

/// What has to be free before another program is started, in bytes: twice what messages leave, so that the sessions that
/// there are have the rest, and a client that is told so has its connection.
const FOR_PROGRAM: usize = 2 * SPARE;

/// Whether there is a limit of address space (setrlimit(2), `RLIMIT_AS`). Without one nothing is refused that is small.
pub fn is_limited() -> bool {
    getrlimit(Resource::As).current.is_some()
}

/// Whether there is memory for another program, where there is a limit: when all is taken, the process ends with an
/// allocation of a few bytes.
///
/// # Errors
/// [`NoRoom`].
pub(crate) fn check_for_program() -> Result<(), NoRoom> {
    match is_limited() {
        true => is_free(FOR_PROGRAM),
        false => Ok(()),
    }
}

/// Whether there is memory for another connection, where there is a limit.
///
/// # Errors
/// [`NoRoom`].
pub(crate) fn check_for_connection() -> Result<(), NoRoom> {
    match is_limited() {
        true => is_free(SPARE),
        false => Ok(()),
    }
}

/// Makes room for exactly so many bytes more.
///
/// # Errors
/// [`NoRoom`].
pub(crate) fn reserve_exact(buffer: &mut Vec<u8>, additional: usize) -> Result<(), NoRoom> {
    let needed = buffer.len().checked_add(additional).ok_or(NoRoom)?;
    if needed <= buffer.capacity() {
        return Ok(());
    }
    if needed <= SMALL {
        buffer.reserve_exact(additional);
        return Ok(());
    }
    check()?;
    buffer.try_reserve_exact(additional).map_err(|_| NoRoom)
}

/// Makes room for so many bytes more, and doubles it at least, for who adds and adds.
///
/// # Errors
/// [`NoRoom`].
#[inline]
pub(crate) fn reserve(buffer: &mut Vec<u8>, additional: usize) -> Result<(), NoRoom> {
    let needed = buffer.len().checked_add(additional).ok_or(NoRoom)?;
    match needed <= buffer.capacity() {
        true => Ok(()),
        false => {
            let capacity = grown(buffer.capacity(), needed);
            reserve_exact(buffer, capacity - buffer.len())
        }
    }
}

/// The capacity that a buffer gets which needs so much: twice what it had, but not beyond what is small without need.
/// So a flood that is gathered in pieces which are small costs no look at what is free.
fn grown(capacity: usize, needed: usize) -> usize {
    let doubled = capacity.saturating_mul(2);
    match needed <= SMALL {
        true => needed.max(doubled.min(SMALL)),
        false => needed.max(doubled),
    }
}

/// The same in another kind of buffer.
///
/// # Errors
/// [`NoRoom`].
#[inline]
pub(crate) fn reserve_bytes(buffer: &mut BytesMut, additional: usize) -> Result<(), NoRoom> {
    let needed = buffer.len().checked_add(additional).ok_or(NoRoom)?;
    if needed <= buffer.capacity() {
        return Ok(());
    }
    if needed <= SMALL {
        buffer.reserve(additional);
        return Ok(());
    }
    if buffer.try_reclaim(additional) {
        return Ok(());
    }
    // It cannot be asked itself.
    let mut larger = Vec::new();
    reserve_exact(&mut larger, grown(buffer.len(), needed))?;
    larger.extend_from_slice(buffer);
    *buffer = BytesMut::from(Bytes::from(larger));
    Ok(())
}

/// Has large blocks mapped one by one, so that each goes back when it is freed. glibc does so from 128 KiB
/// on, but only until the first such block is freed: then it takes it that blocks of this size come and
/// go, and keeps them (mallopt(3), `M_MMAP_THRESHOLD`). A thousand sessions that had a long message each would still
/// hold two megabytes for each. To name the threshold keeps it where it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "mallopt(3) has no safe form")]
pub(crate) fn return_large_blocks() {
    const THRESHOLD: i32 = 128 * 1024;
    // SAFETY: mallopt takes two numbers, and may be called at any time by any thread. Whether it does anything is
    // seen by nobody but who measures.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
}

/// Has all threads take their memory from one place where address space is limited. glibc reserves 64 MiB of it for each
/// thread that allocates (mallopt(3), `M_ARENA_MAX`), which are most of a limit before anything is done, and whose
/// remains nobody else can have. Threads then wait for each other here; without a limit they do not. To be called while
/// there is one thread, for those that there are have their places.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "mallopt(3) has no safe form")]
pub fn share_address_space() {
    if is_limited() {
        // SAFETY: as above.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}

/// Gives back what is free between the blocks that are in use (malloc_trim(3)). Takes milliseconds for each hundred
/// megabytes, in which allocations wait.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "malloc_trim(3) has no safe form")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim takes a number, and may be called at any time by any thread.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators see to that by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_large_blocks() {}

/// Other allocators see to that by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}

/// Other allocators reserve no more than they need.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_address_space() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_and_what_was_there_stays() {
        for length in [0, 1, 100, SMALL] {
            for additional in [0, 1, SMALL, 3 * SMALL] {
                let mut bytes = BytesMut::from(&vec![b'x'; length][..]);
                reserve_bytes(&mut bytes, additional).expect("room");
                assert!(bytes.capacity() >= length + additional);
                let mut vec = bytes.to_vec();
                reserve(&mut vec, additional).expect("room");
                assert!(vec.capacity() >= length + additional);
                assert!(bytes == vec && vec.iter().all(|byte| *byte == b'x'));
                assert_eq!(vec.len(), length);
            }
        }
    }

    #[test]
    fn what_is_gathered_in_small_pieces_stays_small() {
        let mut vec = Vec::new();
        while vec.len() < SMALL - 1000 {
            reserve(&mut vec, 1000).expect("room");
            vec.extend_from_slice(&[b'x'; 1000]);
        }
        assert!(vec.capacity() <= SMALL, "{}", vec.capacity());
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        let (most, mut vec, mut bytes) = (isize::MAX as usize, vec![0], BytesMut::from("x"));
        assert_eq!(reserve_exact(&mut vec, most), Err(NoRoom));
        assert_eq!(reserve(&mut vec, usize::MAX), Err(NoRoom));
        assert_eq!(reserve_bytes(&mut bytes, most), Err(NoRoom));
    }
}
