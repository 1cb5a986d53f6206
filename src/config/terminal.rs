//! Whether programs hold back output, and which of their streams are a pty.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    sync::Arc,
};

use super::flag_error::FlagError;
use crate::{
    args::{FramingKind, ProgramArgs, TerminalArgs, UnbufferBy},
    backend::{Pty, StreamOptions, Unbuffer, WriteAt},
    framing::Framing,
    http::{RouteOptions, TerminalOptions, pages::Router, websocket::Subprotocols},
};

/// The subprotocol of a terminal.
const SUBPROTOCOL: &str = "wsd.terminal";

/// What programs find that have a pty, and no client that draws: they are not to colour, to page and to move a cursor.
const DUMB: [(&str, &str); 4] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
];
/// What they find whose client draws.
const DRAWN: [(&str, &str); 2] = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
/// What would tell them a size that is none of the terminal's.
const SIZES: [&str; 2] = ["COLUMNS", "LINES"];

/// Which of a program's streams are a pty.
///
/// # Errors
/// A framing that a terminal cannot have.
pub(super) fn pty(args: &ProgramArgs) -> Result<Pty, FlagError> {
    let terminals = &args.terminals;
    if terminals.writable && !terminals.terminal {
        // clap requires nothing that another flag excludes.
        let reason = "is about the terminals of --terminal: give that too";
        return Err(FlagError::about("--writable", reason));
    }
    if terminals.terminal {
        return Ok(Pty::Terminal {
            is_readonly: args.sharing.readonly,
        });
    }
    if !terminals.pty {
        return Ok(match terminals.unbuffer {
            Some(UnbufferBy::Pty) => Pty::Output,
            Some(UnbufferBy::Env) | None => Pty::None,
        });
    }
    match args.messages.framing {
        Some(kind @ (FramingKind::Length | FramingKind::Headers | FramingKind::Control)) => {
            let framing = kind.flag();
            let reason = format!(
                "and {framing} exclude each other: stderr is on the terminal too, between the messages"
            );
            Err(FlagError::about("--pty", reason))
        }
        _ => Ok(Pty::Stdio),
    }
}

/// The terms of a program with such streams: a terminal has a page, and speaks a subprotocol of its own, beside others
/// only if they were named.
pub(super) fn terms(mut options: RouteOptions, pty: Pty) -> RouteOptions {
    if let Pty::Terminal { is_readonly } = pty {
        options.terminal = Some(TerminalOptions { is_readonly });
        options.subprotocols = match options.subprotocols {
            Subprotocols::Offered => Subprotocols::Listed(vec![SUBPROTOCOL.to_owned()]),
            Subprotocols::Listed(mut names) => {
                names.push(SUBPROTOCOL.to_owned());
                Subprotocols::Listed(names)
            }
            Subprotocols::Off => Subprotocols::Off,
        };
    }
    options
}

/// When programs write, if they are asked to write earlier.
pub(super) fn write_at(args: &ProgramArgs, streams: &StreamOptions) -> Option<WriteAt> {
    args.terminals.unbuffer.map(|_| {
        match matches!(streams.framing, Framing::Lines(_)) && streams.flush_after.is_none() {
            true => WriteAt::LineEnd,
            false => WriteAt::Once,
        }
    })
}

/// What keeps a program from holding back output, if that is asked for; `passed` is its environment.
pub(super) fn unbuffer(
    args: &ProgramArgs,
    streams: &StreamOptions,
    file: &Path,
    directory: Option<&Path>,
    passed: &[(OsString, OsString)],
) -> Option<Arc<Unbuffer>> {
    let write_at = write_at(args, streams)?;
    let path = passed.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.as_os_str());
    Some(Arc::new(Unbuffer::new(write_at, file, directory, path)))
}

/// Puts into an environment what a terminal needs there, unless `--env` says it.
pub(super) fn add_variables(args: &ProgramArgs, passed: &mut Vec<(OsString, OsString)>) {
    let TerminalArgs {
        unbuffer,
        pty,
        terminal,
        ..
    } = args.terminals;
    let own: &[(&str, &str)] = match (terminal, pty || unbuffer == Some(UnbufferBy::Pty)) {
        (true, _) => &DRAWN,
        (false, true) => &DUMB,
        (false, false) => &[],
    };
    let is_typed = |name: &OsStr| {
        let words = args.process.env.iter();
        let mut names = words.filter_map(|word| Some(word.split_once('=')?.0));
        names.any(|typed| name == typed)
    };
    // What is passed on is about the terminal of wsd.
    for (name, value) in own {
        if !is_typed(OsStr::new(name)) {
            passed.retain(|(other, _)| other != name);
            passed.push((name.into(), value.into()));
        }
    }
    if terminal || pty {
        passed.retain(|(name, _)| !SIZES.iter().any(|size| name == size) || is_typed(name));
    }
}

/// Refuses flags about a program's streams where there is no program.
///
/// # Errors
/// The first of them.
pub(super) fn check_programs(args: &ProgramArgs, router: &Router) -> Result<(), FlagError> {
    let TerminalArgs {
        unbuffer,
        pty,
        terminal,
        ..
    } = args.terminals;
    let given = [
        ("--unbuffer", unbuffer.is_some()),
        ("--pty", pty),
        ("--terminal", terminal),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if !router.has_programs() => {
            let reason = "is about a program: give a COMMAND, --route or --dir too";
            Err(FlagError::about(flag, reason))
        }
        _ => Ok(()),
    }
}
