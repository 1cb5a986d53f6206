//! Which program is run, and how its streams carry messages.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail};

use super::{command, confinement::confinement, service::environ, unless_zero};
use crate::{
    args::{Args, FramingKind, NewlinePolicy},
    backend::{MaxLine, Program, StderrTo, StreamOptions, Target, examine},
    framing::{Framing, Newline},
};

/// The program that COMMAND names, run as the flags say; `None` without one.
pub(super) fn target(args: &Args) -> Result<Option<Target>> {
    let Some(name) = args.program.command.first() else {
        return Ok(None);
    };
    let program = Program {
        file: file(name, args.program.process.workdir.as_deref())?,
        arguments: args.program.command.clone(),
        directory: directory(args)?,
        attributes: confinement(args)?,
    };
    check_script(name, &program, args)?;
    Ok(Some(Target::Program(
        program,
        streams(args)?,
        stderr_to(args),
    )))
}

/// Refuses a script that cannot run, which would fail at each connection.
fn check_script(name: &OsString, program: &Program, args: &Args) -> Result<()> {
    let passed = environ(args, None)?.passed;
    let path = passed.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.as_os_str());
    match examine(&program.file, program.directory.as_deref(), path) {
        Some(fault) => bail!(
            "COMMAND '{}' cannot be executed: {fault}\n\n  tip: {}",
            name.to_string_lossy(),
            fault.remedy(&program.file)
        ),
        None => Ok(()),
    }
}

/// The file to execute. It is looked up from here, and executed from its working directory.
fn file(name: &OsString, workdir: Option<&Path>) -> Result<PathBuf> {
    let file = command::find(name)?;
    Ok(match workdir {
        Some(_) => std::path::absolute(file)?,
        None => file,
    })
}

fn directory(args: &Args) -> Result<Option<PathBuf>> {
    match &args.program.process.workdir {
        Some(path) if !path.is_dir() => bail!(
            "invalid value '{}' for '--workdir': not a directory that can be read",
            path.display()
        ),
        Some(path) => Ok(Some(std::path::absolute(path)?)),
        None => Ok(None),
    }
}

/// How messages travel through the streams of a program, whichever it is.
pub(super) fn streams(args: &Args) -> Result<StreamOptions> {
    let framing = framing(args)?;
    if args.program.messages.passstderr && !matches!(framing, Framing::Lines(_)) {
        let other = match (args.program.messages.binary, framing) {
            (true, _) => "--binary",
            (false, Framing::Length) => "--framing=length",
            (false, _) => "--framing=chunks",
        };
        bail!("--passstderr and {other} exclude each other: --passstderr sends lines of JSON");
    }
    Ok(StreamOptions {
        framing,
        max_line: MaxLine {
            bytes: unless_zero(args.program.limits.maxlinesize).unwrap_or(usize::MAX),
            set_by: "--maxlinesize",
        },
        flush_after: args.program.messages.flush_after.map(Duration::from_millis),
    })
}

/// Where a program's stderr goes.
pub(super) fn stderr_to(args: &Args) -> StderrTo {
    match args.program.messages.passstderr {
        true => StderrTo::Client,
        false => StderrTo::Log,
    }
}

fn framing(args: &Args) -> Result<Framing> {
    let newline = match args.program.messages.newline {
        NewlinePolicy::Split => Newline::Split,
        NewlinePolicy::Reject => Newline::Reject,
        NewlinePolicy::Space => Newline::Space,
    };
    Ok(
        match (args.program.messages.framing, args.program.messages.binary) {
            (Some(FramingKind::Chunks), _) | (None, true) => Framing::Chunks,
            (Some(kind @ (FramingKind::Lines | FramingKind::Length)), true) => {
                let name = if kind == FramingKind::Lines {
                    "lines"
                } else {
                    "length"
                };
                bail!("--binary and --framing={name} exclude each other: give one of them");
            }
            (Some(FramingKind::Length), false) => Framing::Length,
            (Some(FramingKind::Lines) | None, false) => Framing::Lines(newline),
        },
    )
}
