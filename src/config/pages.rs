//! What is served beside programs: static files and CGI scripts.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};

use super::{confinement::confinement, unless_zero};
use crate::{
    args::Args,
    http::{
        RouteOptions,
        pages::{CgiLimits, FileOptions, Files, Root, Scripts},
    },
};

/// The directory of static files.
pub(super) fn files(args: &Args) -> Result<Option<Root>> {
    for (given, flag) in [(args.pages.listing, "--listing"), (args.pages.spa, "--spa")] {
        if given && args.pages.staticdir.is_none() {
            bail!("{flag} is about the files of --staticdir: give that too");
        }
    }
    args.pages
        .staticdir
        .as_deref()
        .map(|path| root("--staticdir", path))
        .transpose()
}

/// Static files, among which a script's source is none.
pub(super) fn served(args: &Args, mut files: Root, scripts: &[Scripts]) -> Result<Files> {
    for scripts in scripts {
        files = without_scripts(files, &scripts.root)?;
    }
    let options = FileOptions {
        listing: args.pages.listing,
        spa: args.pages.spa,
    };
    Ok(Files::new(files, options))
}

fn without_scripts(files: Root, scripts: &Arc<Root>) -> Result<Root> {
    let (outer, inner) = (files.path().canonicalize()?, scripts.path().canonicalize()?);
    if outer.starts_with(&inner) {
        bail!(
            "--staticdir '{}' lies in --cgidir '{}', whose files are run and never served: give it a directory of its own",
            files.path().display(),
            scripts.path().display()
        );
    }
    Ok(match inner.starts_with(outer) {
        true => files.without(Arc::clone(scripts)),
        false => files,
    })
}

/// The CGI scripts of a directory, beneath a path of URLs.
pub(super) fn scripts(
    args: &Args,
    flag: &str,
    directory: &Path,
    path: &str,
    options: RouteOptions,
) -> Result<Scripts> {
    Ok(Scripts {
        path: path.trim_end_matches('/').to_owned(),
        root: Arc::new(root(flag, directory)?),
        limits: CgiLimits {
            timeout: unless_zero(args.program.limits.cgi_timeout).map(Duration::from_secs),
            max_body: unless_zero(args.program.limits.cgi_maxbody),
        },
        attributes: confinement(args)?,
        options,
    })
}

/// A directory that a flag names.
pub(super) fn root(flag: &str, path: &Path) -> Result<Root> {
    Root::open(path).with_context(|| {
        format!(
            "invalid value '{}' for '{flag}': not a directory that can be read",
            path.display()
        )
    })
}
