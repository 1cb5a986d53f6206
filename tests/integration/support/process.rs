//! Processes as proc(5) shows them.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::eventually;

/// Sends a signal; nothing happens if the process is gone.
pub(crate) fn kill(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id");
    let _ = kill_process(pid, signal);
}

/// The same to the process group that a process leads.
pub(crate) fn kill_group(leader: i32, signal: Signal) {
    let leader = Pid::from_raw(leader).expect("a process id");
    let _ = kill_process_group(leader, signal);
}

/// The state letter of a process, `None` if there is none.
pub(crate) fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Whether a process exists and is no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits until a process is gone.
pub(crate) fn wait_until_gone(pid: i32) {
    eventually(&format!("process {pid} is gone"), || !is_alive(pid));
}

/// The children of a process, but for the orphan killer that every gateway has.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let children = all_children_of(parent).into_iter();
    children
        .filter(|(_, stat)| !stat.contains(ORPHAN_KILLER))
        .map(|(pid, _)| pid)
        .collect()
}

/// The orphan killer of a gateway.
pub(crate) fn orphan_killer_of(gateway: i32) -> i32 {
    let mut children = all_children_of(gateway).into_iter();
    let orphan_killer = children.find(|(_, stat)| stat.contains(ORPHAN_KILLER));
    orphan_killer.expect("a gateway has an orphan killer").0
}

const ORPHAN_KILLER: &str = "(orphan-killer)";

/// Process ids and their lines of proc_pid_stat(5).
fn all_children_of(parent: i32) -> Vec<(i32, String)> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let found = fields.split_whitespace().nth(1);
        if found.and_then(|field| field.parse().ok()) == Some(parent) {
            children.push((pid, stat));
        }
    }
    children
}

/// Processor time that a process has used, in ticks of a hundredth of a second: unlike time on the clock it
/// does not grow with what else the machine does.
pub(crate) fn cpu_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    let times = fields.skip(11).take(2).map(str::parse::<u64>);
    times.map(|time| time.expect("utime and stime")).sum()
}
