//! The threads and the event loop that everything runs on, or why there are none.

use std::{panic, process};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};
use wsd::{exit_status, room};

use super::message::complain;

/// Address space in bytes below which nothing is tried: the stacks of the threads alone take some 20 MB, and an
/// allocation that fails ends the process without a word that helps.
const LEAST_MEMORY: u64 = 64 << 20;

/// Threads that wait for disks and name servers under a limit of address space. Each takes 2 MiB of it for its stack, and
/// the library would make 512; with fewer, a few dead disks hold up all files.
const BLOCKING_THREADS: usize = 8;

/// Refuses a limit of address space in which nothing works, and makes do with any other. To be called while there is one
/// thread.
///
/// # Errors
/// Which limit, and what is needed.
pub(crate) fn check_memory() -> Result<()> {
    room::share_address_space();
    match getrlimit(Resource::As).current {
        Some(limit) if limit < LEAST_MEMORY => bail!(
            "the limit of memory is {limit} bytes, and wsd needs {LEAST_MEMORY}: raise it (ulimit -v)"
        ),
        _ => Ok(()),
    }
}

/// Makes a runtime. Without a thread or descriptor for it the process ends here: the library panics then, and
/// unwinding would wait for the threads that it has started.
///
/// # Errors
/// When the operating system refuses something else.
pub(super) fn build(builder: &mut Builder) -> Result<Runtime> {
    if room::is_limited() {
        builder.max_blocking_threads(BLOCKING_THREADS);
    }
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {
        complain(&anyhow!(
            "there are too few threads or descriptors: raise the limits of processes (ulimit -u), open files (ulimit -n) and memory (ulimit -v)"
        ));
        process::exit(exit_status::FAILURE.into());
    }));
    let built = builder.enable_all().build();
    panic::set_hook(hook);
    built.context("the threads that serve cannot be started")
}
