//! Servers that are started before the first connection and kept running: `--start`.

use std::{env, ffi::OsString, time::Duration};

use nix::unistd::geteuid;

use super::{
    command, flag_error::FlagError, program::program, rooms, session::termination,
    variables::environ,
};
use crate::{
    args::{Args, ProcessArgs},
    backend::{SupervisedProgram, TerminationTimeouts},
    server::rooms::SocketOptions,
};

/// What is to be started, as it was said; it is looked up when it is started.
#[derive(Debug, Clone)]
pub struct Servers {
    /// Each as it was written, and its words.
    commands: Vec<(String, Vec<OsString>)>,
    process: ProcessArgs,
    timeouts: TerminationTimeouts,
    /// By which they reach rooms.
    rooms: Option<SocketOptions>,
}

impl Servers {
    pub(super) fn new(args: &Args, rooms: Option<&SocketOptions>) -> Result<Self, FlagError> {
        let split = |word: &String| {
            let words = command::split(word);
            let words = words.map_err(|reason| FlagError::new("--start", word, reason))?;
            Ok((word.clone(), words))
        };
        let commands = args.operation.start.iter().map(split);
        Ok(Servers {
            commands: commands.collect::<Result<_, FlagError>>()?,
            process: args.program.process.clone(),
            rooms: rooms.cloned(),
            timeouts: TerminationTimeouts {
                // Its input has ended from the beginning, so that there is nothing to wait for.
                eof: args.program.limits.closems,
                finish: None,
                ..termination(&args.program.limits)
            },
        })
    }

    /// Each as it was written.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().map(|(word, _)| word.as_str())
    }

    /// What one gets to be ended.
    pub fn patience(&self) -> Duration {
        self.timeouts.total()
    }

    /// Looks all of them up.
    ///
    /// # Errors
    /// The first that cannot be executed, and why.
    pub(super) fn find(&self) -> Result<Vec<SupervisedProgram>, FlagError> {
        let commands = self.commands.iter();
        let found = commands.filter_map(|(word, words)| self.find_one(word, words).transpose());
        found.collect()
    }

    fn find_one(
        &self,
        word: &str,
        words: &[OsString],
    ) -> Result<Option<SupervisedProgram>, FlagError> {
        let found = program(words, &self.process).map_err(|error| match error.key() {
            "command" => FlagError::new("--start", word, error),
            _ => error,
        })?;
        let environment = self.environment()?;
        Ok(found.map(|program| SupervisedProgram {
            file: program.file,
            arguments: program.arguments,
            directory: program.directory,
            attributes: program.attributes,
            environment,
            timeouts: self.timeouts,
        }))
    }

    /// What programs get whatever the request, and a PATH, without which a server finds nothing.
    fn environment(&self) -> Result<Vec<(OsString, OsString)>, FlagError> {
        let mut variables = environ(&self.process, None)?.passed;
        if !variables.iter().any(|(name, _)| name == "PATH")
            && let Some(path) = env::var_os("PATH")
        {
            variables.push(("PATH".into(), path));
        }
        rooms::tell(self.rooms.as_ref(), &mut variables);
        Ok(variables)
    }

    /// What is to be said at the start.
    pub(super) fn warning(&self) -> Option<String> {
        let first = self.words().next()?;
        let runs_as_root = geteuid().is_root() && self.process.user.is_none();
        runs_as_root.then(|| {
            format!("--start runs '{first}' as root: --user=NAME gives it, and all programs, another user's rights")
        })
    }
}
