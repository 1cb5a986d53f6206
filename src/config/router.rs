//! What answers where: COMMAND, routes, directories, files, scripts, the console.

use super::{
    access::process_limit,
    config_error::ConfigError,
    flag_error::FlagError,
    pages,
    process_attributes::process_attributes,
    program::{stderr_to, streams, target},
    route::Route,
    route_options::route_options,
};
use crate::{
    args::Args,
    http::{
        RouteOptions,
        access::ProcessLimit,
        pages::{Directory, Mount, Root, Router, Scripts},
    },
};

/// All that answers; something does.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn router(args: &Args, routes: &[Route]) -> Result<Router, ConfigError> {
    let mut files = pages::files(&args.pages)?;
    // Whatever answers at the top has the limit of the whole server alone.
    let options = route_options(args, &args.program, files.as_ref(), ProcessLimit::default())?;
    let mut router = Router {
        console: args.pages.devconsole,
        directory: directory(args, &options, files.as_mut())?,
        page_options: options,
        ..Router::default()
    };
    if let Some(target) = target(&args.program)? {
        pages::separate_program(files.as_mut(), &target);
        router.fallback = Some(Mount {
            path: "/".to_owned(),
            target,
            options: router.page_options.clone(),
        });
    }
    for (index, route) in routes.iter().enumerate() {
        let added = add_route(&mut router, args, route, files.as_mut());
        added.map_err(|error| ConfigError::Route(index, route.with_word(error)))?;
    }
    if let Some(directory) = &args.pages.cgidir {
        let root = pages::root("--cgidir", directory)?;
        pages::separate_scripts(files.as_mut(), &root, "--cgidir")?;
        let scripts = pages::scripts(&args.program, root, "", router.page_options.clone())?;
        router.scripts.push(scripts);
    }
    router.files = files
        .map(|root| pages::served(&args.pages, root))
        .transpose()?;
    check_something_answers(&router)?;
    Ok(router)
}

fn add_route(
    router: &mut Router,
    server: &Args,
    route: &Route,
    files: Option<&mut Root>,
) -> Result<(), FlagError> {
    let path = route.path()?;
    let program = &route.program;
    // The same number is the whole server's, which all programs count toward.
    let processes = match program.maxforks == server.program.maxforks {
        true => ProcessLimit::default(),
        false => process_limit(program),
    };
    let options = route_options(server, program, files.as_deref(), processes)?;
    let collides = |mount: &Mount| {
        let other = &mount.options.subprotocols;
        mount.path == path && other.collides_with(&options.subprotocols)
    };
    let is_script = |scripts: &Scripts| scripts.path == path.trim_end_matches('/');
    if router.mounts.iter().any(collides) || router.scripts.iter().any(is_script) {
        return Err(route.path_error("there is a route for this path already"));
    }
    if let Some(directory) = &route.cgi {
        let root = pages::root("cgi", directory)?;
        pages::separate_scripts(files, &root, "the directory of scripts")?;
        let scripts = pages::scripts(program, root, &path, options)?;
        router.scripts.push(scripts);
    } else if let Some(target) = target(program)? {
        pages::separate_program(files, &target);
        router.mounts.push(Mount {
            path,
            target,
            options,
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
            "is for trying a program: give a COMMAND, --route or --dir too",
        ));
    }
    if !has_program && router.files.is_none() && router.scripts.is_empty() {
        return Err(FlagError::about(
            "COMMAND",
            "is missing, and there is no --route, --dir, --staticdir or --cgidir\n\nUsage: wsd [OPTIONS] COMMAND [ARGS...]",
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
    let directory = Directory::new(
        root,
        process_attributes(&args.program.process)?,
        streams(&args.program)?,
        stderr_to(&args.program.messages),
        options.clone(),
    );
    Ok(Some(directory))
}
