//! What is served beside programs: static files and CGI scripts.

use std::{io, path::Path, sync::Arc};

use super::{flag_error::FlagError, process_attributes::process_attributes, zero::unless_zero};
use crate::{
    args::{PagesArgs, ProgramArgs},
    backend::Target,
    http::{
        RouteOptions,
        access::{AllowedOrigin, Cors},
        pages::{
            CgiLimits, FileOptions, Files, MimeRule, MimeTypes, MountTarget, Relation, Root,
            Router, Scripts,
        },
    },
};

/// The directory of static files.
pub(super) fn files(args: &PagesArgs) -> Result<Option<Root>, FlagError> {
    let path = args.staticdir.as_deref();
    path.map(|path| root("--staticdir", path)).transpose()
}

/// Says that a page is not where its author looks for it: the console is, or a terminal.
pub(super) fn hidden_index(args: &PagesArgs, router: &Router) -> Option<String> {
    let index = args.staticdir.as_ref()?.join("index.html");
    let (flag, page, remedy) = if router.has_terminal_at_top() {
        (
            "--terminal",
            "the terminal",
            "with a --route for the terminal",
        )
    } else if router.has_console_at_top() {
        ("--devconsole", "the console", "without --devconsole")
    } else {
        return None;
    };
    index.is_file().then(|| {
        format!(
            "{flag}: {page} is at / in the place of '{}', which is at /index.html; {remedy} it is at /",
            index.display()
        )
    })
}

/// Static files.
pub(super) fn served(args: &PagesArgs, files: Root) -> Result<Files, FlagError> {
    let options = FileOptions {
        listing: args.listing,
        spa: args.spa,
        types: mime_types(&args.mime)?,
        pages_are_added_to: args.watch.is_some(),
    };
    Ok(Files::new(files, options))
}

/// Keeps the source of programs apart from what is served: of two roots that lie in each other, the inner one alone
/// decides what lies in it. Scripts may be in files, but not the other way round; `flag` is theirs.
pub(super) fn separate_scripts(
    files: Option<&mut Root>,
    scripts: &Root,
    flag: &str,
) -> Result<(), FlagError> {
    let Some(files) = files else {
        return Ok(());
    };
    match files.relate(scripts) {
        Relation::Apart => {}
        Relation::Around => files.leave_out(scripts),
        Relation::Same | Relation::Inside => {
            return Err(in_programs(files, &format!("lies in {flag}"), scripts));
        }
    }
    Ok(())
}

/// The same for programs that are the files of a directory, which may have files to be served within it.
pub(super) fn separate_programs(
    files: Option<&mut Root>,
    programs: &mut Root,
) -> Result<(), FlagError> {
    let Some(files) = files else {
        return Ok(());
    };
    match files.relate(programs) {
        Relation::Apart => {}
        Relation::Around => files.leave_out(programs),
        Relation::Inside => programs.leave_out(files),
        Relation::Same => return Err(in_programs(files, "is --dir", programs)),
    }
    Ok(())
}

/// The same for a program by itself.
pub(super) fn separate_program(files: Option<&mut Root>, target: &MountTarget) {
    if let (MountTarget::Fixed(Target::Program(program, ..)), Some(files)) = (target, files) {
        files.leave_out_file(&program.file);
    }
}

/// The same for the programs that decide about requests.
pub(super) fn separate_hooks(files: Option<&mut Root>, router: &Router) {
    let Some(files) = files else {
        return;
    };
    for access in router.route_access.iter().chain([&router.access]) {
        let program = access.authorizer.as_ref().and_then(|hook| hook.program());
        if let Some(program) = program {
            files.leave_out_file(&program.file);
        }
    }
}

/// The directories whose files are served or run, each with who does that.
pub(super) fn roots(router: &Router) -> impl Iterator<Item = (&Root, &'static str)> {
    let files = router.files.iter();
    let files = files.map(|files| (files.root(), "--staticdir"));
    let programs = router.directory.iter();
    let programs = programs.map(|directory| (directory.root(), "--dir"));
    let scripts = router.scripts.iter();
    let scripts = scripts.map(|scripts| (&*scripts.root, "CGI scripts"));
    files.chain(programs).chain(scripts)
}

fn in_programs(files: &Root, how: &str, programs: &Root) -> FlagError {
    let reason = format!(
        "it {how} '{}', whose files are run and never served: give it a directory of its own",
        programs.path().display()
    );
    FlagError::new("--staticdir", files.path().display(), reason)
}

/// Whose pages may read what is served.
pub(super) fn cors(args: &PagesArgs) -> Result<Option<Cors>, FlagError> {
    let parse = |word: &String| -> Result<AllowedOrigin, FlagError> {
        let origin = word.parse();
        origin.map_err(|reason: String| FlagError::new("--cors", word, reason))
    };
    let allowed = args.cors.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    Ok((!allowed.is_empty()).then(|| Cors::new(allowed)))
}

fn mime_types(words: &[String]) -> Result<MimeTypes, FlagError> {
    let rule = |word: &String| {
        let rule = word.parse::<MimeRule>();
        rule.map_err(|reason| FlagError::new("--mime", word, reason))
    };
    let rules: Result<Vec<MimeRule>, FlagError> = words.iter().map(rule).collect();
    rules.map(MimeTypes::from)
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
