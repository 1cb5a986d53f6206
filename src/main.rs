//! `wsd`: arguments → command → exit status.

use std::{env, process::ExitCode};

use anyhow::{Context, Result};
use wsd::{
    args::CommandLine,
    config::{ConfigError, Task},
    server::{inetd, listener::Inherited},
};

mod commands;
use commands::{connect, doctor, fail, init, print, print_as_clap, refuse, serve};

fn main() -> ExitCode {
    inetd::hide_stderr();
    let outcome = match init::is_needed() {
        true => init::run().context("as process 1"),
        false => start(),
    };
    outcome.unwrap_or_else(|error| fail(&error))
}

fn start() -> Result<ExitCode> {
    // First of all, while no other descriptor is open.
    let inherited = Inherited::take();
    let command_line = CommandLine::new(env::args_os().skip(1));
    match Task::load(&command_line) {
        Ok(Task::PrintLicense) => Ok(print(include_str!("../LICENSE"))),
        Ok(Task::CheckConfig) => Ok(print("the configuration is fine\n")),
        Ok(Task::Serve(config)) => {
            let reload = || Task::load(&command_line)?.server();
            serve::run(*config, inherited, reload)
        }
        Ok(Task::Connect(client)) => connect::run(*client),
        Ok(Task::Examine(subject)) => doctor::run(&subject),
        Err(ConfigError::CommandLine(error)) => Ok(print_as_clap(&error)),
        Err(error) => Ok(refuse(&error.into())),
    }
}
