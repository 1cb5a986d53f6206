//! The environment variables that programs get.

use std::{ffi::OsString, path::Path};

use super::flag_error::FlagError;
use crate::{
    args::ProcessArgs,
    environ::{self, Environ},
};

/// What programs get of our environment: enough to find other programs and their libraries.
const PASSED: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// The variables that do not depend on a request; `files` is the directory of static files.
pub(super) fn environ(args: &ProcessArgs, files: Option<&Path>) -> Result<Environ, FlagError> {
    let mut passed = passed(args.passenv.as_deref())?;
    for word in &args.env {
        let invalid = |reason: &str| FlagError::new("--env", word, reason);
        match word.split_once('=') {
            None | Some(("", _)) => return Err(invalid("expected NAME=VALUE")),
            Some((name, _)) if environ::is_meta_variable(name) => {
                let reason = format!("wsd sets {name} itself, to what the request says");
                return Err(invalid(&reason));
            }
            Some(_) if word.contains('\0') => return Err(invalid("a NUL byte")),
            Some((name, value)) => {
                passed.retain(|(other, _)| other != name);
                passed.push((name.into(), value.into()));
            }
        }
    }
    environ::declare_utf8(&mut passed);
    Ok(Environ {
        passed,
        static_root: files.map(Path::to_owned),
    })
}

/// What programs get of our environment, by the names of `--passenv`; one that is empty stands for none.
fn passed(names: Option<&[String]>) -> Result<Vec<(OsString, OsString)>, FlagError> {
    let names = match names {
        None => return Ok(environ::inherit(&PASSED.map(str::to_owned))),
        Some([none]) if none.is_empty() => return Ok(environ::inherit(&[])),
        Some(names) => names,
    };
    let wrong = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
    match names.iter().find(wrong) {
        Some(name) => Err(FlagError::new(
            "--passenv",
            name,
            "expected the names of variables",
        )),
        None => Ok(environ::inherit(names)),
    }
}
