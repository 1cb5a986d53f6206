//! The key that signs cookies, from a file that nobody else may read.

use std::{io::Read, os::unix::fs::PermissionsExt, path::Path};

use super::{flag_error::FlagError, secret_files};
use crate::{args::Args, http::access::CookieKey, regular_file};

/// Its bytes.
const KEY: usize = 32;

/// What signs cookies, where other processes are to know them.
///
/// # Errors
/// When the file is none to keep a key in, or has none.
pub(super) fn cookie_key(args: &Args) -> Result<Option<CookieKey>, FlagError> {
    let Some(path) = &args.access.cookie_key else {
        return Ok(None);
    };
    let invalid = |reason: String| secret_files::error("--cookie-key", path, &reason);
    let key = read_key(path).map_err(invalid)?;
    Ok(Some(CookieKey::new(&key)))
}

fn read_key(path: &Path) -> Result<[u8; KEY], String> {
    const REMEDY: &str = "make it with 'head -c 32 /dev/urandom', in a file of mode 0600";
    let cannot = |error| format!("cannot be read: {error}");
    let file = regular_file::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(format!(
            "others may read or write it (mode {mode:04o}), and could be anyone: chmod 0600 it"
        ));
    }
    let mut bytes = Vec::new();
    file.take(KEY as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| match length > KEY {
        true => format!("expected {KEY} random bytes, and there are more: {REMEDY}"),
        false => format!("expected {KEY} random bytes, and there are {length}: {REMEDY}"),
    })
}
