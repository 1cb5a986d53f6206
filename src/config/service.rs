//! The terms of a program: who may open it, what it finds, what it may take.

use std::{ffi::OsString, sync::Arc, time::Duration};

use anyhow::{Result, anyhow, bail};

use super::unless_zero;
use crate::{
    args::Args,
    backend::TerminationTimeouts,
    environ::{self, Environ},
    http::{
        AddedHeaders, RouteOptions,
        access::{AllowedOrigin, Origins, ProcessLimit},
        fields::is_token,
        pages::Root,
        response_headers,
        websocket::Subprotocols,
    },
    session::SessionTimeouts,
    transport::websocket,
};

/// What the termination ladder allows without `--closems`: enough for a program that listens to the
/// signal, short enough that a closed tab leaves nothing behind for long.
pub(super) const PATIENCE: TerminationTimeouts = TerminationTimeouts {
    eof: Duration::from_millis(100),
    interrupt: Duration::from_millis(250),
    terminate: Duration::from_millis(500),
};

/// What programs get of our environment: enough to find other programs and their libraries.
const PASSED: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// The terms that the flags say; `processes` are its own.
pub(super) fn service(
    args: &Args,
    files: Option<&Root>,
    processes: ProcessLimit,
) -> Result<RouteOptions> {
    let limits = limits(args, PATIENCE);
    Ok(RouteOptions {
        origins: origins(args)?,
        subprotocols: subprotocols(args)?,
        headers: added_headers(&[
            ("--header", &args.pages.header),
            ("--header-ws", &args.program.header_ws),
        ])?,
        environ: environ(args, files)?,
        websocket: websocket(args, &limits),
        compression: compression(args),
        limits: Arc::new(limits),
        processes,
    })
}

/// What a WebSocket may do, whichever end of it we are.
pub(super) fn websocket(args: &Args, limits: &SessionTimeouts) -> websocket::Options {
    websocket::Options {
        max_message: unless_zero(args.program.limits.maxframesize),
        // Two pings without any byte from the other end.
        silence: limits.keepalive.map(|period| 2 * period),
        write_timeout: unless_zero(args.program.limits.write_timeout).map(Duration::from_millis),
    }
}

/// What a drain takes at most: what a program gets to end by itself, and to be made to.
pub(super) fn drain_time(args: &Args) -> Duration {
    let limits = limits(args, PATIENCE);
    limits.drain + limits.termination.total()
}

/// What is waited for; `--closems` adds to each step of a patience.
pub(super) fn limits(args: &Args, patience: TerminationTimeouts) -> SessionTimeouts {
    let more = Duration::from_millis(args.program.limits.closems);
    let patience = TerminationTimeouts {
        eof: patience.eof + more,
        interrupt: patience.interrupt + more,
        terminate: patience.terminate + more,
    };
    SessionTimeouts {
        keepalive: unless_zero(args.program.limits.pingms).map(Duration::from_millis),
        termination: patience,
        // What is left of the whole when the ladder has had its time.
        drain: Duration::from_secs(args.operation.drain_timeout).saturating_sub(patience.total()),
        idle: unless_zero(args.program.limits.idle_timeout).map(Duration::from_secs),
        lifetime: unless_zero(args.program.limits.max_lifetime).map(Duration::from_secs),
    }
}

/// Whether messages are compressed, and how.
pub(super) fn compression(args: &Args) -> Option<websocket::deflate::DeflateParams> {
    args.program
        .messages
        .compress
        .then_some(websocket::deflate::DeflateParams {
            level: args.program.messages.compress_level,
            threshold: args.program.messages.compress_threshold,
        })
}

pub(super) fn environ(args: &Args, files: Option<&Root>) -> Result<Environ> {
    let mut passed = passed(args.program.process.passenv.as_deref())?;
    for word in &args.program.process.env {
        match word.split_once('=') {
            None | Some(("", _)) => {
                bail!("invalid value '{word}' for '--env': NAME=VALUE is wanted")
            }
            Some((name, _)) if environ::is_meta_variable(name) => bail!(
                "invalid value '{word}' for '--env': wsd sets {name} itself, to what the request says"
            ),
            Some(_) if word.contains('\0') => {
                bail!("invalid value {word:?} for '--env': a NUL byte")
            }
            Some((name, value)) => {
                passed.retain(|(other, _)| other != name);
                passed.push((name.into(), value.into()));
            }
        }
    }
    environ::declare_utf8(&mut passed);
    Ok(Environ {
        passed,
        static_root: files.map(|root| root.path().to_owned()),
    })
}

/// What programs get of our environment, by the names of `--passenv`; one that is empty stands for none.
fn passed(names: Option<&[String]>) -> Result<Vec<(OsString, OsString)>> {
    let names = match names {
        None => return Ok(environ::inherit(&PASSED.map(str::to_owned))),
        Some([none]) if none.is_empty() => return Ok(environ::inherit(&[])),
        Some(names) => names,
    };
    let wrong = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
    match names.iter().find(wrong) {
        Some(name) => {
            bail!(
                "invalid value '{}' for '--passenv': the names of variables are wanted",
                name.escape_default()
            )
        }
        None => Ok(environ::inherit(names)),
    }
}

fn origins(args: &Args) -> Result<Origins> {
    let parse = |word: &String| -> Result<AllowedOrigin> {
        word.parse()
            .map_err(|reason| anyhow!("invalid value '{word}' for '--origin': {reason}"))
    };
    Ok(Origins {
        allowed: args
            .program
            .origin
            .iter()
            .map(parse)
            .collect::<Result<_>>()?,
        required: args.program.sameorigin,
    })
}

pub(super) fn subprotocols(args: &Args) -> Result<Subprotocols> {
    match &args.program.messages.subprotocol[..] {
        [] => Ok(Subprotocols::Offered),
        [none] if none == "none" => Ok(Subprotocols::Off),
        names if names.iter().any(|name| name == "none") => {
            bail!(
                "invalid value '{}' for '--subprotocol': 'none' stands alone",
                names.join(",")
            );
        }
        names => match names.iter().find(|name| !is_token(name)) {
            Some(name) => bail!(
                "invalid value '{name}' for '--subprotocol': a subprotocol is a token, letters and digits (RFC 6455 §4.1)"
            ),
            None => Ok(Subprotocols::Listed(names.to_vec())),
        },
    }
}

/// The headers of some flags together.
pub(super) fn added_headers(flags: &[(&str, &[String])]) -> Result<AddedHeaders> {
    let mut added = AddedHeaders::default();
    for (flag, words) in flags {
        for word in *words {
            let (name, value) = response_headers::parse(word)
                .map_err(|reason| anyhow!("invalid value {word:?} for '{flag}': {reason}"))?;
            added.append(name, value);
        }
    }
    Ok(added)
}
