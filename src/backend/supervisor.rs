//! Supervision: programs that are started before the first session and kept running beside all of them, such as the
//! server that a target leads to.
//!
//! # How it works
//! Each program has a task: it starts the process, waits for its end, and starts it again after a pause that doubles as
//! long as none lives long. A token asks the task to bring the process to its end, by the same ladder as a session's.
//! Tasks are tracked, so that a stop waits for all of them; what is dropped with the runtime is killed.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, task::JoinHandle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span, error_span, info, warn};

use super::{
    interface::Environment,
    process::{Process, TerminationTimeouts},
    process_attributes::ProcessAttributes,
    program::Program,
    program_files::{ChangedFiles, ProgramFiles},
    socket::RecentStarts,
    spawn::Spawner,
};
use crate::backoff::Backoff;

/// A program to be kept running. Two that are equal are the same one, before and after a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisedProgram {
    /// The file to execute: absolute, or relative to its working directory.
    pub file: PathBuf,
    /// The arguments as the program sees them, its own name first.
    pub arguments: Vec<OsString>,
    /// Working directory; the gateway's if `None`.
    pub directory: Option<PathBuf>,
    /// As whom, and how much of the machine it may take.
    pub attributes: ProcessAttributes,
    /// The whole of its environment.
    pub environment: Environment,
    /// What it gets to end; its input has ended from the beginning.
    pub timeouts: TerminationTimeouts,
}

impl SupervisedProgram {
    /// Its name in the log: the last part of its own.
    fn name(&self) -> String {
        let name = self.arguments.first().map(Path::new);
        let name = name.and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn program(&self) -> Program {
        Program {
            file: self.file.clone(),
            arguments: self.arguments.clone(),
            directory: self.directory.clone(),
            entry: None,
            attributes: self.attributes.clone(),
            ..Program::default()
        }
    }
}

/// Keeps programs running, and ends them.
#[derive(Debug)]
pub struct Supervisor {
    spawner: Spawner,
    starts: RecentStarts,
    kept: Mutex<Vec<Kept>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// A program that is kept running.
#[derive(Debug)]
struct Kept {
    program: SupervisedProgram,
    stop: CancellationToken,
    restart: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// One that keeps nothing yet, and notes its starts.
    pub fn new(spawner: Spawner, starts: RecentStarts) -> Self {
        Supervisor {
            spawner,
            starts,
            kept: Mutex::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Starts programs and keeps them running. Cancel safe: yes; those which were started are kept.
    ///
    /// # Errors
    /// Why one cannot be started, with its place in the list; those before it are kept.
    pub async fn start(&self, programs: Vec<SupervisedProgram>) -> Result<(), (usize, io::Error)> {
        for (index, program) in programs.into_iter().enumerate() {
            let process = start(&program, &self.spawner).await;
            let process = process.map_err(|error| (index, error))?;
            self.keep(program, Some(process));
        }
        Ok(())
    }

    /// Ends what is wanted no more, and then starts what is new; what is the same runs on. One that cannot be started is
    /// tried again, as one that has ended. Cancel safe: no; what is gone ends all the same.
    pub async fn replace(&self, mut wanted: Vec<SupervisedProgram>) {
        let gone: Vec<Kept> = {
            let mut kept = self.kept.lock();
            let is_gone = |kept: &mut Kept| match wanted.iter().position(|new| *new == kept.program)
            {
                Some(index) => {
                    wanted.remove(index);
                    false
                }
                None => true,
            };
            kept.extract_if(.., is_gone).collect()
        };
        // All at once, and awaited before their successors: these may want the same port.
        gone.iter().for_each(|kept| kept.stop.cancel());
        for kept in gone {
            let _ = kept.task.await;
        }
        for program in wanted {
            self.keep(program, None);
        }
    }

    /// What all of them are made of. Looks at files.
    pub fn files(&self) -> Vec<ProgramFiles> {
        let kept = self.kept.lock();
        kept.iter()
            .map(|kept| kept.program.program().files())
            .collect()
    }

    /// Ends those which are made of files that have changed, and starts them again.
    pub fn restart(&self, changed: &ChangedFiles) {
        let kept = self.kept.lock();
        let is_changed = |kept: &&Kept| changed.concern(&kept.program.program().files());
        for kept in kept.iter().filter(is_changed) {
            kept.restart.notify_one();
        }
    }

    /// Brings all of them to their end. Cancel safe: yes; they go on to end, and nobody waits for it.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn keep(&self, program: SupervisedProgram, first: Option<Started>) {
        let (stop, restart) = (self.stop.child_token(), Arc::new(Notify::new()));
        self.starts.note();
        let keeper = Keeper {
            program: program.clone(),
            spawner: self.spawner.clone(),
            starts: self.starts.clone(),
            stop: stop.clone(),
            restart: Arc::clone(&restart),
        };
        let task = self.tasks.spawn(keeper.run(first));
        self.kept.lock().push(Kept {
            program,
            stop,
            restart,
            task,
        });
    }
}

/// A process, and the span of its lines in the log.
type Started = (Process, Span);

/// Starts the process of a program.
async fn start(program: &SupervisedProgram, spawner: &Spawner) -> io::Result<Started> {
    let span = error_span!("server", name = program.name(), pid = tracing::field::Empty);
    let runnable = program.program();
    let starting = runnable.start_alone(spawner, &program.environment);
    let process = starting.instrument(span.clone()).await?;
    span.in_scope(|| info!("server started"));
    Ok((process, span))
}

/// Keeps one program running: what its task needs.
struct Keeper {
    program: SupervisedProgram,
    spawner: Spawner,
    starts: RecentStarts,
    stop: CancellationToken,
    /// Its file is another one: what runs is to be ended, and started again.
    restart: Arc<Notify>,
}

/// Why a process has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeeperEnd {
    /// By itself, having lived so long; or it could not be started.
    Failed(Duration),
    /// To be started again.
    Restarted,
    /// To end.
    Stopped,
}

impl Keeper {
    async fn run(self, mut first: Option<Started>) {
        let mut backoff = Backoff::default();
        loop {
            let started = match first.take() {
                Some(started) => Ok(started),
                None => tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    started = start(&self.program, &self.spawner) => started,
                },
            };
            let end = match started {
                Ok((process, span)) => self.live(process).instrument(span).await,
                // It was logged why.
                Err(_) => KeeperEnd::Failed(Duration::ZERO),
            };
            let lived = match end {
                KeeperEnd::Stopped => return,
                KeeperEnd::Restarted => continue,
                KeeperEnd::Failed(lived) => lived,
            };
            let pause = backoff.next(lived);
            let name = self.program.name();
            warn!("server {name} is started again in {} ms", pause.as_millis());
            tokio::select! {
                () = self.stop.cancelled() => return,
                // What has failed was another file.
                () = self.restart.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// A process from its start to its end.
    async fn live(&self, mut process: Process) -> KeeperEnd {
        self.starts.note();
        let begun = process.started();
        let end = tokio::select! {
            () = self.stop.cancelled() => KeeperEnd::Stopped,
            () = self.restart.notified() => KeeperEnd::Restarted,
            _ = process.exit() => KeeperEnd::Failed(begun.elapsed()),
        };
        // Nobody listens from now on until it is started again: clients are to wait for that.
        self.starts.note();
        // What is left of its group ends too.
        let status = process.end(&self.program.timeouts).await;
        match end {
            KeeperEnd::Failed(_) => warn!("server ended by itself: {}", describe(status)),
            _ => info!("server ended, as it was told: {}", describe(status)),
        }
        match self.stop.is_cancelled() {
            true => KeeperEnd::Stopped,
            false => end,
        }
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "its status is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervisor() -> Supervisor {
        let spawner = Spawner::start().expect("threads");
        Supervisor::new(spawner, RecentStarts::default())
    }

    fn shell(script: &str) -> SupervisedProgram {
        SupervisedProgram {
            file: "/bin/sh".into(),
            arguments: ["sh", "-c", script].map(Into::into).to_vec(),
            directory: None,
            attributes: ProcessAttributes::default(),
            environment: Vec::new(),
            timeouts: TerminationTimeouts {
                interrupt: Duration::from_millis(250),
                terminate: Duration::from_millis(500),
                ..TerminationTimeouts::default()
            },
        }
    }

    #[tokio::test]
    async fn program_that_cannot_be_started_is_named_by_its_place() {
        let supervisor = supervisor();
        let mut nowhere = shell("");
        nowhere.file = "/nowhere/program".into();
        let started = supervisor
            .start(vec![shell("exec sleep 1000"), nowhere])
            .await;
        let (index, error) = started.expect_err("it is not there");
        assert_eq!((index, error.kind()), (1, io::ErrorKind::NotFound));
        supervisor.end().await;
    }

    #[tokio::test]
    async fn what_is_the_same_runs_on_and_what_is_gone_ends() {
        let supervisor = supervisor();
        let stays = shell("exec sleep 1001");
        let started = supervisor.start(vec![stays.clone(), shell("exec sleep 1002")]);
        started.await.expect("they start");
        let task = supervisor.kept.lock()[0].task.id();
        supervisor
            .replace(vec![shell("exec sleep 1003"), stays])
            .await;
        {
            let kept = supervisor.kept.lock();
            let sleeping: Vec<_> = kept
                .iter()
                .map(|kept| kept.program.arguments[2].clone())
                .collect();
            assert_eq!(sleeping, ["exec sleep 1001", "exec sleep 1003"]);
            assert_eq!(kept[0].task.id(), task);
            assert_eq!(supervisor.tasks.len(), 2);
        }
        supervisor.end().await;
    }
}
