//! What follows when files have changed: sessions of programs that are others by now end, and pages load anew.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    iter,
    path::{Path, PathBuf},
};

use tracing::{field::display, info};

use super::{
    handler::Handler,
    page_updates::PageUpdate,
    pages::{Directory, Files, MountTarget, Root, Router},
};
use crate::backend::{ChangedFiles, Program, Target, is_program};

/// Codings in which a file may lie beside itself.
const CODINGS: [&str; 3] = ["br", "gz", "zst"];

impl Handler {
    /// The files and directories whose changes it is to be told of, absolute; `None` where files are not watched. Looks at
    /// programs.
    pub fn watched_paths(&self) -> Option<BTreeSet<PathBuf>> {
        let watch = self.options.watch.as_ref()?;
        let router = &self.options.router;
        let programs = programs(router).flat_map(|program| {
            let files = program.files();
            files.paths().map(Path::to_owned).collect::<Vec<_>>()
        });
        let directories = roots(router).map(|root| root.path().to_owned());
        let all = programs.chain(directories);
        Some(all.chain(watch.paths.iter().cloned()).collect())
    }

    /// Ends the sessions of programs that are made of one of these files, and tells open pages; `None` where files are not
    /// watched. Files that lie beneath what is watched are named as that is.
    pub fn files_changed(&self, files: &BTreeSet<PathBuf>) -> Option<ChangedFiles> {
        let watch = self.options.watch.as_ref()?;
        let changed = ChangedFiles::new(files, &watch.paths);
        let state = &self.state;
        // Before anybody asks anew for what may lie in another directory.
        roots(&self.options.router).for_each(Root::look_at_place);
        let members = state.groups.replace_changed_programs(&changed);
        let sessions = members + state.registry.end_changed_programs(&changed);
        let pages = page_update(&self.options.router, files);
        if let Some(update) = pages {
            state.page_updates.announce(update);
        }
        let pages = pages.map(|update| display(update.name()));
        let sessions = (sessions > 0).then_some(sessions);
        info!(target: "watch", sessions, pages, "{} changed", names(files));
        Some(changed)
    }
}

/// The programs that have sessions, but for those which are found beneath a directory.
fn programs(router: &Router) -> impl Iterator<Item = &Program> {
    let mounts = router.mounts.iter().chain(&router.fallback);
    mounts.filter_map(|mount| match &mount.target {
        MountTarget::Fixed(Target::Program(program, ..)) => Some(program),
        _ => None,
    })
}

/// The directories of programs, scripts and files.
fn roots(router: &Router) -> impl Iterator<Item = &Root> {
    let programs = router.directory.iter().map(Directory::root);
    let scripts = router.scripts.iter().map(|scripts| &*scripts.root);
    let files = router.files.iter().map(Files::root);
    programs.chain(scripts).chain(files)
}

/// What pages are to do, if these files have to do with any. Of a script's directory only programs count: scripts write
/// there, and a page that loads anew for what its script has written would do so for ever.
fn page_update(router: &Router, changed: &BTreeSet<PathBuf>) -> Option<PageUpdate> {
    let is_of_script = |file: &&PathBuf| {
        let mut scripts = router.scripts.iter();
        scripts.any(|scripts| file.starts_with(scripts.root.path())) && is_program(file)
    };
    if changed.iter().any(|file| is_of_script(&file)) {
        return Some(PageUpdate::Page);
    }
    let files = router.files.as_ref()?;
    let served = changed.iter().filter(|file| files.root().may_have(file));
    let updates = served.map(|file| match is_style_sheet(file) && file.exists() {
        true => PageUpdate::Style,
        false => PageUpdate::Page,
    });
    updates.reduce(|one, other| match (one, other) {
        (PageUpdate::Style, PageUpdate::Style) => PageUpdate::Style,
        _ => PageUpdate::Page,
    })
}

/// Whether a file is a style sheet, be it in a coding.
fn is_style_sheet(file: &Path) -> bool {
    let extension = |file: &Path| {
        file.extension()
            .and_then(OsStr::to_str)
            .map(str::to_ascii_lowercase)
    };
    match (extension(file), file.file_stem().map(Path::new)) {
        (Some(coding), Some(inner)) if CODINGS.contains(&&*coding) => {
            extension(inner).as_deref() == Some("css")
        }
        (extension, _) => extension.as_deref() == Some("css"),
    }
}

/// `a`, or `a and 3 more`; and `has` or `have`.
fn names(files: &BTreeSet<PathBuf>) -> String {
    let first = files.iter().take(1).map(|file| file.display().to_string());
    let more = files.len().saturating_sub(1);
    let more = (more > 0).then(|| format!("and {more} more have"));
    let has = more.unwrap_or_else(|| "has".to_owned());
    first.chain(iter::once(has)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_sheet_may_be_packed() {
        for (file, expected) in [
            ("/a/b.css", true),
            ("/a/b.CSS", true),
            ("/a/b.css.gz", true),
            ("/a/b.css.br", true),
            ("/a/b.js.gz", false),
            ("/a/css", false),
            ("/a/b.css.map", false),
        ] {
            assert_eq!(is_style_sheet(Path::new(file)), expected, "{file}");
        }
    }

    #[test]
    fn first_name_stands_for_all() {
        let named = |files: &[&str]| names(&files.iter().map(PathBuf::from).collect());
        assert_eq!(named(&["/a"]), "/a has");
        assert_eq!(named(&["/a", "/b", "/c"]), "/a and 2 more have");
    }
}
