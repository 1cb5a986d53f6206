//! The processes of this machine, as proc(5) shows them.

use std::{fs, os::unix::fs::MetadataExt};

/// What some processes take together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) processes: u64,
    pub(super) threads: u64,
    /// Bytes: see [`memory`].
    pub(super) memory: u64,
    /// Open descriptors of their own, as far as we may count them.
    pub(super) descriptors: u64,
}

/// The processes of one group, which is that of its leader (setpgid(2)).
pub(super) fn of_group(leader: u32) -> Taken {
    let mut taken = Taken::default();
    for process in all() {
        let stat = read(process, "stat").unwrap_or_default();
        if group(&stat) != Some(leader) {
            continue;
        }
        let status = read(process, "status").unwrap_or_default();
        taken.processes += 1;
        taken.threads += field(&status, "Threads:").unwrap_or(1);
        taken.memory += memory(process, &status);
        taken.descriptors += descriptors(&process.to_string());
    }
    taken
}

/// Threads of all processes of a user.
pub(super) fn threads_of_user(user: u32) -> u64 {
    let is_theirs = |process: &u32| {
        let metadata = fs::metadata(format!("/proc/{process}"));
        metadata.is_ok_and(|metadata| metadata.uid() == user)
    };
    let threads = |process: u32| field(&read(process, "status")?, "Threads:");
    all().filter(is_theirs).filter_map(threads).sum()
}

/// Open descriptors of a process, `self` being one; 0 if they are not ours to see.
pub(super) fn descriptors(process: &str) -> u64 {
    fs::read_dir(format!("/proc/{process}/fd")).map_or(0, |entries| entries.count() as u64)
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn read(process: u32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/{file}")).ok()
}

/// What a process takes: its proportional share of what it has mapped (PSS), else all of it (RSS), which
/// is too much where pages are shared; and its page tables, which neither counts.
fn memory(process: u32, status: &str) -> u64 {
    let rollup = read(process, "smaps_rollup");
    let share = rollup.and_then(|rollup| field(&rollup, "Pss:"));
    let whole = || field(status, "VmRSS:");
    let kibibytes = share.or_else(whole).unwrap_or(0) + field(status, "VmPTE:").unwrap_or(0);
    kibibytes * 1024
}

/// The number behind a name, of lines such as `Pss:  80 kB`.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    lines.next()?.split_whitespace().next()?.parse().ok()
}

/// The session of a process, by its `stat`: `PID (NAME) STATE PPID PGRP SESSION …`, where NAME may hold
/// spaces and parentheses.
fn group(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_is_found_behind_any_name() {
        assert_eq!(group("7 (cat) S 1 6 7 0 -1"), Some(6));
        assert_eq!(group("7 (a) S 9 (b) S 1 5 7 0 -1"), Some(5));
        assert_eq!(group("7 (cat"), None);
        assert_eq!(group(""), None);
    }

    #[test]
    fn fields_are_numbers_behind_their_names() {
        let text = "Rss:       1024 kB\nPss:         80 kB\nPss_Dirty:   12 kB\n";
        assert_eq!(field(text, "Pss:"), Some(80));
        assert_eq!(field(text, "Swap:"), None);
        assert_eq!(field("Pss: much\n", "Pss:"), None);
    }

    #[test]
    fn process_of_its_own_is_counted() {
        let own = std::process::id();
        let stat = read(own, "stat").expect("of ourselves");
        let taken = of_group(group(&stat).expect("a group"));
        assert!(taken.threads >= taken.processes && taken.processes > 0);
        assert!(taken.memory > 0 && taken.descriptors > 2, "{taken:?}");
    }
}
