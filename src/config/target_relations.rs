//! Flags about targets that have none, and flags about programs where there are targets alone.

use super::flag_error::FlagError;
use crate::{
    args::Args,
    backend::{SocketAddress, Target},
    http::pages::{Mount, MountTarget, Router},
};

/// What a server has of targets.
#[derive(Debug, Default)]
struct Found {
    target: bool,
    /// One by TLS, or a map, whose targets may be.
    tls: bool,
    map: bool,
    program: bool,
}

impl Found {
    fn of(router: &Router) -> Self {
        let mut found = Found {
            program: router.directory.is_some() || !router.scripts.is_empty(),
            ..Found::default()
        };
        for Mount { target, .. } in router.mounts.iter().chain(&router.fallback) {
            match target {
                MountTarget::Fixed(Target::Program(..)) => found.program = true,
                MountTarget::Fixed(Target::Socket(socket)) => {
                    found.target = true;
                    found.tls |= matches!(socket.address, SocketAddress::Tls(_));
                }
                MountTarget::Fixed(Target::Room(_)) | MountTarget::Rooms(_) => {}
                MountTarget::ByAuthorizer(_) => (found.target, found.tls) = (true, true),
                MountTarget::ByToken(_) => {
                    (found.target, found.tls, found.map) = (true, true, true);
                }
            }
        }
        found
    }
}

/// Refuses what could be for nobody.
///
/// # Errors
/// The first such flag.
pub(super) fn check(args: &Args, router: &Router) -> Result<(), FlagError> {
    let found = Found::of(router);
    let target = &args.program.target;
    let without = |is_given: bool, is_there: bool, flag, reason| match is_given && !is_there {
        true => Err(FlagError::about(flag, reason)),
        false => Ok(()),
    };
    let (map, tls, any) = (
        "is about the tokens of --target-map: give that too",
        "is about targets by TLS: give --target=tls:HOST:PORT or --target-map too",
        "is about targets: give --target or --target-map too",
    );
    without(
        target.target_token.is_some(),
        found.map,
        "--target-token",
        map,
    )?;
    without(target.target_ca.is_some(), found.tls, "--target-ca", tls)?;
    without(target.target_insecure, found.tls, "--target-insecure", tls)?;
    let is_given = target.target_proxy_protocol.is_some();
    without(is_given, found.target, "--target-proxy-protocol", any)?;
    without(
        target.target_timeout.is_some(),
        found.target,
        "--target-timeout",
        any,
    )?;
    match found.target && !found.program {
        true => check_no_process_is_meant(args),
        false => Ok(()),
    }
}

fn check_no_process_is_meant(args: &Args) -> Result<(), FlagError> {
    let process = &args.program.process;
    if args.program.messages.passstderr {
        return Err(for_programs_alone("--passstderr"));
    }
    // Which hold for the servers that are started, too.
    if !args.operation.start.is_empty() {
        return Ok(());
    }
    let given = [
        ("--user", process.user.is_some()),
        ("--group", process.group.is_some()),
        ("--limits", !process.limits.is_empty()),
        ("--workdir", process.workdir.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(for_programs_alone(flag)),
        None => Ok(()),
    }
}

fn for_programs_alone(flag: &str) -> FlagError {
    FlagError::about(
        flag,
        "is about programs, and there are targets alone: leave it out",
    )
}
