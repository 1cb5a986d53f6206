//! Which program is run, and how its streams carry messages.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

use super::{
    command, flag_error::FlagError, process_attributes::process_attributes, terminal,
    variables::environ, zero::unless_zero,
};
use crate::{
    args::{FramingKind, MessageArgs, NewlinePolicy, ProcessArgs, ProgramArgs},
    backend::{MaxLine, Program, StderrTo, StreamOptions, Target, examine},
    framing::{Framing, Newline},
};

/// The program that COMMAND names, run as the flags say; `None` without one.
pub(super) fn target(args: &ProgramArgs) -> Result<Option<Target>, FlagError> {
    let Some(mut program) = program(&args.command, &args.process)? else {
        return Ok(None);
    };
    let streams = streams(args)?;
    let passed = environ(&args.process, None)?.passed;
    let (file, directory) = (&program.file, program.directory.as_deref());
    program.unbuffer = terminal::unbuffer(args, &streams, file, directory, &passed);
    program.pty = terminal::pty(args)?;
    Ok(Some(Target::Program(
        program,
        streams,
        stderr_to(&args.messages),
    )))
}

/// The program that the words of a command name; `None` without any. Errors about it are about COMMAND.
pub(super) fn program(
    command: &[OsString],
    args: &ProcessArgs,
) -> Result<Option<Program>, FlagError> {
    let Some(name) = command.first() else {
        return Ok(None);
    };
    let directory = directory(args)?;
    let file = command::find(name)?;
    let program = Program {
        // Looked up from here, and executed from its working directory.
        file: match directory {
            Some(_) => absolute("COMMAND", &file)?,
            None => file,
        },
        arguments: command.to_vec(),
        directory,
        attributes: process_attributes(args)?,
        ..Program::default()
    };
    check_script(name, &program, args)?;
    Ok(Some(program))
}

/// Refuses a script that cannot run, which would fail at each connection.
fn check_script(name: &OsStr, program: &Program, args: &ProcessArgs) -> Result<(), FlagError> {
    let passed = environ(args, None)?.passed;
    let path = passed.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.as_os_str());
    let Some(fault) = examine(&program.file, program.directory.as_deref(), path) else {
        return Ok(());
    };
    let (name, remedy) = (name.to_string_lossy(), fault.remedy(&program.file));
    let reason = format!("'{name}' cannot be executed: {fault}\n\n  tip: {remedy}");
    Err(FlagError::about("COMMAND", reason))
}

fn directory(args: &ProcessArgs) -> Result<Option<PathBuf>, FlagError> {
    match &args.workdir {
        Some(path) if !path.is_dir() => Err(FlagError::new(
            "--workdir",
            path.display(),
            "not a directory that can be read",
        )),
        Some(path) => absolute("--workdir", path).map(Some),
        None => Ok(None),
    }
}

fn absolute(flag: &str, path: &Path) -> Result<PathBuf, FlagError> {
    let invalid = |error: io::Error| FlagError::new(flag, path.display(), error);
    std::path::absolute(path).map_err(invalid)
}

/// How messages travel through the streams of a program, whichever it is.
pub(super) fn streams(args: &ProgramArgs) -> Result<StreamOptions, FlagError> {
    let messages = &args.messages;
    let framing = framing(messages)?;
    let framing = framing.unwrap_or(Framing::Lines(newline(messages)));
    if messages.passstderr && !matches!(framing, Framing::Lines(_)) {
        let other = match (messages.binary, messages.framing) {
            (false, Some(kind)) => kind.flag(),
            _ => "--binary".to_owned(),
        };
        let reason = format!("and {other} exclude each other: --passstderr sends lines of JSON");
        return Err(FlagError::about("--passstderr", reason));
    }
    Ok(stream_options(args, framing))
}

/// The same for a socket, which has bytes rather than lines unless something else is said.
pub(super) fn streams_of_target(args: &ProgramArgs) -> Result<StreamOptions, FlagError> {
    let framing = framing(&args.messages)?;
    Ok(stream_options(args, framing.unwrap_or(Framing::Chunks)))
}

fn stream_options(args: &ProgramArgs, framing: Framing) -> StreamOptions {
    StreamOptions {
        framing,
        max_line: MaxLine {
            bytes: unless_zero(args.limits.maxlinesize).unwrap_or(usize::MAX),
            set_by: "--maxlinesize",
        },
        flush_after: args.messages.flush_after,
    }
}

/// Where a program's stderr goes.
pub(super) fn stderr_to(args: &MessageArgs) -> StderrTo {
    match args.passstderr {
        true => StderrTo::Client,
        false => StderrTo::Log,
    }
}

pub(super) fn newline(args: &MessageArgs) -> Newline {
    match args.newline {
        NewlinePolicy::Split => Newline::Split,
        NewlinePolicy::Reject => Newline::Reject,
        NewlinePolicy::Space => Newline::Space,
    }
}

/// The framing that is asked for; `None` if none is.
fn framing(args: &MessageArgs) -> Result<Option<Framing>, FlagError> {
    Ok(Some(match args.framing {
        Some(kind) if args.binary && kind != FramingKind::Chunks => {
            let other = kind.flag();
            let reason = format!("and {other} exclude each other: give one of them");
            return Err(FlagError::about("--binary", reason));
        }
        Some(FramingKind::Chunks) => Framing::Chunks,
        Some(FramingKind::Text) => Framing::Text,
        Some(FramingKind::Length) => Framing::Length,
        Some(FramingKind::Control) => Framing::Control,
        Some(FramingKind::Headers) => Framing::Headers,
        Some(FramingKind::Lines) => Framing::Lines(newline(args)),
        None if args.binary => Framing::Chunks,
        None => return Ok(None),
    }))
}
