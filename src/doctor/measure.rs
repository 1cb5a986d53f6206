//! Measures what a session takes, by starting its program once as a session would.

use std::{
    borrow::Cow,
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    processes::{self, Taken},
    resource::Need,
    subject::Subject,
};
use crate::{
    backend::{Backend, Pty, Resources, Target, has_ptys},
    connection::{ConnectionInfo, Endpoint},
};

/// Between two looks at the program.
const LOOK: Duration = Duration::from_millis(50);

/// Without growth for so long it has settled. Shorter would take a pause in its start for the end of it.
const QUIET: Duration = Duration::from_millis(500);

/// What it gets to settle. Longer would measure what it does rather than what it is; shorter is not enough
/// for a big interpreter on a cold disk.
const START: Duration = Duration::from_secs(10);

/// The socket of its client, which is not connected here.
const CLIENT: u64 = 1;

/// Where descriptors cannot be counted: a client, three pipes, the process.
const DESCRIPTORS: u64 = 5;

/// What a pipe and a socket are in the whole machine: both ends of three pipes, a socket, a process.
const FILES: u64 = 3 * 2 + CLIENT + 1;

/// What a session takes of wsd itself while it is idle, in bytes, rounded up.
const GATEWAY: u64 = 16 * 1024;

/// What the kernel keeps for a thread and for a session's sockets and pipes while they are empty, in bytes:
/// most of it the thread's stack (16 KiB on x86-64) and task, rounded up.
const KERNEL_A_THREAD: u64 = 32 * 1024;

/// What a session with a target takes of wsd and of the kernel for two sockets while it is idle, in bytes: 7 KiB and
/// twice 3 KiB, rounded up.
const TARGET: u64 = 16 * 1024;

/// A program, or a target, that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// What a session with it takes.
    pub need: Need,
    /// Its processes, at most.
    pub processes: u64,
    /// Their threads.
    pub threads: u64,
    /// Their memory in bytes: PSS where it can be read, else RSS, with page tables.
    pub memory: u64,
    /// How long it was looked at until it had settled; of a target how long it took to connect.
    pub after: Duration,
    /// How it ended, if it did so by itself.
    pub ended: Option<ExitStatus>,
    /// It still grew when there was no more time.
    pub grows: bool,
}

/// Starts the program, waits until it has settled, and ends it.
pub(super) async fn measure(subject: &Subject, resources: &Resources) -> io::Result<Measured> {
    let before = processes::descriptors("self");
    let start = Instant::now();
    let Backend {
        output,
        input,
        process,
        ..
    } = open(subject, resources).await?;
    let opened = processes::descriptors("self").saturating_sub(before);
    let mut looks = Looks {
        after: start.elapsed(),
        ..Looks::default()
    };
    let mut ended = None;
    let start = Instant::now();
    if let Some(mut process) = process {
        let leader = process.id();
        tokio::select! {
            // The first look comes before anything else.
            biased;
            () = looks.until_settled(leader, start) => {}
            status = process.exit() => ended = Some(status),
        }
        looks.after = start.elapsed();
        drop((input, output));
        process.end(&subject.patience).await;
    }
    let Looks { most, after, grows } = looks;
    Ok(Measured {
        need: match subject.target {
            Target::Program(..) if subject.is_shared => need_of_member(),
            Target::Program(..) => need(opened, &most),
            Target::Socket(_) | Target::Room(_) => need_of_target(opened),
        },
        processes: most.processes,
        threads: most.threads,
        memory: most.memory,
        after,
        ended,
        grows,
    })
}

/// Opens the backend as for a client without an address.
async fn open(subject: &Subject, resources: &Resources) -> io::Result<Backend> {
    let nobody = Endpoint::Unix(None);
    let client = ConnectionInfo::new(nobody, nobody);
    let environment = &subject.environment;
    let target = match subject.target.pty() == Pty::None || has_ptys() {
        true => Cow::Borrowed(&subject.target),
        // There will be no session, but what one would take.
        false => Cow::Owned(subject.target.on_pipes()),
    };
    Ok(target.open(resources, environment, &client).await?)
}

fn need_of_target(opened: u64) -> Need {
    let sockets = opened.max(1) + CLIENT;
    Need {
        descriptors: sockets,
        files: sockets,
        tasks: 0,
        memory: TARGET,
    }
}

/// A member of a group has its client alone.
fn need_of_member() -> Need {
    Need {
        descriptors: CLIENT,
        files: CLIENT,
        tasks: 0,
        memory: TARGET,
    }
}

fn need(opened: u64, program: &Taken) -> Need {
    let threads = program.threads.max(1);
    Need {
        descriptors: match opened {
            0 => DESCRIPTORS,
            opened => opened + CLIENT,
        },
        files: FILES + program.descriptors.saturating_sub(3),
        tasks: threads,
        memory: program.memory + GATEWAY + threads * KERNEL_A_THREAD,
    }
}

/// What was seen of a program.
#[derive(Debug, Default)]
struct Looks {
    /// The most of each that there was.
    most: Taken,
    after: Duration,
    grows: bool,
}

impl Looks {
    /// Looks again and again until it has not grown for a while. Cancel-safe.
    async fn until_settled(&mut self, leader: u32, start: Instant) {
        let mut since = start;
        while start.elapsed() < START {
            if self.add(processes::of_group(leader)) {
                since = Instant::now();
            }
            if since.elapsed() >= QUIET {
                return;
            }
            sleep(LOOK).await;
        }
        self.grows = true;
    }

    /// Tells whether it has grown: by more than a hundredth, as pages come and go.
    fn add(&mut self, now: Taken) -> bool {
        let before = self.most;
        self.most = Taken {
            processes: before.processes.max(now.processes),
            threads: before.threads.max(now.threads),
            memory: before.memory.max(now.memory),
            descriptors: before.descriptors.max(now.descriptors),
        };
        now.processes > before.processes
            || now.threads > before.threads
            || now.memory > before.memory + before.memory / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAT: Taken = Taken {
        processes: 1,
        threads: 1,
        memory: 100_000,
        descriptors: 3,
    };

    #[test]
    fn growth_is_more_than_a_hundredth_or_another_process() {
        let mut looks = Looks::default();
        assert!(looks.add(CAT));
        assert!(!looks.add(CAT));
        let little = Taken {
            memory: 100_900,
            ..CAT
        };
        assert!(!looks.add(little));
        let child = Taken {
            processes: 2,
            threads: 2,
            ..CAT
        };
        assert!(looks.add(child));
        assert_eq!((looks.most.memory, looks.most.threads), (100_900, 2));
    }

    #[test]
    fn session_takes_its_client_too() {
        assert_eq!(need(4, &CAT).descriptors, 5);
        assert_eq!(need(0, &CAT).descriptors, 5);
    }

    #[test]
    fn program_that_was_gone_too_soon_counts_as_one_thread() {
        assert_eq!(need(4, &Taken::default()).tasks, 1);
    }
}
