//! Targets: which socket stands in a program's place, and how it is spoken to.

use std::{path::Path, sync::Arc, time::Duration};

use super::{flag_error::FlagError, program::streams_of_target, terminal, tls::flag_error_for};
use crate::{
    args::{Args, ProgramArgs, ProxyVersion, TargetOptionArgs},
    backend::{ProxyHeader, Socket, SocketAddress, SocketOptions, Target, TargetMap},
    client::{ClientTls, Trust},
    framing::Framing,
    http::{
        RouteOptions,
        access::TokenPlace,
        pages::{MountTarget, TokenTargets},
    },
    server::tls::authorities,
    transport::websocket::Delivery,
};

/// Look-up, connecting and TLS together: as long as a browser's patience, longer than a packet that is lost twice.
const TIMEOUT: Duration = Duration::from_secs(10);

/// In the place of a target: whom the authorizer of each request names.
pub(super) const BY_AUTHORIZER: &str = "authorize";

/// `--target` as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetWord<'a> {
    /// All of it.
    pub(super) word: &'a str,
    /// Where it answers, if that is said.
    pub(super) path: Option<&'a str>,
    address: &'a str,
}

impl<'a> TargetWord<'a> {
    /// Those that were given.
    ///
    /// # Errors
    /// A path without a target.
    pub(super) fn all(args: &'a Args) -> Result<Vec<Self>, FlagError> {
        let words = args.targets.target.iter();
        words.map(|word| TargetWord::new(word)).collect()
    }

    fn new(word: &'a str) -> Result<Self, FlagError> {
        let (path, address) = match word.split_once('=') {
            Some((path, address)) if path.starts_with('/') => (Some(path), address),
            _ if word.starts_with('/') => {
                let reason = "expected PATH=TARGET; the target at a file's path is unix:PATH";
                return Err(FlagError::new("--target", word, reason));
            }
            _ => (None, word),
        };
        Ok(TargetWord {
            word,
            path,
            address,
        })
    }

    /// The target, spoken to as the flags say.
    pub(super) fn target(self, args: &ProgramArgs) -> Result<MountTarget, FlagError> {
        fixed(self.address, args).map_err(|reason| reason.into_error("--target", self.word))
    }
}

/// Why that is no target: what is wrong with it, or with another flag.
enum NoTarget {
    Address(String),
    Other(FlagError),
}

impl NoTarget {
    fn into_error(self, flag: &str, word: &str) -> FlagError {
        match self {
            NoTarget::Address(reason) => FlagError::new(flag, word, reason),
            NoTarget::Other(error) => error,
        }
    }
}

/// The target that a `[[route]]` names.
pub(super) fn of_route(address: &str, args: &ProgramArgs) -> Result<MountTarget, FlagError> {
    fixed(address, args).map_err(|reason| reason.into_error("target", address))
}

fn fixed(address: &str, args: &ProgramArgs) -> Result<MountTarget, NoTarget> {
    if address == BY_AUTHORIZER {
        // Any target may want TLS.
        let options = socket_options(args, true).map_err(NoTarget::Other)?;
        return match args.authorize.authorize {
            Some(_) => Ok(MountTarget::ByAuthorizer(Arc::new(options))),
            None => Err(NoTarget::Address(
                "who is to name the target? Give --authorize too".to_owned(),
            )),
        };
    }
    let parsed: Result<SocketAddress, _> = address.parse();
    let address = parsed.map_err(|error| NoTarget::Address(error.to_string()))?;
    let options = socket_options(args, address.is_tls()).map_err(NoTarget::Other)?;
    if let (true, Err(reason)) = (address.is_tls(), &options.tls) {
        return Err(NoTarget::Address(format!("{reason}: give --target-ca")));
    }
    let options = Arc::new(options);
    Ok(Target::Socket(Socket { address, options }).into())
}

/// The targets of a file or a directory, and what is wrong with lines in them.
pub(super) fn map(
    path: &Path,
    args: &ProgramArgs,
) -> Result<(MountTarget, Vec<String>), FlagError> {
    let opened = TargetMap::open(path);
    let (map, faults) =
        opened.map_err(|error| FlagError::new("--target-map", path.display(), error))?;
    let place = match &args.target.target_token {
        Some(word) => {
            let parsed: Result<TokenPlace, _> = word.parse();
            parsed.map_err(|reason| FlagError::new("--target-token", word, reason))?
        }
        None => TokenPlace::default(),
    };
    // Any target may want TLS, and none may.
    let options = Arc::new(socket_options(args, true)?);
    let targets = TokenTargets {
        place,
        map,
        options,
    };
    Ok((MountTarget::ByToken(targets), faults))
}

/// The terms of a target: of what takes bytes alone nobody asks where a message ends, nor how long it is.
pub(super) fn terms(options: RouteOptions, target: &MountTarget) -> RouteOptions {
    let mut options = match target {
        MountTarget::Fixed(target) => terminal::terms(options, target.pty()),
        MountTarget::ByToken(_) | MountTarget::Rooms(_) | MountTarget::ByAuthorizer(_) => options,
    };
    let framing = match target {
        MountTarget::Fixed(Target::Program(..) | Target::Room(_)) | MountTarget::Rooms(_) => None,
        MountTarget::Fixed(Target::Socket(socket)) => Some(socket.options.streams.framing),
        MountTarget::ByToken(targets) => Some(targets.options.streams.framing),
        MountTarget::ByAuthorizer(options) => Some(options.streams.framing),
    };
    if framing == Some(Framing::Chunks) {
        options.websocket.delivery = Delivery::InPieces;
    }
    options
}

fn socket_options(args: &ProgramArgs, is_tls: bool) -> Result<SocketOptions, FlagError> {
    let target = &args.target;
    let header = |version| match version {
        ProxyVersion::V1 => ProxyHeader::Version1,
        ProxyVersion::V2 => ProxyHeader::Version2,
    };
    Ok(SocketOptions {
        streams: streams_of_target(args)?,
        tls: match is_tls {
            // What is spoken inside is the client's affair.
            true => ClientTls::new(trust(target)?, None).map(|tls| tls.without_protocols()),
            false => Err("it is not spoken".to_owned()),
        },
        proxy_header: target.target_proxy_protocol.map(header),
        timeout: target.target_timeout.unwrap_or(TIMEOUT),
    })
}

/// Whom targets by TLS have to be.
fn trust(args: &TargetOptionArgs) -> Result<Trust, FlagError> {
    Ok(match (&args.target_ca, args.target_insecure) {
        (Some(file), _) => {
            let authorities = authorities(file);
            Trust::Authorities(authorities.map_err(|error| flag_error_for("--target-ca", error))?)
        }
        (None, true) => Trust::Anybody,
        (None, false) => Trust::System,
    })
}
