//! What is to be done: the command line and the configuration file together, checked.

use std::ffi::OsString;

use anyhow::{Result, bail};

use super::{Config, Route, client::Client, doctor::subject, file::File};
use crate::{
    args::{Args, LogFormat, LogLevel, Words},
    doctor::Subject,
};

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// `--license`.
    PrintLicense,
    /// `--check-config`: nothing more, all is well.
    CheckConfig,
    /// Serve.
    Serve(Box<Config>),
    /// `--connect`.
    Connect(Box<Client>),
    /// `--doctor`.
    Examine(Box<Subject>),
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// How much.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

impl LogOptions {
    pub(super) fn new(args: &Args) -> Self {
        LogOptions {
            level: args.loglevel(),
            format: args.log.log_format,
        }
    }
}

impl Task {
    /// Reads the words after the program's name and, with `--config`, the file; checks all of it.
    ///
    /// # Errors
    /// [`clap::Error`] for words that are no command line, and for `--help` and `--version`; else one that
    /// names the flag, or file, line and key.
    pub fn load(typed: &[OsString]) -> Result<Self> {
        let args = Args::parse_from_words(typed.to_vec())?;
        if args.invocation.license {
            return Ok(Task::PrintLicense);
        }
        let task = match &args.invocation.config {
            None => Task::new(&args, &Route::typed(&args)?),
            Some(path) => {
                let file = File::read(path)?;
                let typed = Words::new(typed.to_vec())?;
                let (args, routes) = file.merge(&typed)?;
                Task::new(&args, &routes).map_err(|error| file.locate(&typed, error))
            }
        };
        match args.invocation.check_config {
            true => task.map(|_| Task::CheckConfig),
            false => task,
        }
    }

    fn new(args: &Args, routes: &[Route]) -> Result<Self> {
        Ok(match (&args.client.connect, args.invocation.doctor) {
            (Some(_), _) => Task::Connect(Box::new(Client::new(args, routes)?)),
            (None, true) => Task::Examine(Box::new(subject(args, routes)?)),
            (None, false) => Task::Serve(Box::new(Config::with_routes(args, routes)?)),
        })
    }

    /// The configuration of a server that reads it again.
    ///
    /// # Errors
    /// When a file has made something else of it.
    pub fn server(self) -> Result<Config> {
        match self {
            Task::Serve(config) => Ok(*config),
            Task::Connect(_) => bail!("--connect makes a client of a server: start another wsd"),
            Task::Examine(_) => bail!("--doctor examines and serves nothing: start another wsd"),
            Task::PrintLicense | Task::CheckConfig => bail!("there is nothing to serve"),
        }
    }
}
