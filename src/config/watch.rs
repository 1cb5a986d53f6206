//! What is watched: `--watch`.

use std::path::{Path, PathBuf, absolute};

use super::{flag_error::FlagError, network};
use crate::{
    args::Args,
    backend::Target,
    http::{
        WatchOptions,
        pages::{Mount, MountTarget, Router},
    },
};

/// What is watched beside what answers, if files are watched.
///
/// # Errors
/// A path where nothing is, nothing to watch, or a server that is open to the network and asks nobody who he is.
pub(super) fn watch(args: &Args, router: &Router) -> Result<Option<WatchOptions>, FlagError> {
    let Some(paths) = &args.pages.watch else {
        return Ok(None);
    };
    network::check_watch(args)?;
    let paths: Vec<PathBuf> = paths
        .iter()
        .map(|path| existing(path))
        .collect::<Result<_, _>>()?;
    let has_file = args.invocation.config.is_some() || !args.operation.start.is_empty();
    if paths.is_empty() && !has_files(router) && !has_file {
        let reason = "has nothing to watch: give it a path (--watch=PATH), or a COMMAND, --route, --dir, --cgidir \
                      or --staticdir too";
        return Err(FlagError::about("--watch", reason));
    }
    Ok(Some(WatchOptions { paths }))
}

/// The configuration file, where it is read again when it changes.
///
/// # Errors
/// When the working directory is not known.
pub(super) fn config_file(args: &Args) -> Result<Option<PathBuf>, FlagError> {
    let file = args.invocation.config.as_deref();
    let file = file.filter(|_| args.pages.watch.is_some());
    file.map(|file| {
        absolute(file).map_err(|error| FlagError::new("--config", file.display(), error))
    })
    .transpose()
}

fn existing(path: &Path) -> Result<PathBuf, FlagError> {
    let invalid = |error| FlagError::new("--watch", path.display(), error);
    path.metadata().map_err(invalid)?;
    absolute(path).map_err(invalid)
}

/// Whether something answers that is made of files.
fn has_files(router: &Router) -> bool {
    let mut mounts = router.mounts.iter().chain(&router.fallback);
    let is_program =
        |mount: &Mount| matches!(mount.target, MountTarget::Fixed(Target::Program(..)));
    router.directory.is_some()
        || router.files.is_some()
        || !router.scripts.is_empty()
        || mounts.any(is_program)
}
