//! `wsd`: arguments, configuration, server, exit status.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};

use wsd::{
    args::{Args, Words},
    backend::Spawner,
    config::{Config, file::File},
    init, logging,
    server::{
        inetd::{self, Accepted},
        listener::{Inherited, InheritedError},
    },
};

mod serving;
use serving::{Source, serve};

/// Wrong usage or configuration.
const EXIT_USAGE: u8 = 2;

/// What sessions that are cut off get to kill their programs.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    inetd::hide_stderr();
    let outcome = match init::is_needed() {
        true => init::run().context("as process 1"),
        false => start(),
    };
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Says what is wrong; a stderr that is closed is no reason to panic.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "error: {error:#}");
}

fn start() -> Result<ExitCode> {
    // First of all, while no other descriptor is open.
    let inherited = Inherited::take();
    let typed: Vec<_> = env::args_os().skip(1).collect();
    let args = match Args::parse_from_words(typed.clone()) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return Ok(ExitCode::from(error.exit_code() as u8));
        }
    };
    if args.license {
        let _ = io::stdout().write_all(include_bytes!("../LICENSE"));
        return Ok(ExitCode::SUCCESS);
    }
    let (args, config) = match configure(&typed) {
        Ok(configured) => configured,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    if args.check_config {
        let _ = writeln!(io::stdout(), "the configuration is fine");
        return Ok(ExitCode::SUCCESS);
    }
    let source = match source(&config, inherited) {
        Ok(source) => source,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    let _log = logging::init(args.loglevel, args.log_format).context("cannot start a thread")?;
    // Before the runtime, and dropped after it: programs end with the thread that started them.
    let spawner = Spawner::start().context("cannot start a thread")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let again = || configure(&typed).map(|(_, config)| config);
    let outcome = runtime.block_on(serve(config, source, spawner.clone(), again));
    // Drops the sessions that are left, which kills their programs; a thread that waits for a disk or a
    // name server is not waited for.
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// What was typed and what is written, together and checked.
fn configure(typed: &[OsString]) -> Result<(Args, Config)> {
    let args = Args::parse_from_words(typed.to_vec())?;
    let Some(path) = &args.config else {
        let config = Config::new(&args)?;
        return Ok((args, config));
    };
    let file = File::read(path)?;
    let typed = Words::new(typed.to_vec())?;
    let (args, routes) = file.merge(&typed)?;
    let config = Config::with_routes(&args, &routes).map_err(|error| file.locate(&typed, error))?;
    Ok((args, config))
}

fn source(config: &Config, inherited: Result<Inherited, InheritedError>) -> Result<Source> {
    Ok(match config.inetd {
        true => Source::Accepted(Accepted::take()?),
        false => Source::Listening(inherited?),
    })
}
