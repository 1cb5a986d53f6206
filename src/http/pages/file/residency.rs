//! What of a file the kernel has in memory, so that to read it waits for no disk.
//!
//! # How it works
//! preadv2(2) with `RWF_NOWAIT` reads that and nothing else, where the file system can. Two that many people have
//! cannot. On tmpfs, which /tmp is on some machines, all is in memory. On overlayfs, which is all that a container sees,
//! the file is mapped, the kernel asked which of its pages it has (mincore(2)), and it is read as ever if that is all of
//! them. Which of them a file is on is known from an earlier read that waited for the disk; of others, on a network or in
//! a process, nothing is asked here.
#![cfg_attr(
    all(target_os = "linux", not(wsd_portable)),
    allow(
        unsafe_code,
        reason = "mmap(2) and mincore(2) have no safe form; nothing looks into the mapping"
    )
)]

use std::{
    fs::File,
    io,
    ops::Range,
    sync::{Arc, atomic::AtomicBool},
};

#[cfg(all(target_os = "linux", not(wsd_portable)))]
use self::linux as system;
#[cfg(any(not(target_os = "linux"), wsd_portable))]
use self::portable as system;

/// Whether these bytes can be read without waiting for the disk, as far as samples tell.
pub(super) fn is_in_memory(file: &File, bytes: &Range<u64>) -> bool {
    system::is_in_memory(file, bytes)
}

/// Reads what is in memory of the bytes from this offset on.
///
/// # Errors
/// `EAGAIN` if that is nothing, or cannot be told.
pub(super) fn read_from_memory(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    system::read(file, buffer, offset, None)
}

/// To be called where a file was out of memory, for all that is known: later reads know more.
pub(super) fn learn(file: &Arc<File>) {
    system::learn(file);
}

/// What was found out about a file that is kept open for a moment: that all of it was in memory. To map it for each
/// request takes half as long again, since the threads wait for each other (`mmap_lock`).
#[derive(Debug, Default)]
pub(super) struct Residency(AtomicBool);

/// A file that is short enough to be asked about as a whole.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    any(not(target_os = "linux"), wsd_portable),
    expect(dead_code, reason = "only Linux tells what is in memory")
)]
struct Whole<'a> {
    /// Set once all of it was found in memory.
    is_resident: &'a AtomicBool,
    /// In bytes.
    length: u64,
}

impl Residency {
    /// As [`read_from_memory`], of a file of this length, which is a short one.
    ///
    /// # Errors
    /// As there.
    pub(super) fn read(
        &self,
        file: &File,
        buffer: &mut [u8],
        offset: u64,
        length: u64,
    ) -> io::Result<usize> {
        let is_resident = &self.0;
        system::read(
            file,
            buffer,
            offset,
            Some(Whole {
                is_resident,
                length,
            }),
        )
    }
}

#[cfg(any(not(target_os = "linux"), wsd_portable))]
mod portable {
    use super::*;

    pub(super) fn is_in_memory(_: &File, _: &Range<u64>) -> bool {
        false
    }

    pub(super) fn read(_: &File, _: &mut [u8], _: u64, _: Option<Whole<'_>>) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(super) fn learn(_: &Arc<File>) {}
}

#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod linux {
    use super::*;
    use std::{
        os::{fd::AsRawFd, unix::fs::FileExt},
        ptr,
        sync::atomic::Ordering,
    };

    use rustix::{
        io::{Errno, ReadWriteFlags, preadv2},
        param::page_size,
        process::geteuid,
    };

    pub(super) use super::super::file_systems::learn;
    use super::super::file_systems::{Kind, known, look};

    /// Bytes of a file of which one is looked for to tell whether all are in memory. Linux reads ahead in pieces
    /// of this size, and mostly forgets them so; each look is a system call.
    const SAMPLE: usize = 128 * 1024;

    pub(super) fn is_in_memory(file: &File, bytes: &Range<u64>) -> bool {
        let mut samples = bytes.clone().step_by(SAMPLE);
        let has = |offset| read_now(file, &mut [0], offset);
        // Where the first cannot be told so, none can.
        match samples.next().map(has) {
            Some(Err(Errno::OPNOTSUPP)) => is_resident(file, bytes),
            first => {
                let mut reads = first.into_iter().chain(samples.map(has));
                reads.all(|read| read == Ok(1))
            }
        }
    }

    pub(super) fn read(
        file: &File,
        buffer: &mut [u8],
        offset: u64,
        whole: Option<Whole<'_>>,
    ) -> io::Result<usize> {
        let is_found = |whole: Whole<'_>| whole.is_resident.load(Ordering::Relaxed);
        if whole.is_some_and(is_found) {
            return file.read_at(buffer, offset);
        }
        match read_now(file, buffer, offset) {
            Err(Errno::OPNOTSUPP) => {}
            read => return Ok(read?),
        }
        let end = offset.saturating_add(buffer.len() as u64);
        let asked = whole.map_or(offset..end, |whole| 0..whole.length);
        if !is_resident(file, &asked) {
            return Err(Errno::AGAIN.into());
        }
        if let Some(whole) = whole {
            whole.is_resident.store(true, Ordering::Relaxed);
        }
        file.read_at(buffer, offset)
    }

    /// What the file system itself knows to be in memory.
    fn read_now(file: &File, buffer: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
        let buffers = &mut [io::IoSliceMut::new(buffer)];
        preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT)
    }

    /// Whether these bytes are in memory, for all that is known.
    fn is_resident(file: &File, bytes: &Range<u64>) -> bool {
        let Ok(stat) = look(file) else { return false };
        match known(&stat) {
            Some(Kind::Memory) => true,
            // To who does not own a file, mincore(2) may say of all of it that it is there.
            Some(Kind::Overlay) if stat.stx_uid == geteuid().as_raw() => {
                has_pages(file, bytes).unwrap_or(false)
            }
            Some(Kind::Overlay | Kind::Other) | None => false,
        }
    }

    /// Whether the kernel has all pages with these bytes.
    ///
    /// # Errors
    /// As mmap(2) gives them.
    fn has_pages(file: &File, bytes: &Range<u64>) -> io::Result<bool> {
        let page = page_size();
        let start = bytes.start - bytes.start % page as u64;
        let length = usize::try_from(bytes.end.saturating_sub(start)).map_err(io::Error::other)?;
        let offset = libc::off_t::try_from(start).map_err(io::Error::other)?;
        let mut pages = vec![0_u8; length.div_ceil(page)];
        // SAFETY: a new mapping, which nothing looks into and nobody else knows, is asked about and goes; `pages` has
        // a byte for each of its pages.
        let asked = unsafe {
            let (shared, fd) = (libc::MAP_SHARED, file.as_raw_fd());
            let mapping = libc::mmap(ptr::null_mut(), length, libc::PROT_READ, shared, fd, offset);
            if mapping == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let asked = libc::mincore(mapping, length, pages.as_mut_ptr());
            libc::munmap(mapping, length);
            asked
        };
        Ok(asked == 0 && pages.iter().all(|page| page & 1 == 1))
    }

    #[cfg(test)]
    mod tests {
        use super::{super::super::file_systems::learn_now, *};
        use std::io::Write;

        /// A file of one and a half pages.
        fn file_in(directory: &str) -> File {
            let mut file = tempfile::tempfile_in(directory).expect("a file");
            let bytes = vec![b'x'; page_size() * 3 / 2];
            file.write_all(&bytes).expect("room");
            file
        }

        #[test]
        fn all_of_tmpfs_is_in_memory_once_it_was_asked() {
            let file = file_in("/dev/shm");
            learn_now(&file);
            let (mut buffer, length) = ([0; 16], page_size() as u64);
            let read = read_from_memory(&file, &mut buffer, 0).map_err(|error| error.kind());
            assert_eq!((read, buffer), (Ok(16), [b'x'; 16]));
            assert!(super::is_in_memory(&file, &(0..length)));
        }

        #[test]
        fn what_was_found_is_not_asked_again() {
            let file = File::open("/proc/version").expect("a file that is none");
            let read = |residency: Residency| {
                let read = residency.read(&file, &mut [0; 10], 0, 10);
                read.map_err(|error| error.kind())
            };
            assert_eq!(read(Residency::default()), Err(io::ErrorKind::WouldBlock));
            assert_eq!(read(Residency(true.into())), Ok(10));
        }

        #[test]
        fn pages_are_told_one_by_one() {
            let (file, page) = (file_in("/dev/shm"), page_size() as u64);
            file.set_len(4 * page).expect("a hole");
            let has = |bytes| has_pages(&file, &bytes).expect("a mapping");
            assert!(has(0..2 * page) && has(page + 10..page + 20));
            assert!(!has(page..2 * page + 1) && !has(3 * page..4 * page));
        }

        #[test]
        fn of_what_is_no_file_nothing_is_known() {
            let file = File::open("/proc/version").expect("a file that is none");
            assert!(!super::is_in_memory(&file, &(0..10)));
            let error = read_from_memory(&file, &mut [0; 10], 0).map_err(|error| error.kind());
            assert_eq!(error, Err(io::ErrorKind::WouldBlock));
        }
    }
}
