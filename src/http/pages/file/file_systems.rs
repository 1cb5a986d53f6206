//! On which file systems files are in memory, and how that can be told: [`Kind`], learned where one may wait.
//!
//! # How it works
//! Only the file system itself says what it is (statfs(2)), and one on a network or in a process would be asked for it.
//! So who has read a body from the disk has a thread ask that may wait, and who may not wait knows what was answered
//! lately. The numbers of devices that are none, and of mounts, are given anew when one is unmounted, so it is not known
//! for long.

use std::{
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::fs::{AtFlags, Statx, StatxFlags, fstatfs, statx};
use tokio::runtime::Handle;

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
    /// Another, or one that does not say, or has not said it yet.
    Other,
}

/// A mount, and the device that is mounted: number, major and minor number.
type MountId = (u64, u32, u32);

#[derive(Debug)]
struct Answer {
    mount: MountId,
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
    let found = answers.iter().find(|answer| answer.mount == mount(file));
    found
        .filter(|answer| answer.counts())
        .map(|answer| answer.kind)
}

/// Has the file system with this file asked what it is, unless that is known or asked already. Whoever waits for the
/// answer, it is not the caller.
pub(super) fn learn(file: &Arc<File>) {
    let (Ok(stat), Ok(runtime)) = (look(file), Handle::try_current()) else {
        return;
    };
    let mount = mount(&stat);
    if is_new(mount) {
        let file = Arc::clone(file);
        runtime.spawn_blocking(move || note(mount, ask(&file)));
    }
}

/// Whether nobody asks, or has asked lately; from then on somebody does.
fn is_new(mount: MountId) -> bool {
    let mut answers = ANSWERS.lock();
    let is_known = |answer: &Answer| answer.mount == mount && answer.counts();
    let is_new = !answers.iter().any(is_known);
    if is_new {
        put(&mut answers, mount, Kind::Other);
    }
    is_new
}

/// The same, with the caller who waits.
#[cfg(test)]
pub(super) fn learn_now(file: &File) {
    let stat = look(file).expect("its mount");
    note(mount(&stat), ask(file));
}

/// Asks a file system what it is.
fn ask(file: &File) -> Kind {
    match fstatfs(file).map(|system| u32::try_from(system.f_type)) {
        Ok(Ok(TMPFS)) => Kind::Memory,
        Ok(Ok(OVERLAYFS)) => Kind::Overlay,
        _ => Kind::Other,
    }
}

fn note(mount: MountId, kind: Kind) {
    put(&mut ANSWERS.lock(), mount, kind);
}

fn put(answers: &mut Vec<Answer>, mount: MountId, kind: Kind) {
    let since = Instant::now();
    answers.retain(|answer| answer.counts() && answer.mount != mount);
    answers.push(Answer { mount, kind, since });
}

/// What the kernel has at hand of a file (statx(2), `AT_STATX_DONT_SYNC`).
///
/// # Errors
/// `ENOSYS` before Linux 4.11.
pub(super) fn look(file: &File) -> rustix::io::Result<Statx> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    statx(file, "", flags, StatxFlags::UID | StatxFlags::MNT_ID)
}

fn mount(file: &Statx) -> MountId {
    (file.stx_mnt_id, file.stx_dev_major, file.stx_dev_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its mount, and what becomes known of that once it is asked.
    fn learnt(file: File) -> (MountId, Option<Kind>) {
        let file = Arc::new(file);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        let asked = runtime.block_on(async {
            learn(&file);
            // The one thread has asked before.
            tokio::task::spawn_blocking(|| ()).await
        });
        asked.expect("nothing panics");
        let stat = look(&file).expect("its mount");
        (mount(&stat), known(&stat))
    }

    #[test]
    fn what_a_file_system_is_is_known_once_it_was_asked() {
        let shared = tempfile::tempfile_in("/dev/shm").expect("a file");
        assert_eq!(learnt(shared).1, Some(Kind::Memory));
        let version = File::open("/proc/version").expect("a file that is none");
        assert_eq!(learnt(version).1, Some(Kind::Other));
    }

    #[test]
    fn answer_does_not_count_for_ever() {
        // That no other test asks.
        let file = File::open("/sys/kernel/mm").expect("a directory");
        let stat = look(&file).expect("its mount");
        let (mount, kind) = learnt(file);
        assert_eq!(kind, Some(Kind::Other));
        for answer in ANSWERS
            .lock()
            .iter_mut()
            .filter(|answer| answer.mount == mount)
        {
            let long_ago = answer.since.checked_sub(KNOWN_FOR);
            answer.since = long_ago.expect("the machine has run for longer");
        }
        assert_eq!(known(&stat), None);
    }
}
