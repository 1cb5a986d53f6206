//! `wsd`: arguments, configuration, server, exit status.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::runtime::{Builder, Runtime};

use wsd::{
    args::{Args, Words},
    backend::Spawner,
    config::{self, Config, Route, client::Client, file::File},
    doctor::Subject,
    init, logging,
    server::{
        inetd::{self, Accepted},
        listener::{Inherited, InheritedError},
    },
};

mod connecting;
mod examining;
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
    let (args, job) = match configure(&typed) {
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
    let config = match job {
        Job::Serve(config) => *config,
        Job::Connect(client) => return connect(&args, *client),
        Job::Examine(subject) => return examining::examine(&subject),
    };
    let source = match source(&config, inherited) {
        Ok(source) => source,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    let _log = logging::init(args.loglevel(), args.log_format).context("cannot start a thread")?;
    // Before the runtime, and dropped after it: programs end with the thread that started them.
    let spawner = Spawner::start().context("cannot start a thread")?;
    let runtime = runtime(config.workers)?;
    let again = || configure(&typed)?.1.server();
    let outcome = runtime.block_on(serve(config, source, spawner.clone(), again));
    // Drops the sessions that are left, which kills their programs; a thread that waits for a disk or a
    // name server is not waited for.
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    outcome
}

/// The threads that serve; `None` is one for each CPU.
fn runtime(workers: Option<usize>) -> io::Result<Runtime> {
    let mut threads = Builder::new_multi_thread();
    if let Some(workers) = workers {
        threads.worker_threads(workers);
    }
    threads.enable_all().build()
}

/// `--connect`.
fn connect(args: &Args, client: Client) -> Result<ExitCode> {
    let _log = logging::init(args.loglevel(), args.log_format).context("cannot start a thread")?;
    // As in `start`.
    let start = || Spawner::start().context("cannot start a thread");
    let options = client.options(start)?;
    let runtime = runtime(None)?;
    let outcome = runtime.block_on(connecting::connect(options, complain));
    // A thread may wait in a read of stdin, for ever.
    runtime.shutdown_background();
    outcome
}

/// What is to be done.
enum Job {
    Serve(Box<Config>),
    Connect(Box<Client>),
    Examine(Box<Subject>),
}

impl Job {
    fn server(self) -> Result<Config> {
        match self {
            Job::Serve(config) => Ok(*config),
            Job::Connect(_) => bail!("--connect makes a client of a server: start another wsd"),
            Job::Examine(_) => bail!("--doctor examines and serves nothing: start another wsd"),
        }
    }
}

/// What was typed and what is written, together and checked.
fn configure(typed: &[OsString]) -> Result<(Args, Job)> {
    let args = Args::parse_from_words(typed.to_vec())?;
    let Some(path) = &args.config else {
        let routes = Route::typed(&args)?;
        let job = job(&args, &routes)?;
        return Ok((args, job));
    };
    let file = File::read(path)?;
    let typed = Words::new(typed.to_vec())?;
    let (args, routes) = file.merge(&typed)?;
    let job = job(&args, &routes).map_err(|error| file.locate(&typed, error))?;
    Ok((args, job))
}

fn job(args: &Args, routes: &[Route]) -> Result<Job> {
    Ok(match (&args.connect, args.doctor) {
        (Some(_), _) => Job::Connect(Box::new(Client::new(args, routes)?)),
        (None, true) => Job::Examine(Box::new(config::subject(args, routes)?)),
        (None, false) => Job::Serve(Box::new(Config::with_routes(args, routes)?)),
    })
}

fn source(config: &Config, inherited: Result<Inherited, InheritedError>) -> Result<Source> {
    Ok(match config.inetd {
        true => Source::Accepted(Accepted::take()?),
        false => Source::Listening(inherited?),
    })
}
