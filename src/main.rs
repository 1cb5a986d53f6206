//! `wsd`: arguments → command → exit status.

use std::{env, process::ExitCode};

use anyhow::{Context, Result};
use wsd::{
    args::{CommandLine, completions},
    config::{ConfigError, Task},
    server::{inetd, listener::Inherited},
};

mod commands;
use commands::{
    check_memory, connect, doctor, fail, init, print, print_as_clap, publish, refuse, replay,
    serve, subscribe,
};

/// wsd's own, and those of what its terminal page is made of, which is in the binary too.
const LICENSES: &str = concat!(
    include_str!("../LICENSE"),
    "\n",
    include_str!("http/pages/terminal/built/LICENSES")
);

fn main() -> ExitCode {
    forbid_inspection();
    inetd::hide_stderr();
    let outcome = check_memory().and_then(|()| match init::is_needed() {
        true => init::run().context("as process 1"),
        false => start(),
    });
    outcome.unwrap_or_else(|error| fail(&error))
}

/// A program of the same user must not find by proc(5) what it is not told: our environment, memory and descriptors.
/// What we execute is an ordinary process again.
fn forbid_inspection() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It does not fail for a value that the kernel knows (PR_SET_DUMPABLE(2const)).
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

fn start() -> Result<ExitCode> {
    // First of all, while no other descriptor is open.
    let inherited = Inherited::take();
    let command_line = CommandLine::new(env::args_os().skip(1));
    match Task::load(&command_line) {
        Ok(Task::PrintLicense) => Ok(print(LICENSES)),
        Ok(Task::PrintCompletions(shell)) => Ok(print(&completions(shell))),
        Ok(Task::CheckConfig) => Ok(print("the configuration is fine\n")),
        Ok(Task::Replay(recording)) => replay::run(&recording),
        Ok(Task::Publish(room)) => Ok(publish::run(&room)),
        Ok(Task::Subscribe(room)) => Ok(subscribe::run(&room)),
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
