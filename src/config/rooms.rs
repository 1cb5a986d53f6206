//! Rooms without a program: where they are, on which terms, and the socket by which programs reach them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use uuid::Uuid;

use super::{
    flag_error::FlagError,
    route::{Place, Route},
    share,
};
use crate::{
    args::{Args, ProgramArgs, ShareKind},
    backend::is_room_name,
    http::{
        RouteOptions,
        pages::{Mount, MountTarget, Router},
    },
    server::{listener::UnixName, rooms::SocketOptions},
};

/// The variable by which programs find the socket.
pub(super) const VARIABLE: &str = "WSD_ROOMS";

/// Names the directory of this process's socket. Random, like half of such an id, so that nobody is there before us where everybody may make
/// directories.
static NAME: LazyLock<String> = LazyLock::new(|| format!("wsd-{}", Uuid::now_v7().simple()));

/// Rooms beneath a path, on the terms of a program that is not there.
pub(super) fn mount(path: String, program: &ProgramArgs, options: RouteOptions) -> Mount {
    let mut options = RouteOptions {
        share: None,
        ..options
    };
    if let Some(compression) = &mut options.compression {
        compression.keeps_context = false;
    }
    Mount {
        path,
        target: MountTarget::Rooms(share::rooms(program)),
        options,
    }
}

/// Whether rooms can be beneath a path, as `word` says it: what a tagged program calls a room is named there too.
///
/// # Errors
/// A segment that is no name, a shared program of the same path.
pub(super) fn check_path(router: &Router, path: &str, word: &str) -> Result<(), FlagError> {
    // An empty segment is none, as it is none in the path of a room.
    let names = path.strip_prefix('/').unwrap_or(path);
    let mut segments = names.split('/');
    if !names.is_empty() && !segments.all(|segment| is_room_name(segment.as_bytes())) {
        let reason =
            "expected a path whose segments have 1 to 64 letters, digits and any of _-.~@:=";
        return Err(FlagError::new("--room", word, reason));
    }
    let mut others = router.mounts.iter().chain(&router.fallback);
    match others.any(|other| other.path == path && other.options.share.is_some()) {
        true => Err(FlagError::about("--room", SAME_PATH)),
        false => Ok(()),
    }
}

const SAME_PATH: &str =
    "and --share exclude each other at the same path: rooms of a tagged program are named there";

/// Whether a program can be shared at a path, where rooms may be already.
///
/// # Errors
/// There are.
pub(super) fn check_program(
    router: &Router,
    path: &str,
    options: &RouteOptions,
) -> Result<(), FlagError> {
    let is_room = |mount: &Mount| matches!(mount.target, MountTarget::Rooms(_));
    let mut mounts = router.mounts.iter();
    match options.share.is_some() && mounts.any(|mount| mount.path == path && is_room(mount)) {
        true => Err(FlagError::about("--room", SAME_PATH)),
        false => Ok(()),
    }
}

/// Refuses flags about members where there are none.
///
/// # Errors
/// The first of them.
pub(super) fn check_flags(args: &Args, routes: &[Route]) -> Result<(), FlagError> {
    let shares = |program: &ProgramArgs| program.sharing.share.is_some();
    let has_members = |route: &Route| shares(&route.program) || matches!(route.place, Place::Rooms);
    let is_terminal = |program: &ProgramArgs| program.terminals.terminal;
    let has_terminal =
        is_terminal(&args.program) || routes.iter().any(|route| is_terminal(&route.program));
    match shares(&args.program) || !args.rooms.room.is_empty() || routes.iter().any(has_members) {
        true => Ok(()),
        false => share::check_members(&args.program.sharing, None, has_terminal),
    }
}

/// The same of a route, which has the flags of the top too.
///
/// # Errors
/// The first of them that is its own.
pub(super) fn check_flags_of_route(args: &Args, route: &Route) -> Result<(), FlagError> {
    let sharing = &route.program.sharing;
    match sharing.share.is_some() || matches!(route.place, Place::Rooms) {
        true => Ok(()),
        false => {
            let has_terminal = route.program.terminals.terminal;
            share::check_members(sharing, Some(&args.program.sharing), has_terminal)
        }
    }
}

/// Whether there are rooms somewhere.
fn has_rooms(args: &Args, routes: &[Route]) -> bool {
    let is_rooms = |route: &Route| matches!(route.place, Place::Rooms);
    !args.rooms.room.is_empty() || routes.iter().any(is_rooms)
}

/// Whether there are rooms that reach other machines, where there is a hub: those of tagged programs too.
pub(super) fn cross(args: &Args, routes: &[Route]) -> bool {
    let is_tagged = |program: &ProgramArgs| program.sharing.share == Some(ShareKind::Tagged);
    let has_tagged = is_tagged(&args.program);
    has_tagged || has_rooms(args, routes) || routes.iter().any(|route| is_tagged(&route.program))
}

/// The socket by which programs reach rooms, where there are some, or where it was asked for.
///
/// # Errors
/// A path that can be none of a socket.
pub(super) fn socket(args: &Args, routes: &[Route]) -> Result<Option<SocketOptions>, FlagError> {
    if let Some(path) = &args.rooms.rooms_socket {
        return Ok(Some(SocketOptions {
            path: socket_path(path)?,
            is_private: false,
        }));
    }
    Ok(has_rooms(args, routes).then(|| SocketOptions {
        path: private_path(),
        is_private: true,
    }))
}

/// A path as `--rooms-socket` has it.
///
/// # Errors
/// It can be none of a socket.
pub(super) fn socket_path(path: &Path) -> Result<PathBuf, FlagError> {
    let invalid = |reason: &str| FlagError::new("--rooms-socket", path.display(), reason);
    match UnixName::parse(path) {
        Ok(UnixName::Path(path)) => Ok(path),
        Ok(_) => Err(invalid("expected the path of a file")),
        Err(reason) => Err(invalid(&reason)),
    }
}

/// A path of this process alone, where only its user can go.
fn private_path() -> PathBuf {
    let place = env::var_os("XDG_RUNTIME_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let path = place.join(&*NAME).join("rooms");
    match UnixName::parse(&path) {
        Ok(_) if path.is_absolute() => path,
        _ => Path::new("/tmp").join(&*NAME).join("rooms"),
    }
}

/// Tells programs of the socket, unless they are told of another.
pub(super) fn tell(socket: Option<&SocketOptions>, environment: &mut Vec<(OsString, OsString)>) {
    if let Some(socket) = socket
        && !environment.iter().any(|(name, _)| name == VARIABLE)
    {
        environment.push((VARIABLE.into(), absolute(&socket.path).into()));
    }
}

/// Programs may run in other directories.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
