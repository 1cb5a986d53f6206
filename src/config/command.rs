//! The words of a COMMAND, and which file it is, found once, at the start.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{command_tips, flag_error::FlagError};

/// The words of a command that stands in one, as a shell would split it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn split(command: &str) -> Result<Vec<OsString>, &'static str> {
    let words = shell_words::split(command).map_err(|_| "a quote is not closed")?;
    match words.is_empty() {
        true => Err("the command is missing"),
        false => Ok(words.into_iter().map(Into::into).collect()),
    }
}

/// The executable file that a word names: a path if it has a slash, else the first in PATH (POSIX XCU
/// 2.9.1.4).
///
/// # Errors
/// Why it cannot be executed, and what may help.
pub(super) fn find(name: &OsStr) -> Result<PathBuf, FlagError> {
    let shown = name.to_string_lossy();
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(reason) => {
                let tip = command_tips::tip(&shown).filter(|_| !path.is_file());
                let tip = tip.map(|tip| format!("\n\n  tip: {tip}"));
                let tip = tip.unwrap_or_default();
                Err(FlagError::about(
                    "COMMAND",
                    format!("'{shown}' cannot be executed: {reason}{tip}"),
                ))
            }
        };
    }
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let found = env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| executable(candidate).is_ok());
    let tip = match found {
        // An empty element of PATH is the working directory, and execve(2) knows no PATH.
        Some(file) if file.as_os_str().as_bytes().contains(&b'/') => return Ok(file),
        Some(file) => return Ok(Path::new(".").join(file)),
        None if Path::new(name).is_file() => format!("the file here is './{shown}'"),
        None => command_tips::tip(&shown)
            .unwrap_or_else(|| "give its path, or add its directory to PATH".to_owned()),
    };
    let reason = format!("'{shown}' is not in PATH\n\n  tip: {tip}");
    Err(FlagError::about("COMMAND", reason))
}

fn executable(path: &Path) -> Result<(), String> {
    let metadata = path.metadata().map_err(|error| describe(&error))?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    access(path, Access::EXEC_OK).map_err(|error| match error {
        rustix::io::Errno::ACCESS => {
            format!("it is not executable\n\n  tip: chmod +x {}", path.display())
        }
        error => describe(&error.into()),
    })
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    }
}
