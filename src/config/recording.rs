//! Where sessions are recorded: `--record`.

use std::{io, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use rustix::fs::{Access, access};

use super::{flag_error::FlagError, pages::roots};
use crate::{
    args::OperationArgs,
    http::{
        RouteOptions,
        pages::{Relation, Root, Router},
    },
    recording::RecordDirectory,
    transport::websocket::Delivery,
};

/// Who else may write in a directory (inode(7), `S_IWOTH`).
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The directory, if there is one: apart from all that is served or run, and not everybody's.
pub(super) fn directory(
    args: &OperationArgs,
    router: &Router,
) -> Result<Option<Arc<RecordDirectory>>, FlagError> {
    let Some(path) = &args.record else {
        return Ok(None);
    };
    let invalid = |reason: &str| FlagError::new("--record", path.display(), reason);
    let unusable =
        |error: io::Error| invalid(&format!("not a directory that can be used: {error}"));
    let directory = RecordDirectory::open(path).map_err(unusable)?;
    access(path, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| unusable(error.into()))?;
    let mode = path.metadata().map_err(unusable)?.permissions().mode();
    if mode & WRITABLE_BY_OTHERS != 0 {
        let tip = format!("chmod o-w {}", shell_words::quote(&path.to_string_lossy()));
        return Err(invalid(&format!(
            "everybody may write there, and so replace what was recorded\n\n  tip: {tip}"
        )));
    }
    check_apart(path, router)?;
    Ok(Some(Arc::new(directory)))
}

/// Refuses a directory by which a recording could be asked for, or run.
fn check_apart(path: &Path, router: &Router) -> Result<(), FlagError> {
    let invalid = |reason: String| FlagError::new("--record", path.display(), reason);
    let own = Root::open(path).map_err(|error| invalid(error.to_string()))?;
    for (root, user) in roots(router) {
        let how = match own.relate(root) {
            Relation::Apart => continue,
            Relation::Same => "it is",
            Relation::Inside => "it lies in",
            Relation::Around => "in it lies",
        };
        let served = root.path().display();
        return Err(invalid(format!(
            "{how} the directory '{served}' of {user}, and recordings hold all that was typed: give it one of its own"
        )));
    }
    Ok(())
}

/// Has a target get whole messages where they are recorded: what comes in pieces has lost where it ends, and whether it
/// was text.
pub(super) fn keep_messages(args: &OperationArgs, options: &mut RouteOptions) {
    if args.record.is_some() {
        options.websocket.delivery = Delivery::Whole;
    }
}

/// What is to be said at the start.
pub(super) fn warning(args: &OperationArgs) -> Option<String> {
    let path = args.record.as_ref()?;
    Some(format!(
        "--record: all that is typed and said in sessions is written to {}, passwords too",
        path.display()
    ))
}
