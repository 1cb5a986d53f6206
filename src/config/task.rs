//! What is to be done: the command line and the configuration file together, checked.

use std::path::Path;

use super::{
    client::Client, config_error::ConfigError, doctor::subject, file::File, flag_error::FlagError,
    local_room::LocalRoom, misplaced::misplaced_flags, replay::Replay, route::Route,
    server::Config,
};
use crate::{
    args::{Args, CommandLine, Shell},
    doctor::Subject,
};

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// `--license`.
    PrintLicense,
    /// `--completions`.
    PrintCompletions(Shell),
    /// `--check-config`: nothing more, all is well.
    CheckConfig,
    /// `--replay`.
    Replay(Replay),
    /// `--pub`.
    Publish(LocalRoom),
    /// `--sub`.
    Subscribe(LocalRoom),
    /// Serve.
    Serve(Box<Config>),
    /// `--connect`.
    Connect(Box<Client>),
    /// `--doctor`.
    Examine(Box<Subject>),
}

impl Task {
    /// Parses the command line and, with `--config`, the file; checks all of it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(command_line: &CommandLine) -> Result<Self, ConfigError> {
        Self::load_typed(command_line).map_err(|error| with_tip(command_line, error))
    }

    fn load_typed(command_line: &CommandLine) -> Result<Self, ConfigError> {
        if let Some(path) = command_line.config_file() {
            return Self::load_with_file(command_line, path);
        }
        let args = command_line.parse()?;
        if args.invocation.license {
            return Ok(Task::PrintLicense);
        }
        if let Some(shell) = args.invocation.completions {
            return Ok(Task::PrintCompletions(shell));
        }
        if let Some(task) = Self::of_a_program(command_line, &args)? {
            return Ok(task);
        }
        Ok(Task::new(&args, &Route::typed(&args)?)?.with_warnings(command_line, &args))
    }

    fn load_with_file(command_line: &CommandLine, path: &Path) -> Result<Self, ConfigError> {
        let file = File::read(path)?;
        let (args, routes) = file.merge(command_line)?;
        if let Some(task) = Self::of_a_program(command_line, &args)? {
            return Ok(task);
        }
        let locate = |error| file.with_location(command_line, error);
        let task = Task::new(&args, &routes).map_err(locate)?;
        let task = task.with_warnings(command_line, &args);
        Ok(match task {
            Task::Serve(config) => Task::Serve(Box::new(config.with_location(locate))),
            task => task,
        })
    }

    /// What is a program of another wsd rather than a server.
    fn of_a_program(command_line: &CommandLine, args: &Args) -> Result<Option<Self>, FlagError> {
        if let Some(replay) = Replay::new(command_line, args)? {
            return Ok(Some(Task::Replay(replay)));
        }
        if let Some(room) = LocalRoom::to_publish(command_line, args)? {
            return Ok(Some(Task::Publish(room)));
        }
        let room = LocalRoom::to_subscribe(command_line, args)?;
        Ok(room.map(Task::Subscribe))
    }

    fn with_warnings(mut self, command_line: &CommandLine, args: &Args) -> Self {
        if let Task::Serve(config) = &mut self {
            config.warnings.extend(misplaced_flags(command_line, args));
        }
        self
    }

    fn new(args: &Args, routes: &[Route]) -> Result<Self, ConfigError> {
        let task = match (&args.client.connect, args.invocation.doctor) {
            (Some(url), _) => Task::Connect(Box::new(Client::new(url, args, routes)?)),
            (None, true) => Task::Examine(Box::new(subject(args, routes)?)),
            (None, false) => Task::Serve(Box::new(Config::with_routes(args, routes)?)),
        };
        if !args.invocation.check_config {
            return Ok(task);
        }
        if let Task::Serve(config) = task {
            config.found_servers?;
        }
        Ok(Task::CheckConfig)
    }

    /// The configuration of a server that reads it again.
    ///
    /// # Errors
    /// When a file has made something else of it.
    pub fn server(self) -> Result<Config, ConfigError> {
        let (flag, reason) = match self {
            Task::Serve(config) => return Ok(*config),
            Task::Connect(_) => ("--connect", "makes a client of a server: start another wsd"),
            Task::Examine(_) => ("--doctor", "examines and serves nothing: start another wsd"),
            Task::Replay(_) => ("--replay", "is a program: start another wsd"),
            Task::Publish(_) => ("--pub", "is a program: start another wsd"),
            Task::Subscribe(_) => ("--sub", "is a program: start another wsd"),
            Task::PrintLicense | Task::PrintCompletions(_) | Task::CheckConfig => {
                ("--check-config", "serves nothing")
            }
        };
        Err(FlagError::about(flag, reason).into())
    }
}

/// The error with what helps where a value is taken for COMMAND.
fn with_tip(command_line: &CommandLine, error: ConfigError) -> ConfigError {
    match (error, command_line.flag_before_its_value()) {
        (ConfigError::Flag(error), Some((flag, word))) if error.key() == "command" => {
            let value = shell_words::quote(&word.to_string_lossy()).into_owned();
            let tip = format!("a value of --{flag} stands behind '=': --{flag}={value}");
            error.with_tip(&tip).into()
        }
        (error, _) => error,
    }
}
