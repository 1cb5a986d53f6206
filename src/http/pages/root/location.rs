//! Where an open file is now: the path by which the system knows it, without links.
#![cfg_attr(
    target_os = "freebsd",
    allow(unsafe_code, reason = "F_KINFO has no safe form that takes any name")
)]

use std::{io, os::fd::AsFd, path::PathBuf};

/// That path, absolute (Linux: proc_pid_fd(5); macOS: fcntl(2), `F_GETPATH`; FreeBSD: fcntl(2), `F_KINFO`).
///
/// # Errors
/// When the system does not tell; on Linux without `/proc`, and on FreeBSD for a file that nobody has looked up lately.
#[cfg(target_os = "linux")]
pub(super) fn location(file: &impl AsFd) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

#[cfg(target_vendor = "apple")]
pub(super) fn location(file: &impl AsFd) -> io::Result<PathBuf> {
    let path = rustix::fs::getpath(file)?;
    Ok(path_of(path.to_bytes()))
}

#[cfg(target_os = "freebsd")]
pub(super) fn location(file: &impl AsFd) -> io::Result<PathBuf> {
    use std::{ffi::CStr, os::fd::AsRawFd};
    // SAFETY: numbers and arrays of them may be zero.
    let mut info: libc::kinfo_file = unsafe { std::mem::zeroed() };
    info.kf_structsize = size_of::<libc::kinfo_file>() as libc::c_int;
    let file = file.as_fd().as_raw_fd();
    // SAFETY: the call writes one such structure, whose size it checks.
    if unsafe { libc::fcntl(file, libc::F_KINFO, &raw mut info) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let path = info.kf_path.map(|byte| byte.cast_unsigned());
    match CStr::from_bytes_until_nul(&path) {
        Ok(path) if !path.is_empty() => Ok(path_of(path.to_bytes())),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    OsStr::from_bytes(bytes).into()
}
