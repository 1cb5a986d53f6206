//! `--doctor`: which program or target is examined, and which limits the flags set.

use hyper::{HeaderMap, Method, Uri, Version};

use super::{
    config_error::ConfigError,
    flag_error::FlagError,
    route::{Place, Route},
    server::Config,
    session::PATIENCE,
    zero::unless_zero,
};
use crate::{
    args::Args,
    backend::{Environment, Program, Rlimit, Socket, StderrTo, StreamOptions, Target},
    connection::{ConnectionInfo, Endpoint},
    doctor::{Limit, Resource, Subject},
    environ::RequestInfo,
    http::pages::{Mount, MountTarget, TokenTargets},
    server::listener::BACKLOG,
};

/// What stands for a program where none is given: it does nothing but wait.
const STAND_IN: &str = "cat";

const MAXFORKS: &str = "--maxforks";

/// The port of a client, whichever.
const CLIENT_PORT: u16 = 49152;

/// Checks everything as for a server, and takes the program or target: COMMAND, or what stands in its place, else that
/// of the first route.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn subject(args: &Args, routes: &[Route]) -> Result<Subject, ConfigError> {
    let is_script = |route: &Route| matches!(route.place, Place::Cgi(_) | Place::Rooms);
    let has_program = !args.program.command.is_empty()
        || !args.targets.target.is_empty()
        || args.targets.target_map.is_some()
        || !routes.iter().all(is_script);
    let mut stand_in = args.clone();
    stand_in.program.command = vec![STAND_IN.into()];
    let args = if has_program { args } else { &stand_in };
    let router = Config::with_routes(args, routes)?.http.router;
    let mut mounts = router.fallback.iter().chain(&router.mounts);
    let is_room = |mount: &&Mount| matches!(mount.target, MountTarget::Rooms(_));
    let Some(mount) = mounts.find(|mount| !is_room(mount)) else {
        let reason = "examines a program or a target: give a COMMAND, --route or --target";
        return Err(FlagError::about("--doctor", reason).into());
    };
    let mut subject = at(args, mount)?;
    subject.is_stand_in = !has_program;
    Ok(subject)
}

/// What is examined at a mount.
fn at(args: &Args, mount: &Mount) -> Result<Subject, FlagError> {
    match &mount.target {
        MountTarget::Fixed(Target::Program(program, streams, _)) => {
            Ok(of_program(args, mount, program, *streams))
        }
        MountTarget::Fixed(Target::Socket(socket)) => Ok(of_socket(args, socket.clone())),
        MountTarget::ByToken(TokenTargets { map, options, .. }) => match map.any() {
            Some(address) => {
                let options = options.clone();
                Ok(of_socket(args, Socket { address, options }))
            }
            None => {
                let reason = "connects to a target of --target-map, and there is none in it";
                Err(FlagError::about("--doctor", reason))
            }
        },
        MountTarget::ByAuthorizer(_) => {
            let reason = "connects to a target, and here each request has one of its own: give --target=HOST:PORT";
            Err(FlagError::about("--doctor", reason))
        }
        MountTarget::Fixed(Target::Room(_)) | MountTarget::Rooms(_) => {
            let reason = "examines a program or a target, and a room has neither";
            Err(FlagError::about("--doctor", reason))
        }
    }
}

fn of_socket(args: &Args, socket: Socket) -> Subject {
    Subject {
        name: socket.address.to_string(),
        target: Target::Socket(socket),
        environment: Environment::new(),
        is_stand_in: false,
        is_shared: false,
        patience: PATIENCE,
        flags: flags(args),
        user: None,
        backlog: BACKLOG.unsigned_abs().into(),
        processes: None,
    }
}

fn of_program(args: &Args, mount: &Mount, program: &Program, streams: StreamOptions) -> Subject {
    let attributes = &program.attributes;
    let share = mount.options.share.as_ref();
    let processes = |(limit, most): &(Rlimit, u64)| (*limit == Rlimit::Processes).then_some(*most);
    Subject {
        // What the program complains of belongs on the terminal, beside the report.
        target: Target::Program(program.clone(), streams, StderrTo::Inherit),
        environment: environment(mount, args.listen.port.unwrap_or_default()),
        name: match share {
            Some(_) => format!("{}, which all sessions have together", name(program)),
            None => name(program),
        },
        is_stand_in: false,
        is_shared: share.is_some(),
        patience: PATIENCE,
        flags: match share {
            Some(share) => flags_of_members(args, share.group.max_members),
            None => flags(args),
        },
        user: attributes.credentials.as_ref().map(|who| who.user),
        backlog: BACKLOG.unsigned_abs().into(),
        processes: attributes
            .rlimits
            .iter()
            .find_map(processes)
            .map(|most| (most, "--limits=processes=N")),
    }
}

fn name(program: &Program) -> String {
    let words: Vec<_> = program
        .arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    words.join(" ")
}

/// What a program finds that a client of this machine has opened, at the top and without headers.
fn environment(mount: &Mount, port: u16) -> Environment {
    let endpoint = |port| Endpoint::Ip(([127, 0, 0, 1], port).into());
    let connection = ConnectionInfo::new(endpoint(port), endpoint(CLIENT_PORT));
    let request = RequestInfo {
        method: &Method::GET,
        uri: &Uri::default(),
        raw_target: None,
        version: Version::HTTP_11,
        headers: &HeaderMap::new(),
        script_name: mount.path.trim_end_matches('/'),
        path_info: "",
        host: None,
        user: ("", ""),
        granted: &[],
        subprotocol: None,
        id: "doctor",
    };
    mount.options.environ.variables(&connection, &request)
}

/// A shared program is one, however many sessions have it.
fn flags_of_members(args: &Args, max_members: Option<usize>) -> Vec<Limit> {
    let mut limits = flags(args);
    limits.retain(|limit| limit.name != MAXFORKS);
    limits.extend(max_members.map(|most| Limit {
        name: "--max-members".to_owned(),
        resource: Resource::Sessions,
        most: most as u64,
        used: 0,
        remedy: "--max-members=N, 0 has no limit".to_owned(),
    }));
    limits
}

fn flags(args: &Args) -> Vec<Limit> {
    let limits = [
        (
            MAXFORKS,
            args.program.maxforks,
            "--maxforks=N, 0 has no limit",
        ),
        (
            "--max-connections",
            args.access.max_connections,
            "--max-connections=N, 0 has no limit",
        ),
        (
            "--max-connections-per-ip, for one client",
            args.access.max_connections_per_ip,
            "--max-connections-per-ip=N, 0 has no limit",
        ),
    ];
    let limit = |(name, most, remedy): (&str, usize, &str)| {
        Some(Limit {
            name: name.to_owned(),
            resource: Resource::Sessions,
            most: unless_zero(most)? as u64,
            used: 0,
            remedy: remedy.to_owned(),
        })
    };
    limits.into_iter().filter_map(limit).collect()
}
