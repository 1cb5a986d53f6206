//! On which file systems files are in memory, and how that can be told: [`Kind`], learned where one may wait.
//!
//! # How it works
//! Only the file system itself says what it is (statfs(2)), and one on a network or in a process would be asked for it.
//! So who reads from the disk, and waits, asks; who may not wait knows what was answered lately. The numbers of devices
//! that are none are given anew when one is unmounted, so it is not known for long.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::fs::{AtFlags, Statx, StatxFlags, fstatfs, statx};

/// How long an answer counts. Shorter would wait for the disk too often; longer, and a file system that is mounted where
/// another was might be taken for that.
const KNOWN_FOR: Duration = Duration::from_secs(10);
/// `TMPFS_MAGIC` and `OVERLAYFS_SUPER_MAGIC` (statfs(2)).
const TMPFS: u32 = 0x0102_1994;
const OVERLAYFS: u32 = 0x794c_7630;

/// A file system, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// tmpfs: all is in memory, or in swap, as all memory may be.
    Memory,
    /// overlayfs: what is in memory is the kernel's own, of the files beneath.
    Overlay,
    Other,
}

/// Major and minor number.
type Device = (u32, u32);

#[derive(Debug)]
struct Answer {
    device: Device,
    kind: Kind,
    since: Instant,
}

impl Answer {
    fn counts(&self) -> bool {
        self.since.elapsed() < KNOWN_FOR
    }
}

/// What was answered lately.
static ANSWERS: Mutex<Vec<Answer>> = Mutex::new(Vec::new());

/// What is known of the file system with this file, without asking it.
pub(super) fn known(file: &Statx) -> Option<Kind> {
    let answers = ANSWERS.lock();
    let found = answers.iter().find(|answer| answer.device == device(file));
    found
        .filter(|answer| answer.counts())
        .map(|answer| answer.kind)
}

/// Asks the file system with this file what it is, unless that is known. It may wait.
pub(super) fn learn(file: &File) {
    let Ok(stat) = look(file) else { return };
    if known(&stat).is_some() {
        return;
    }
    let Ok(system) = fstatfs(file) else { return };
    let kind = match u32::try_from(system.f_type) {
        Ok(TMPFS) => Kind::Memory,
        Ok(OVERLAYFS) => Kind::Overlay,
        _ => Kind::Other,
    };
    let (device, since) = (device(&stat), Instant::now());
    let mut answers = ANSWERS.lock();
    answers.retain(|answer| answer.counts() && answer.device != device);
    answers.push(Answer {
        device,
        kind,
        since,
    });
}

/// What the kernel has at hand of a file (statx(2), `AT_STATX_DONT_SYNC`).
///
/// # Errors
/// `ENOSYS` before Linux 4.11.
pub(super) fn look(file: &File) -> rustix::io::Result<Statx> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    statx(file, "", flags, StatxFlags::UID)
}

fn device(file: &Statx) -> Device {
    (file.stx_dev_major, file.stx_dev_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_system_is_is_known_once_it_was_asked() {
        let file = tempfile::tempfile_in("/dev/shm").expect("a file");
        let stat = look(&file).expect("its device");
        learn(&file);
        assert_eq!(known(&stat), Some(Kind::Memory));
        // No device has this number (makedev(3)).
        let mut other = stat;
        other.stx_dev_major = u32::MAX;
        assert_eq!(known(&other), None);
    }

    #[test]
    fn answer_does_not_count_for_ever() {
        let file = File::open("/proc/version").expect("a file that is none");
        let stat = look(&file).expect("its device");
        learn(&file);
        assert_eq!(known(&stat), Some(Kind::Other));
        for answer in ANSWERS.lock().iter_mut() {
            if answer.device == device(&stat) {
                let long_ago = answer.since.checked_sub(KNOWN_FOR);
                answer.since = long_ago.expect("the machine has run for longer");
            }
        }
        assert_eq!(known(&stat), None);
    }
}
