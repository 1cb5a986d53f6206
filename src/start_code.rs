//! What of the program's files was looked at to start: [`give_back_start_code`].
//!
//! A page of a file is mapped with fifteen neighbours, so a start that goes once through parsing, checking and opening
//! maps most of the binary and half of the C library: six megabytes that count as the process's, of which a server that
//! waits for clients uses a few. They stay in the system's cache, and what is needed again is mapped again when it is.

/// Has the pages of all files that are mapped and cannot be written to taken out of the process (madvise(2),
/// `MADV_DONTNEED`). Each that is used again costs a fault of a microsecond.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
#[allow(
    unsafe_code,
    reason = "dl_iterate_phdr(3) and madvise(2) have no safe form"
)]
pub fn give_back_start_code() {
    use std::{ffi::c_void, ptr};

    /// One object: the program, or a library.
    unsafe extern "C" fn give_back(
        object: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        _data: *mut c_void,
    ) -> libc::c_int {
        // SAFETY: the object and its headers are there until this returns.
        let (base, headers) = unsafe {
            let object = &*object;
            if object.dlpi_phdr.is_null() {
                return 0;
            }
            let count = usize::from(object.dlpi_phnum);
            (
                object.dlpi_addr as usize,
                std::slice::from_raw_parts(object.dlpi_phdr, count),
            )
        };
        let page = rustix::param::page_size();
        for header in headers {
            if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
                continue;
            }
            // Whole pages: what shares one with something else stays.
            let first = base + header.p_vaddr as usize;
            let start = first.next_multiple_of(page);
            let end = (first + header.p_filesz as usize) / page * page;
            if start < end {
                let pages = ptr::with_exposed_provenance_mut(start);
                // SAFETY: a segment without the right to write is as it is in its file, from which each page that is
                // used again comes back; it cannot be unloaded while this function is called.
                unsafe { libc::madvise(pages, end - start, libc::MADV_DONTNEED) };
            }
        }
        0
    }

    // SAFETY: the function fits, does not unwind, and needs no data.
    unsafe { libc::dl_iterate_phdr(Some(give_back), ptr::null_mut()) };
}

/// Other systems map what is asked for.
#[cfg(not(all(target_os = "linux", not(wsd_portable))))]
pub fn give_back_start_code() {}

#[cfg(all(test, target_os = "linux", not(wsd_portable)))]
mod tests {
    use super::*;
    use std::fs;

    /// KiB of files that are mapped and in memory (proc_pid_status(5)).
    fn resident() -> u64 {
        let status = fs::read_to_string("/proc/self/status").expect("it is there");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("RssFile:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.expect("a figure").parse().expect("a number")
    }

    #[test]
    fn what_is_given_back_is_resident_no_more_and_comes_back() {
        // Other tests map theirs meanwhile.
        let shrinks = |_| {
            let before = resident();
            give_back_start_code();
            resident() < before
        };
        assert!((0..100).any(shrinks));
    }
}
