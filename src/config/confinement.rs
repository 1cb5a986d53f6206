//! As whom programs run, and how much of the machine they may take.

use anyhow::{Context, Result, anyhow, bail};
use nix::unistd::{Gid, User, geteuid, getgrouplist};
use rustix::process::{Resource, getrlimit};

use super::account;
use crate::{
    args::Args,
    backend::{Credentials, ProcessAttributes, Rlimit},
};

/// Descriptors that every program is started with: stdin, stdout and stderr.
const PIPES: u64 = 3;

/// What the flags hold a program to.
pub(super) fn confinement(args: &Args) -> Result<ProcessAttributes> {
    let credentials = credentials(args)?;
    let limits = args.program.process.limits.iter().map(|word| {
        limit(word, credentials.as_ref())
            .map_err(|reason| anyhow!("invalid value '{word}' for '--limits': {reason}"))
    });
    let limits: Vec<(Rlimit, u64)> = limits.collect::<Result<_>>()?;
    for (index, (limit, _)) in limits.iter().enumerate() {
        if limits[..index].iter().any(|(other, _)| other == limit) {
            let words = args.program.process.limits.join(",");
            bail!("invalid value '{words}' for '--limits': each limit can be given once");
        }
    }
    Ok(ProcessAttributes {
        rlimits: limits,
        credentials,
    })
}

fn limit(word: &str, credentials: Option<&Credentials>) -> Result<(Rlimit, u64), String> {
    let (name, number) = word.split_once('=').ok_or("NAME=N is wanted")?;
    let limit = match name.trim() {
        "nofile" => Rlimit::OpenFiles,
        "cpu-seconds" => Rlimit::CpuSeconds,
        "memory" => Rlimit::Memory,
        "processes" => Rlimit::Processes,
        _ => return Err("nofile, cpu-seconds, memory or processes is wanted".to_owned()),
    };
    let number = number
        .trim()
        .parse()
        .map_err(|_| "a number is wanted, 0 or more")?;
    if let Some(most) = hard_limit(limit).filter(|most| number > *most && !geteuid().is_root()) {
        return Err(format!(
            "wsd's own limit is {most} (ulimit -H), and only root can raise it"
        ));
    }
    if limit == Rlimit::OpenFiles && number < PIPES {
        return Err(format!("a program has {PIPES} pipes, so it cannot be less"));
    }
    let user = credentials.map_or_else(|| geteuid().as_raw(), |credentials| credentials.user);
    if limit == Rlimit::Processes && user == 0 {
        return Err("root has no limit of processes (setrlimit(2)): give --user too".to_owned());
    }
    Ok((limit, number))
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

fn credentials(args: &Args) -> Result<Option<Credentials>> {
    let (flag, word) = match (&args.program.process.user, &args.program.process.group) {
        (None, None) => return Ok(None),
        (Some(user), _) => ("--user", user),
        (None, Some(group)) => ("--group", group),
    };
    if !geteuid().is_root() {
        bail!("invalid value '{word}' for '{flag}': only root can start programs as somebody else");
    }
    let user = named(
        "--user",
        args.program.process.user.as_deref(),
        account::user,
    )?;
    let group = named(
        "--group",
        args.program.process.group.as_deref(),
        account::group,
    )?;
    let found = user.as_ref().and_then(|account| account.entry.as_ref());
    let Some(main) = group.or(found.map(|entry| entry.gid)) else {
        bail!("invalid value '{word}' for '--user': nobody has this number, so give --group too");
    };
    let groups = match found {
        Some(entry) if group.is_none() => memberships(entry, main)?,
        _ => vec![main],
    };
    Ok(Some(Credentials {
        user: user.map_or_else(geteuid, |account| account.id).as_raw(),
        group: main.as_raw(),
        groups: groups.into_iter().map(Gid::as_raw).collect(),
    }))
}

fn named<T>(flag: &str, word: Option<&str>, find: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
    let Some(word) = word else {
        return Ok(None);
    };
    let found = find(word).with_context(|| format!("invalid value '{word}' for '{flag}'"));
    found.map(Some)
}

/// The groups that a user logs in with (getgrouplist(3)).
fn memberships(user: &User, main: Gid) -> Result<Vec<Gid>> {
    let name = std::ffi::CString::new(user.name.as_str()).context("a NUL in a user's name")?;
    Ok(getgrouplist(&name, main)?)
}
