//! As whom programs run, and how much of the machine they may take.

use std::fs;

use nix::unistd::{Gid, geteuid};
use rustix::process::{Resource, getrlimit};

use super::{account, flag_error::FlagError, memberships::memberships};
use crate::{
    args::ProcessArgs,
    backend::{Credentials, ProcessAttributes, Rlimit},
};

/// Descriptors that every program is started with: stdin, stdout and stderr.
const PIPES: u64 = 3;

/// What the flags hold a program to.
pub(super) fn process_attributes(args: &ProcessArgs) -> Result<ProcessAttributes, FlagError> {
    let credentials = credentials(args)?;
    let rlimit = |word: &String| {
        limit(word, credentials.as_ref()).map_err(|reason| FlagError::new("--limits", word, reason))
    };
    let rlimits: Vec<(Rlimit, u64)> = args.limits.iter().map(rlimit).collect::<Result<_, _>>()?;
    for (index, (limit, _)) in rlimits.iter().enumerate() {
        if rlimits[..index].iter().any(|(other, _)| other == limit) {
            return Err(FlagError::new(
                "--limits",
                args.limits.join(","),
                "each limit can be given once",
            ));
        }
    }
    Ok(ProcessAttributes {
        rlimits,
        credentials,
    })
}

fn limit(word: &str, credentials: Option<&Credentials>) -> Result<(Rlimit, u64), String> {
    let (name, number) = word.split_once('=').ok_or("expected NAME=N")?;
    let limit = match name.trim() {
        "nofile" => Rlimit::OpenFiles,
        "cpu-seconds" => Rlimit::CpuSeconds,
        "memory" => Rlimit::Memory,
        "processes" => Rlimit::Processes,
        _ => return Err("expected nofile, cpu-seconds, memory or processes".to_owned()),
    };
    let number = number
        .trim()
        .parse()
        .map_err(|_| "expected a number, 0 or more")?;
    check_settable(limit, number)?;
    if limit == Rlimit::OpenFiles && number < PIPES {
        return Err(format!("a program has {PIPES} pipes, so it cannot be less"));
    }
    let user = credentials.map_or_else(|| geteuid().as_raw(), |credentials| credentials.user);
    if limit == Rlimit::Processes && user == 0 {
        return Err("root has no limit of processes (setrlimit(2)): give --user too".to_owned());
    }
    Ok((limit, number))
}

/// Refuses what setrlimit(2) would refuse at the start of each program.
fn check_settable(limit: Rlimit, number: u64) -> Result<(), String> {
    if let Some(most) = hard_limit(limit).filter(|most| number > *most && !may_raise_limits()) {
        return Err(format!(
            "wsd's own limit is {most} (ulimit -H), and raising it takes root (CAP_SYS_RESOURCE, which \
             containers seldom have)"
        ));
    }
    match most_files().filter(|most| limit == Rlimit::OpenFiles && number > *most) {
        Some(most) => Err(format!(
            "no process of this machine may have more than {most} (sysctl fs.nr_open)"
        )),
        None => Ok(()),
    }
}

/// Whether limits may be raised (capabilities(7), `CAP_SYS_RESOURCE`), which root in a container often may not.
fn may_raise_limits() -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CapabilitySet, capabilities};
        capabilities(None).is_ok_and(|own| own.effective.contains(CapabilitySet::SYS_RESOURCE))
    }
    #[cfg(not(target_os = "linux"))]
    geteuid().is_root()
}

/// How many descriptors a limit may allow at most, whoever sets it (proc_sys_fs(5)); elsewhere than on Linux `None`.
fn most_files() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/fs/nr_open").ok()?;
    text.trim().parse().ok()
}

/// The most that wsd itself may have; `None` is no limit.
fn hard_limit(limit: Rlimit) -> Option<u64> {
    let resource = match limit {
        Rlimit::OpenFiles => Resource::Nofile,
        Rlimit::CpuSeconds => Resource::Cpu,
        Rlimit::Memory => Resource::As,
        Rlimit::Processes => Resource::Nproc,
    };
    getrlimit(resource).maximum
}

fn credentials(args: &ProcessArgs) -> Result<Option<Credentials>, FlagError> {
    let (flag, word) = match (&args.user, &args.group) {
        (None, None) => return Ok(None),
        (Some(user), _) => ("--user", user),
        (None, Some(group)) => ("--group", group),
    };
    let invalid = |reason: &str| FlagError::new(flag, word, reason);
    if !geteuid().is_root() {
        return Err(invalid("only root can start programs as another user"));
    }
    let user = named("--user", args.user.as_deref(), account::user)?;
    let group = named("--group", args.group.as_deref(), account::group)?;
    let found = user.as_ref().and_then(|account| account.entry.as_ref());
    let Some(main) = group.or(found.map(|entry| entry.gid)) else {
        return Err(invalid("no user has this number, so give --group too"));
    };
    let groups = match found {
        Some(entry) if group.is_none() => {
            memberships(entry, main).map_err(|reason| invalid(&reason))?
        }
        _ => vec![main],
    };
    Ok(Some(Credentials {
        user: user.map_or_else(geteuid, |account| account.id).as_raw(),
        group: main.as_raw(),
        groups: groups.into_iter().map(Gid::as_raw).collect(),
    }))
}

fn named<T>(
    flag: &str,
    word: Option<&str>,
    find: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, FlagError> {
    let found = word.map(|word| find(word).map_err(|reason| FlagError::new(flag, word, reason)));
    found.transpose()
}
