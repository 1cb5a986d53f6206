//! Files of secrets: where they must not lie, who else may read them, and what is said where there is none.

use std::{os::unix::fs::PermissionsExt, path::Path};

use super::{
    flag_error::FlagError,
    pages::roots,
    route::{Entry, Route},
};
use crate::{
    args::{Args, ProgramArgs},
    http::pages::Router,
};

/// What others may do with a file (inode(7), `S_IROTH`, `S_IWOTH`).
const READABLE_BY_OTHERS: u32 = 0o004;
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// What is wrong with a file of secrets. Who has typed the secret itself in the place of its file is told so, and not
/// shown it.
pub(super) fn error(flag: &str, path: &Path, reason: &str) -> FlagError {
    let shown = path.display().to_string();
    if shown.is_empty() {
        return FlagError::about(flag, "is the name of a FILE, and none was given");
    }
    let may_be_secret = shown.contains(':') || flag != "--basic-auth" && !shown.contains('/');
    match !path.exists() && may_be_secret {
        true => {
            let tip = match flag {
                "--basic-auth" => "htpasswd -cB FILE NAME makes it, and asks for the password",
                "--bearer-tokens" => {
                    "it has lines NAME:sha256:HEX, each with the digest of a token, as sha256sum makes it"
                }
                _ => "head -c 32 /dev/urandom > FILE makes it, with chmod 0600 FILE",
            };
            let reason = format!(
                "is the name of a FILE, and there is none of the name that was given: {reason}"
            );
            FlagError::about(flag, reason).with_tip(tip)
        }
        false => FlagError::new(flag, shown, reason),
    }
}

/// Refuses files of secrets that could be asked for, or run.
///
/// # Errors
/// The first of them, with the flag by which it could; of a route, with its place.
pub(super) fn check_apart(
    args: &Args,
    routes: &[Route],
    router: &Router,
) -> Result<(), (Option<usize>, FlagError)> {
    let check = |flag, path: &Path| {
        let mut served = roots(router).filter(|(root, _)| root.has_beneath(path));
        served.next().map_or(Ok(()), |(root, user)| {
            let directory = root.path().display();
            let reason = format!(
                "it lies in the directory '{directory}' of {user}, from where anybody could have it: put it elsewhere"
            );
            Err(FlagError::new(flag, path.display(), reason))
        })
    };
    let of_program = |program: &ProgramArgs| {
        files(program)
            .into_iter()
            .try_for_each(|(flag, path)| check(flag, path))
    };
    let key = args.access.cookie_key.as_deref();
    let of_top = of_program(&args.program)
        .and_then(|()| key.map_or(Ok(()), |path| check("--cookie-key", path)));
    of_top.map_err(|error| (None, error))?;
    for (index, route) in checked(routes) {
        of_program(&route.program).map_err(|error| (Some(index), error))?;
    }
    Ok(())
}

/// What is to be said at the start of files that others may read or write.
pub(super) fn warnings(args: &Args, routes: &[Route]) -> Vec<String> {
    let of_routes = checked(routes).flat_map(|(_, route)| files(&route.program));
    let mut all: Vec<_> = files(&args.program).into_iter().chain(of_routes).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .filter_map(|(flag, path)| warning(flag, path))
        .collect()
}

fn warning(flag: &str, path: &Path) -> Option<String> {
    let mode = path.metadata().ok()?.permissions().mode();
    let harm = match (flag, mode) {
        (_, mode) if mode & WRITABLE_BY_OTHERS != 0 => "write it, and let themselves in",
        ("--basic-auth", mode) if mode & READABLE_BY_OTHERS != 0 => {
            "read it, and try passwords on its hashes"
        }
        _ => return None,
    };
    let (shown, mode) = (path.display(), mode & 0o777);
    let tip = shell_words::quote(&path.to_string_lossy()).into_owned();
    Some(format!(
        "{flag}={shown}: all users of this machine may {harm} (mode {mode:04o}): chmod 0600 {tip}"
    ))
}

/// The files of a program, by their flags.
fn files(program: &ProgramArgs) -> Vec<(&'static str, &Path)> {
    let auth = &program.auth;
    let passwords = auth
        .basic_auth
        .as_deref()
        .map(|path| ("--basic-auth", path));
    let tokens = auth.bearer_tokens.as_deref();
    let tokens = tokens.map(|path| ("--bearer-tokens", path));
    passwords.into_iter().chain(tokens).collect()
}

/// The routes that ask who their clients are.
fn checked(routes: &[Route]) -> impl Iterator<Item = (usize, &Route)> {
    let routes = routes.iter().enumerate();
    routes.filter(|(_, route)| route.entry == Entry::Checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_in_the_place_of_its_file_is_not_shown() {
        for (flag, value) in [
            ("--basic-auth", "alice:hunter2"),
            ("--bearer-tokens", "hunter2"),
            ("--bearer-tokens", "/ci:hunter2"),
            ("--cookie-key", "hunter2"),
        ] {
            let error = error(flag, Path::new(value), "no such file").to_string();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains(flag) && error.contains("FILE"), "{error}");
        }
        for (flag, value) in [("--basic-auth", "users"), ("--bearer-tokens", "etc/tokens")] {
            let error = error(flag, Path::new(value), "no such file").to_string();
            assert!(error.contains(value), "{error}");
        }
    }
}
