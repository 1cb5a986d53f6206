//! As whom programs run, and how much of the machine they may take.

use anyhow::{Context, Result, anyhow, bail};
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};

use crate::{
    args::Args,
    backend::{Confinement, Credentials, Limit},
};

/// Descriptors that every program is started with: stdin, stdout and stderr.
const PIPES: u64 = 3;

/// The number of nobody: system calls take it for "leave it as it is" (setresuid(2)), so that a program
/// "run as" it would run as root.
const UNCHANGED: u32 = u32::MAX;

/// What the flags hold a program to.
pub(super) fn confinement(args: &Args) -> Result<Confinement> {
    let credentials = credentials(args)?;
    let limits = args.limits.iter().map(|word| {
        limit(word, credentials.as_ref())
            .map_err(|reason| anyhow!("invalid value '{word}' for '--limits': {reason}"))
    });
    let limits: Vec<(Limit, u64)> = limits.collect::<Result<_>>()?;
    Ok(Confinement {
        limits,
        credentials,
    })
}

fn limit(word: &str, credentials: Option<&Credentials>) -> Result<(Limit, u64), String> {
    let (name, number) = word.split_once('=').ok_or("NAME=N is wanted")?;
    let limit = match name.trim() {
        "nofile" => Limit::OpenFiles,
        "cpu-seconds" => Limit::CpuSeconds,
        "memory" => Limit::Memory,
        "processes" => Limit::Processes,
        _ => return Err("nofile, cpu-seconds, memory or processes is wanted".to_owned()),
    };
    let number = number.trim().parse().map_err(|_| "a number is wanted")?;
    if limit == Limit::OpenFiles && number < PIPES {
        return Err(format!("a program has {PIPES} pipes, so it cannot be less"));
    }
    let user = credentials.map_or_else(|| geteuid().as_raw(), |credentials| credentials.user);
    if limit == Limit::Processes && user == 0 {
        return Err("root has no limit of processes (setrlimit(2)): give --user too".to_owned());
    }
    Ok((limit, number))
}

fn credentials(args: &Args) -> Result<Option<Credentials>> {
    let (flag, word) = match (&args.user, &args.group) {
        (None, None) => return Ok(None),
        (Some(user), _) => ("--user", user),
        (None, Some(group)) => ("--group", group),
    };
    if !geteuid().is_root() {
        bail!("invalid value '{word}' for '{flag}': only root can start programs as somebody else");
    }
    let user = args.user.as_deref().map(Account::find).transpose()?;
    let group = args.group.as_deref().map(group).transpose()?;
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

/// A user by name or number; a number need not be anybody's.
struct Account {
    id: Uid,
    entry: Option<User>,
}

impl Account {
    fn find(word: &str) -> Result<Self> {
        let number = number("--user", word)?.map(Uid::from_raw);
        let entry = match number {
            Some(id) => User::from_uid(id),
            None => User::from_name(word),
        };
        let entry = entry.with_context(|| format!("invalid value '{word}' for '--user'"))?;
        match number.or(entry.as_ref().map(|entry| entry.uid)) {
            Some(id) => Ok(Account { id, entry }),
            None => bail!("invalid value '{word}' for '--user': there is no such user"),
        }
    }
}

/// The number that a word is, if it is one.
fn number(flag: &str, word: &str) -> Result<Option<u32>> {
    match word.parse() {
        Ok(UNCHANGED) => bail!("invalid value '{word}' for '{flag}': nobody can have this number"),
        number => Ok(number.ok()),
    }
}

/// A group by name or number.
fn group(word: &str) -> Result<Gid> {
    if let Some(number) = number("--group", word)? {
        return Ok(Gid::from_raw(number));
    }
    let found = Group::from_name(word).ok().flatten();
    found
        .map(|group| group.gid)
        .ok_or_else(|| anyhow!("invalid value '{word}' for '--group': there is no such group"))
}

/// The groups that a user logs in with (getgrouplist(3)).
fn memberships(user: &User, main: Gid) -> Result<Vec<Gid>> {
    let name = std::ffi::CString::new(user.name.as_str()).context("a NUL in a user's name")?;
    Ok(getgrouplist(&name, main)?)
}
