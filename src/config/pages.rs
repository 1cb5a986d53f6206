//! What is served beside programs: static files and CGI scripts.

use std::{io, path::Path, sync::Arc};

use super::{flag_error::FlagError, process_attributes::process_attributes, zero::unless_zero};
use crate::{
    args::{PagesArgs, ProgramArgs},
    http::{
        RouteOptions,
        pages::{CgiLimits, FileOptions, Files, Root, Scripts},
    },
};

/// The directory of static files.
pub(super) fn files(args: &PagesArgs) -> Result<Option<Root>, FlagError> {
    let path = args.staticdir.as_deref();
    path.map(|path| root("--staticdir", path)).transpose()
}

/// Static files, among which a script's source is none.
pub(super) fn served(
    args: &PagesArgs,
    mut files: Root,
    scripts: &[Scripts],
) -> Result<Files, FlagError> {
    for scripts in scripts {
        files = without_scripts(files, &scripts.root)?;
    }
    let options = FileOptions {
        listing: args.listing,
        spa: args.spa,
    };
    Ok(Files::new(files, options))
}

fn without_scripts(files: Root, scripts: &Arc<Root>) -> Result<Root, FlagError> {
    let real = |root: &Root| root.path().canonicalize();
    let unreadable = |error| unreadable("--staticdir", files.path(), &error);
    let (outer, inner) = (
        real(&files).map_err(unreadable)?,
        real(scripts).map_err(unreadable)?,
    );
    if outer.starts_with(&inner) {
        let reason = format!(
            "it lies in --cgidir '{}', whose files are run and never served: give it a directory of its own",
            scripts.path().display()
        );
        return Err(FlagError::new(
            "--staticdir",
            files.path().display(),
            reason,
        ));
    }
    Ok(match inner.starts_with(outer) {
        true => files.without(Arc::clone(scripts)),
        false => files,
    })
}

/// The CGI scripts of a directory, beneath a path of URLs.
pub(super) fn scripts(
    program: &ProgramArgs,
    root: Root,
    path: &str,
    options: RouteOptions,
) -> Result<Scripts, FlagError> {
    Ok(Scripts {
        path: path.trim_end_matches('/').to_owned(),
        root: Arc::new(root),
        limits: CgiLimits {
            timeout: unless_zero(program.limits.cgi_timeout),
            max_body: unless_zero(program.limits.cgi_maxbody),
        },
        attributes: process_attributes(&program.process)?,
        options,
    })
}

/// A directory that a flag names.
pub(super) fn root(flag: &str, path: &Path) -> Result<Root, FlagError> {
    Root::open(path).map_err(|error| unreadable(flag, path, &error))
}

fn unreadable(flag: &str, path: &Path, error: &io::Error) -> FlagError {
    let reason = format!("not a directory that can be read: {error}");
    FlagError::new(flag, path.display(), reason)
}
