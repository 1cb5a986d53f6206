//! The limits of this machine and of this process on it.

use std::fs;

use rustix::process::{Resource as Rlimit, getrlimit, getuid};

use super::{cgroup, limit::Limit, processes, resource::Resource, subject::Subject};
use crate::backend::{Pty, Target, has_ptys};

/// Of a pipe, by default (pipe(7)).
const PAGES_A_PIPE: u64 = 16;

/// Pipes of a session.
const PIPES: u64 = 3;

/// What this machine allows.
#[derive(Debug, Default)]
pub struct Machine {
    /// Its limits, in no order.
    pub limits: Vec<Limit>,
    /// What does not limit the number of sessions, but what a session gets of the machine.
    pub notes: Vec<String>,
}

impl Machine {
    /// Reads it, as far as it matters to that program.
    ///
    /// To be called before a [`Spawner`](crate::backend::Spawner) is started, which raises the limit of
    /// open files.
    pub fn read(subject: &Subject) -> Self {
        let user = subject.user.unwrap_or_else(|| getuid().as_raw());
        let mut limits = Vec::new();
        limits.extend(descriptors());
        limits.extend(processes_of(user, subject.processes));
        limits.extend(tasks());
        limits.extend(files());
        limits.extend(memory());
        limits.extend(cgroup::limits());
        if subject.target.pty() != Pty::None {
            limits.extend(ptys());
        }
        Machine {
            limits,
            notes: [
                soft_limit(),
                backlog(subject.backlog),
                pipes().filter(|_| matches!(subject.target, Target::Program(..))),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

fn descriptors() -> Option<Limit> {
    Some(Limit {
        name: "open files of wsd (hard RLIMIT_NOFILE)".to_owned(),
        resource: Resource::Descriptors,
        most: getrlimit(Rlimit::Nofile).maximum?,
        used: processes::descriptors("self"),
        remedy: "LimitNOFILE=N in the [Service] section of a systemd unit, ulimit -Hn N before the start, --ulimit nofile=N of a container".to_owned(),
    })
}

/// `RLIMIT_NPROC` counts all of a user's threads, and does not hold root (getrlimit(2)).
fn processes_of(user: u32, processes: Option<(u64, &'static str)>) -> Option<Limit> {
    if user == 0 {
        return None;
    }
    let (most, remedy) = match processes {
        Some(limit) => limit,
        None => (
            getrlimit(Rlimit::Nproc).maximum?,
            "LimitNPROC=N in the [Service] section of a systemd unit, ulimit -Hu N before the start",
        ),
    };
    Some(Limit {
        name: format!("processes of user {user} (RLIMIT_NPROC)"),
        resource: Resource::Tasks,
        most,
        used: processes::threads_of_user(user),
        remedy: remedy.to_owned(),
    })
}

/// Both count threads: a process id is one.
fn tasks() -> Vec<Limit> {
    let used = fs::read_to_string("/proc/loadavg").ok();
    let used = used.as_deref().and_then(tasks_of_loadavg).unwrap_or(0);
    let limit = |name: &str| {
        Some(Limit {
            name: name.to_owned(),
            resource: Resource::Tasks,
            most: setting(name)?,
            used,
            remedy: format!("sysctl -w {name}=N"),
        })
    };
    ["kernel.pid_max", "kernel.threads-max"]
        .into_iter()
        .filter_map(limit)
        .collect()
}

/// All of `0.20 0.18 0.12 1/80 11206`: the number behind the slash.
fn tasks_of_loadavg(text: &str) -> Option<u64> {
    let tasks = text.split_whitespace().nth(3)?;
    tasks.split_once('/')?.1.parse().ok()
}

fn files() -> Option<Limit> {
    let used = setting("fs.file-nr").unwrap_or(0);
    Some(Limit {
        name: "fs.file-max".to_owned(),
        resource: Resource::Files,
        most: setting("fs.file-max")?,
        used,
        remedy: "sysctl -w fs.file-max=N".to_owned(),
    })
}

/// What can be had without swapping.
fn memory() -> Option<Limit> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let bytes = |name| kibibytes(&text, name).map(|number| number * 1024);
    let (most, free) = (bytes("MemTotal:")?, bytes("MemAvailable:")?);
    Some(Limit {
        name: "memory of this machine".to_owned(),
        resource: Resource::Memory,
        most,
        used: most.saturating_sub(free),
        remedy: "more memory, or a smaller program".to_owned(),
    })
}

/// Pseudoterminals, of which a session takes one.
fn ptys() -> Option<Limit> {
    if !has_ptys() {
        return Some(Limit {
            name: "pseudoterminals (devpts at /dev/pts)".to_owned(),
            resource: Resource::Sessions,
            most: 0,
            used: 0,
            remedy: "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts".to_owned(),
        });
    }
    Some(Limit {
        name: "kernel.pty.max".to_owned(),
        resource: Resource::Sessions,
        most: setting("kernel.pty.max")?,
        used: setting("kernel.pty.nr").unwrap_or(0),
        remedy: "sysctl -w kernel.pty.max=N".to_owned(),
    })
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    lines.next()?.split_whitespace().next()?.parse().ok()
}

/// The first number of a file beneath /proc/sys, by the name that sysctl(8) has for it.
fn setting(name: &str) -> Option<u64> {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn soft_limit() -> Option<String> {
    let limit = getrlimit(Rlimit::Nofile);
    let soft = limit.current?;
    (limit.current != limit.maximum).then(|| {
        format!(
            "The soft limit of open files is {soft}: wsd raises its own to the hard one, programs keep {soft}."
        )
    })
}

fn backlog(wanted: u64) -> Option<String> {
    let most = setting("net.core.somaxconn")?.min(wanted);
    let remedy = match most < wanted {
        true => ", for more: sysctl -w net.core.somaxconn=N",
        false => "",
    };
    Some(format!(
        "Connections that come in one moment: {most} wait to be accepted{remedy}."
    ))
}

/// Beyond a user's share of pages new pipes are smaller (pipe(7), `pipe-user-pages-soft`), which root does
/// not notice. It is wsd who opens them.
fn pipes() -> Option<String> {
    let own = getuid().as_raw();
    let pages = setting("fs.pipe-user-pages-soft")?;
    if own == 0 || pages == 0 {
        return None;
    }
    let sessions = pages / PAGES_A_PIPE / PIPES;
    Some(format!(
        "Beyond some {sessions} sessions pipes hold 8 KiB rather than 64 KiB: sysctl -w fs.pipe-user-pages-soft=0."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_the_machine_stand_behind_the_slash() {
        assert_eq!(tasks_of_loadavg("0.20 0.18 0.12 1/80 11206\n"), Some(80));
        for nonsense in ["", "0.20 0.18 0.12", "a b c d e", "1 2 3 4/x"] {
            assert_eq!(tasks_of_loadavg(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn root_has_no_limit_of_processes() {
        let set = Some((5, "another number"));
        assert_eq!(processes_of(0, set), None);
        let limit = processes_of(12345, set).expect("a limit");
        assert_eq!((limit.most, limit.used), (5, 0));
        assert_eq!(limit.remedy, "another number");
    }
}
