//! Memory allocation: what is freed goes back to the system.

/// Has large blocks mapped one by one, so that each goes back when it is freed. glibc does so from 128 KiB
/// on, but only until the first such block is freed: then it takes it that blocks of this size come and
/// go, and keeps them (mallopt(3), `M_MMAP_THRESHOLD`). A thousand compressors that have been idle for
/// a minute would still hold their third of a gigabyte. To name the threshold keeps it where it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "mallopt(3) has no safe form")]
pub(super) fn return_large_blocks() {
    use std::sync::Once;

    const THRESHOLD: i32 = 128 * 1024;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: mallopt takes two numbers, and may be called at any time by any thread. Whether it
        // does anything is seen by nobody but who measures.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
    });
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn return_large_blocks() {}
