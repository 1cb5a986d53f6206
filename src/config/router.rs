//! What answers where: COMMAND, routes, rooms, directories, files, scripts, the console.

use super::{
    access::process_limit,
    auth::{self, add_route_access, route_access},
    authorize,
    config_error::ConfigError,
    flag_error::FlagError,
    network, pages,
    process_attributes::process_attributes,
    program::{stderr_to, streams, target},
    rooms,
    route::{Entry, Place, Route, mount_path},
    route_options::route_options,
    secret_files, share,
    target::{self, TargetWord},
    target_relations, terminal,
};
use crate::{
    args::Args,
    backend::Program,
    http::{
        RouteOptions,
        access::ProcessLimit,
        pages::{Directory, Mount, MountTarget, Root, Router, Scripts},
    },
};

/// All that answers; something does. What is wrong but no error is added to the warnings.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn router(
    args: &Args,
    routes: &[Route],
    warnings: &mut Vec<String>,
) -> Result<Router, ConfigError> {
    rooms::check_flags(args, routes)?;
    authorize::check_flags(args, routes).map_err(placed)?;
    let mut files = pages::files(&args.pages)?;
    // Whatever answers at the top has the limit of the whole server alone.
    let limit = ProcessLimit::default();
    let options = route_options(args, &args.program, files.as_ref(), limit)?;
    let mut router = Router {
        console: args.pages.devconsole,
        watch: args.pages.watch.is_some(),
        directory: directory(args, &options, files.as_mut())?,
        page_options: options,
        ..Router::default()
    };
    router.access = route_access(&mut router, "/", args, &args.program, Entry::Checked)?;
    let words = TargetWord::all(args)?;
    if let Some(target) = fallback(args, &words, warnings)? {
        share::check_target(&router.page_options, &target)?;
        pages::separate_program(files.as_mut(), &target);
        router.fallback = Some(Mount {
            path: "/".to_owned(),
            options: target::terms(router.page_options.clone(), &target),
            target,
        });
    }
    for (index, route) in routes.iter().enumerate() {
        let added = add_route(&mut router, args, route, files.as_mut(), warnings);
        added.map_err(|error| ConfigError::Route(index, route.with_word(error)))?;
    }
    for word in words {
        add_target(&mut router, args, word)?;
    }
    for word in &args.rooms.room {
        add_rooms(&mut router, args, word)?;
    }
    if let Some(directory) = &args.pages.cgidir {
        let root = pages::root("--cgidir", directory)?;
        pages::separate_scripts(files.as_mut(), &root, "--cgidir")?;
        let scripts = pages::scripts(&args.program, root, "", router.page_options.clone())?;
        router.scripts.push(scripts);
    }
    pages::separate_hooks(files.as_mut(), &router);
    router.files = files
        .map(|root| pages::served(&args.pages, root))
        .transpose()?;
    check_something_answers(&router)?;
    warnings.extend(pages::hidden_index(&args.pages, &router));
    target_relations::check(args, &router)?;
    terminal::check_programs(&args.program, &router)?;
    share::check_programs(&args.program.sharing, &router)?;
    network::check(args, routes)?;
    auth::check(args, &router)?;
    secret_files::check_apart(args, routes, &router).map_err(placed)?;
    let trusts_anybody = |route: &Route| route.program.target.target_insecure;
    if args.program.target.target_insecure || routes.iter().any(trusts_anybody) {
        warnings.push(
            "--target-insecure: targets by TLS may be anybody, and who is in between reads and changes all"
                .to_owned(),
        );
    }
    Ok(router)
}

/// An error of the top, or of the route that it is about.
fn placed((route, error): (Option<usize>, FlagError)) -> ConfigError {
    match route {
        Some(index) => ConfigError::Route(index, error),
        None => error.into(),
    }
}

/// What answers where no route does: COMMAND, or what stands in its place.
fn fallback(
    args: &Args,
    words: &[TargetWord<'_>],
    warnings: &mut Vec<String>,
) -> Result<Option<MountTarget>, FlagError> {
    let mut elsewhere = words.iter().filter(|word| word.path.is_none());
    let (word, another) = (elsewhere.next(), elsewhere.next());
    let program = target(&args.program)?;
    let map = args.targets.target_map.as_deref();
    if let (Some(_), Some(another)) = (word, another) {
        let reason = "there is a target without a path already: give one --target=/PATH=TARGET";
        return Err(FlagError::new("--target", another.word, reason));
    }
    let excluded = |flag: &str, other: &str| {
        let reason = format!("and {other} exclude each other: --target=/PATH=TARGET is beside it");
        Err(FlagError::about(flag, reason))
    };
    match (program, word, map) {
        (Some(_), Some(_), _) => excluded("--target", "COMMAND"),
        (Some(_), None, Some(_)) => excluded("--target-map", "COMMAND"),
        (None, Some(_), Some(_)) => excluded("--target-map", "--target without a path"),
        (Some(program), None, None) => Ok(Some(program.into())),
        (None, Some(word), None) => word.target(&args.program).map(Some),
        (None, None, Some(path)) => {
            let (target, faults) = target::map(path, &args.program)?;
            warnings.extend(faults);
            Ok(Some(target))
        }
        (None, None, None) => Ok(None),
    }
}

/// A target at a path, on the terms of the top.
fn add_target(router: &mut Router, args: &Args, word: TargetWord<'_>) -> Result<(), FlagError> {
    let Some(path) = word.path else {
        return Ok(());
    };
    let invalid = |reason: &str| FlagError::new("--target", word.word, reason);
    let path = mount_path(path).map_err(|reason| invalid(&reason.to_string()))?;
    let target = word.target(&args.program)?;
    let options = router.page_options.clone();
    check_path_is_free(router, &path, &options).map_err(invalid)?;
    share::check_target(&options, &target)?;
    router.add_access_of_top(&path);
    router.mounts.push(Mount {
        path,
        options: target::terms(options, &target),
        target,
    });
    Ok(())
}

/// Rooms beneath a path, on the terms of the top.
fn add_rooms(router: &mut Router, args: &Args, word: &str) -> Result<(), FlagError> {
    let invalid = |reason: &str| FlagError::new("--room", word, reason);
    let path = mount_path(word).map_err(|reason| invalid(&reason.to_string()))?;
    rooms::check_path(router, &path, word)?;
    let options = router.page_options.clone();
    check_path_is_free(router, &path, &options).map_err(invalid)?;
    router.add_access_of_top(&path);
    let mount = rooms::mount(path, &args.program, options);
    router.mounts.push(mount);
    Ok(())
}

/// Whether nothing answers at a path yet on terms that a request cannot tell apart.
fn check_path_is_free(
    router: &Router,
    path: &str,
    options: &RouteOptions,
) -> Result<(), &'static str> {
    let collides = |mount: &Mount| {
        let other = &mount.options.subprotocols;
        mount.path == path && other.collides_with(&options.subprotocols)
    };
    let is_script = |scripts: &Scripts| scripts.path == path.trim_end_matches('/');
    match router.mounts.iter().any(collides) || router.scripts.iter().any(is_script) {
        true => Err("there is a route for this path already"),
        false => Ok(()),
    }
}

fn add_route(
    router: &mut Router,
    server: &Args,
    route: &Route,
    files: Option<&mut Root>,
    warnings: &mut Vec<String>,
) -> Result<(), FlagError> {
    let path = route.path()?;
    let program = &route.program;
    // The same number is the whole server's, which all programs count toward.
    let processes = match program.maxforks == server.program.maxforks {
        true => ProcessLimit::default(),
        false => process_limit(program),
    };
    let options = route_options(server, program, files.as_deref(), processes)?;
    let added = add_route_access(router, &path, server, program, route.entry)?;
    added.map_err(|reason| route.path_error(reason))?;
    match route.place {
        Place::Rooms => rooms::check_path(router, &path, &path)?,
        _ => rooms::check_program(router, &path, &options)?,
    }
    let is_free = check_path_is_free(router, &path, &options);
    is_free.map_err(|reason| route.path_error(reason))?;
    rooms::check_flags_of_route(server, route)?;
    let target = match &route.place {
        Place::Cgi(directory) => {
            let root = pages::root("cgi", directory)?;
            pages::separate_scripts(files, &root, "the directory of scripts")?;
            let scripts = pages::scripts(program, root, &path, options)?;
            router.scripts.push(scripts);
            return Ok(());
        }
        Place::Command => target(program)?.map(MountTarget::from),
        Place::Target(address) => Some(target::of_route(address, program)?),
        Place::TargetMap(path) => {
            let (target, faults) = target::map(path, program)?;
            warnings.extend(faults);
            Some(target)
        }
        Place::Rooms => {
            router.mounts.push(rooms::mount(path, program, options));
            return Ok(());
        }
    };
    if let Some(target) = target {
        share::check_target(&options, &target)?;
        pages::separate_program(files, &target);
        router.mounts.push(Mount {
            path,
            options: target::terms(options, &target),
            target,
        });
    }
    Ok(())
}

fn check_something_answers(router: &Router) -> Result<(), FlagError> {
    let has_program =
        router.fallback.is_some() || router.directory.is_some() || !router.mounts.is_empty();
    if router.console && !has_program {
        return Err(FlagError::about(
            "--devconsole",
            "is for trying a program: give a COMMAND, --route, --dir, --target or --room too",
        ));
    }
    if !has_program && router.files.is_none() && router.scripts.is_empty() {
        return Err(FlagError::about(
            "COMMAND",
            "is missing, and there is no --route, --dir, --target, --room, --staticdir or --cgidir\n\nUsage: wsd [OPTIONS] COMMAND [ARGS...]",
        ));
    }
    Ok(())
}

fn directory(
    args: &Args,
    options: &RouteOptions,
    files: Option<&mut Root>,
) -> Result<Option<Directory>, FlagError> {
    let Some(path) = &args.pages.dir else {
        return Ok(None);
    };
    let mut root = pages::root("--dir", path)?;
    pages::separate_programs(files, &mut root)?;
    let streams = streams(&args.program)?;
    let pty = terminal::pty(&args.program)?;
    let like = Program {
        attributes: process_attributes(&args.program.process)?,
        pty,
        ..Program::default()
    };
    let write_at = terminal::write_at(&args.program, &streams);
    let stderr = stderr_to(&args.program.messages);
    let options = terminal::terms(options.clone(), pty);
    let directory = Directory::new(root, like, write_at, streams, stderr, options);
    Ok(Some(directory))
}
